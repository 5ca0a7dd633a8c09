//! Interim answers pass through and are not kept (RFC 9110 section 15.2, RFC 8297).

use crate::case::*;

const LINK: &str = "link: </styles.css>; rel=preload; as=style";
const MINE: &str = "x-my-header: test";

pub fn cases() -> Vec<Case> {
    let kept = |status: u16, fields: &[&'static str]| {
        let step = get().says("Cache-Control: max-age=100000").says("Date: @0").pause();
        step.interim(status, fields).expect_interim(&[(status, fields)])
    };
    vec![
        optimal("interim-102", [kept(102, &[]), get().cached()]),
        optimal("interim-103", [kept(103, &[LINK, MINE]), get().cached()]),
        required("interim-not-cached", [kept(103, &[LINK]), get().cached().expect_interim(&[])]),
        optimal(
            "interim-no-header-reuse",
            [kept(103, &[LINK, MINE]).lacks("x-my-header"), get().cached().lacks("x-my-header")],
        ),
    ]
}
