//! What an unsafe request makes of stored answers (RFC 9111 section 4.4).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let methods = ["POST", "PUT", "DELETE", "M-SEARCH"];
    let unsafe_request = |method: &'static str| ask(method).upload("abc");
    let elsewhere = |method: &'static str| {
        unsafe_request(method).says("Location: {path}/location_target").says("Content-Location: {path}/content_location_target")
    };
    let target = |path: &'static str| {
        get().path(path).says("Cache-Control: max-age=100000").says("Last-Modified: @0").says("Date: @0")
    };
    let mut all = Vec::new();
    for method in methods {
        all.push(
            required(format!("invalidate-{method}"), [fresh(), unsafe_request(method), get().fetched()])
                .needs("freshness-max-age"),
        );
        all.push(optimal(
            format!("invalidate-{method}-failed"),
            [fresh(), unsafe_request(method).status(500), get().cached()],
        ));
        for (id, path) in [("location", "location_target"), ("cl", "content_location_target")] {
            let steps = [target(path), elsewhere(method), target(path).fetched()];
            all.push(check(format!("invalidate-{method}-{id}"), steps));
        }
    }
    all
}
