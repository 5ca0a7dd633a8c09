//! When a stale answer may be used, and when not (RFC 9111 section 4.2.4, RFC 5861).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let prohibited = |cc: &str, argument: &str| {
        let first = get().says(&format!("Cache-Control: max-age=2, {cc}{argument}")).pause();
        let second = get().hangs_up().any_status().any_body().lacks("server-request-count");
        required(format!("stale-close-{cc}{argument}"), [first, second])
    };
    let on_error = || get().says("Cache-Control: max-age=2, stale-if-error=60").pause();
    // Fresh for one second; the grace covers the first pause and is over after the second.
    let window = [
        get().says("Cache-Control: max-age=1, stale-while-revalidate=3").says("ETag: \"abc\"").pause(),
        get().says("~Cache-Control: no-cache").says("~ETag: \"def\"").cached().pause(),
        get().shows("client-request-count: 3"),
    ];
    vec![
        check("stale-close", [becomes_stale(), get().hangs_up().cached()]).needs("freshness-max-age-stale"),
        check("stale-503", [becomes_stale(), get().status(503).expect(200).cached()]).needs("freshness-max-age-stale"),
        optimal(
            "stale-while-revalidate",
            [
                get().says("Cache-Control: max-age=1, stale-while-revalidate=3600").says("ETag: \"abc\"").pause(),
                get().cached(),
            ],
        )
        .needs("freshness-max-age-stale"),
        required("stale-while-revalidate-window", window).needs("stale-while-revalidate"),
        check("stale-sie-close", [on_error(), get().hangs_up().cached()]).needs("freshness-max-age-stale"),
        check("stale-sie-503", [on_error(), get().status(503).expect(200).cached()]).needs("freshness-max-age-stale"),
        prohibited("must-revalidate", ""),
        prohibited("proxy-revalidate", ""),
        prohibited("no-cache", ""),
        prohibited("s-maxage", "=2"),
        check("stale-warning-stored", [stale(), get().hangs_up().cached().has("warning")]),
        check("stale-warning-become", [becomes_stale(), get().hangs_up().cached().has("warning")]),
    ]
}
