//! `Cache-Status` says what happened (RFC 9211 section 2). That it is well-formed and true is asked of every answer of every case.

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let hour = || get().says("Cache-Control: max-age=3600").says("ETag: \"a\"");
    let word = |word: &str| format!("Cache-Status: {word}");
    let says = |step: Step, words: &[&str]| words.iter().fold(step, |step, w| step.shows_with(&word(w)));
    vec![
        own("status-of-a-miss", [says(hour(), &["fwd=", "miss", "; stored"])]),
        own("status-of-a-hit", [hour(), says(get().cached(), &["streamgate; hit"])]),
        own("status-of-a-post", [says(ask("POST").upload("x"), &["fwd=method"])]),
        own("status-of-a-validation", [
            becomes_stale().says("ETag: \"a\""),
            says(get().tag_validated(), &["fwd=stale", "fwd-status=304"]),
        ]),
        own("status-of-a-forced-request", [
            hour(),
            says(get().asks("Cache-Control: no-cache").tag_validated(), &["fwd=request", "fwd-status=304"]),
        ])
        .listening(),
        own("status-of-another-variant", [
            hour().asks("Foo: 1").says("Vary: Foo"),
            says(get().asks("Foo: 2").fetched(), &["fwd=vary-miss"]),
        ])
        .needs("vary-match"),
        own("status-of-what-is-not-kept", [says(get().says("Cache-Control: no-store"), &["fwd="]).lacks_value(&word("stored"))]),
        own("status-follows-the-origins", [
            hour().says("~Cache-Status: up; hit").shows_with("Cache-Status: up; hit, streamgate; fwd="),
        ]),
        own("status-of-a-refusal", [get().asks("Cache-Control: only-if-cached").refused(504).shows_with("Cache-Status: streamgate")]),
    ]
}
