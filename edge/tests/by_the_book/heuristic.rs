//! Which answers may be used without being told for how long (RFC 9111 section 4.2.2, RFC 9110 section 15.1).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let first = |status: u16, public: bool| {
        let step = get().status(status).says("Last-Modified: @-86400").says("Date: @0").body(word(&status.to_string()));
        if public { step.says("Cache-Control: public") } else { step }
    };
    let second = |status: u16| get().status(status).body(word(&status.to_string()));
    let kept = |status: u16, public: bool| {
        optimal(format!("heuristic-{status}-cached"), [first(status, public), second(status).cached()])
    };
    let not_kept =
        |status: u16| required(format!("heuristic-{status}-not_cached"), [first(status, false), second(status).fetched()]);
    let delta = |seconds: u32| {
        let first = get().says(&format!("Last-Modified: @-{seconds}")).says("Date: @0").pause();
        check(format!("heuristic-delta-{seconds}"), [first, get().cached()])
    };
    let mut all: Vec<Case> =
        [200, 203, 204, 404, 405, 410, 414, 501].into_iter().map(|status| kept(status, false)).collect();
    all.extend([201, 202, 403, 502, 503, 504, 599].map(not_kept));
    all.push(kept(599, true));
    all.extend([5, 10, 30, 60, 300, 600, 1200, 1800, 3600, 43_200, 86_400].map(delta));
    all
}
