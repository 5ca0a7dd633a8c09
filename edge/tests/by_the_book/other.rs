//! Answers to requests with credentials (RFC 9111 section 3.5), `Age` and `Date` of a stored answer (section 4.2.3), keys, cookies.

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = authorization();
    all.extend(age_and_date());
    all.extend(keys());
    all
}

fn authorization() -> Vec<Case> {
    let credential = |step: Step| step.asks("Authorization: FOO").sent("Authorization: FOO");
    let shared = |id: &str, cc: &str| {
        let first = credential(get()).says(&format!("Cache-Control: {cc}")).says("Date: @0").pause();
        optimal(id, [first, get().cached()]).needs("other-authorization")
    };
    vec![
        required("other-authorization", [credential(fresh()), get().fetched()]).needs("freshness-max-age"),
        shared("other-authorization-public", "max-age=3600, public"),
        shared("other-authorization-must-revalidate", "max-age=3600, must-revalidate"),
        shared("other-authorization-smaxage", "s-maxage=3600"),
    ]
}

/// The pause is longer than two seconds, so that the age is at least that.
fn age_and_date() -> Vec<Case> {
    let month = || get().says("Expires: @2592000").says("Date: @0");
    vec![
        required("other-age-gen", [fresh(), get().cached().above("Age", 1)]).needs("freshness-max-age"),
        check("other-age-delay", [get().says("Cache-Control: max-age=3600").says("Date: @0").slow(2_000).above("age", 0)]),
        required("other-age-update-expires", [month().says("Age: 30").pause(), get().cached().above("Age", 31)])
            .needs("freshness-expires-future"),
        required("other-age-update-max-age", [fresh().says("Age: 30"), get().cached().above("Age", 31)])
            .needs("freshness-max-age"),
        required("other-date-update", [fresh(), get().cached().shows("Date: @0")]).needs("freshness-max-age"),
        required("other-date-update-expires", [month().pause(), get().cached().shows("Date: @0")])
            .needs("freshness-expires-future"),
        check("other-date-update-expires-update", [month().pause(), get().cached().shows("Expires: @2592000")])
            .needs("freshness-expires-future"),
    ]
}

fn keys() -> Vec<Case> {
    let query = |step: Step, key: &str| step.query(&format!("test={}", word(key)));
    let attached = "Content-Disposition: attachment; filename=example.txt";
    let cases = [
        required("query-args-different", [query(fresh(), "different-1"), query(get(), "different-2").fetched()]),
        optimal("query-args-same", [query(fresh(), "same"), query(get(), "same").cached()]),
        check(
            "other-heuristic-content-disposition-attachment",
            reused_at_once(&["Last-Modified: @-100000", "Date: @0", attached]),
        ),
        check("other-fresh-content-disposition-attachment", [fresh().says(attached), get().cached()]),
        optimal("other-set-cookie", [fresh().says("Set-Cookie: a=b"), get().cached()]),
        optimal("other-cookie", [fresh(), get().asks("Cookie: a=b").cached()]),
    ];
    all_need("freshness-max-age", cases)
}
