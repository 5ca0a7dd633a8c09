//! What a client asks for with `Cache-Control` (RFC 9111 section 5.2.1) where the edge is told to listen; credentials are not shared
//! (section 3.5); HEAD (section 4.3.5).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = directives();
    all.extend(credentials_and_heads());
    all
}

fn directives() -> Vec<Case> {
    let wants = |cc: &str| get().asks(&format!("Cache-Control: {cc}"));
    let hour = || get().says("Cache-Control: max-age=3600");
    let tagged = || hour().says("ETag: \"a\"");
    let strict = || get().says("Cache-Control: max-age=2, must-revalidate").pause();
    let cases = [
        own("request-no-store-is-not-stored", [wants("no-store").says("Cache-Control: max-age=3600"), get().fetched()]),
        own("request-no-cache-validates", [tagged(), wants("no-cache").tag_validated()]),
        own(
            "request-no-cache-replaces",
            [tagged().body("old"), wants("no-cache").says("Cache-Control: max-age=3600").body("new").fetched(), get().cached().body("new")],
        ),
        own(
            "request-no-cache-replaces-on-every-shard",
            [
                tagged().body("old"),
                get().clients(16).body("old").cached(),
                wants("no-cache").says("Cache-Control: max-age=3600").body("new").fetched(),
                get().clients(16).body("new").cached().asked(0),
            ],
        ),
        own("request-max-age-is-enough", [hour().says("Age: 100"), wants("max-age=600").cached()]),
        own("request-max-age-is-too-little", [hour().says("Age: 100"), wants("max-age=50").fetched()]),
        own("request-min-fresh-is-met", [hour(), wants("min-fresh=1000").cached()]),
        own("request-min-fresh-is-not-met", [hour(), wants("min-fresh=3601").fetched()]),
        own("request-max-stale-takes-any", [becomes_stale(), wants("max-stale").cached()]),
        own("request-max-stale-of-nothing", [becomes_stale(), wants("max-stale=0").fetched()]),
        own("request-max-stale-against-must-revalidate", [strict(), wants("max-stale=1000").fetched()]),
        own("request-only-if-cached-hit", [hour(), wants("only-if-cached").cached()]),
        own("request-only-if-cached-miss", [wants("only-if-cached").refused(504)]),
        own("request-only-if-cached-stale", [becomes_stale(), wants("only-if-cached").refused(504)]),
        own(
            "request-only-if-cached-max-stale",
            [becomes_stale(), wants("only-if-cached, max-stale=1000").cached()],
        ),
    ];
    let mut all: Vec<Case> = cases.into_iter().map(Case::listening).collect();
    all.push(own("request-no-cache-is-not-heard-unless-told", [hour(), wants("no-cache").cached()]));
    all.push(own("request-max-age-is-not-heard-unless-told", [hour().says("Age: 100"), wants("max-age=50").cached()]));
    all
}

fn credentials_and_heads() -> Vec<Case> {
    let hour = || get().says("Cache-Control: max-age=3600");
    let credential = |step: Step| step.asks("Authorization: FOO");
    vec![
        own("authorised-request-may-use-what-is-shared", [hour(), credential(get()).cached()]),
        own(
            "authorised-answer-with-proxy-revalidate-is-not-shared",
            [credential(get()).says("Cache-Control: max-age=3600, proxy-revalidate"), get().fetched()],
        ),
        own(
            "authorised-answer-without-lifetime-is-not-shared",
            [credential(get()).says("Last-Modified: @-864000").says("Date: @0"), get().fetched()],
        ),
        own("no-transform-is-kept-as-it-is", {
            let list = "#EXTM3U\n".to_owned() + &"#EXTINF:4,\n1.m4s\n".repeat(200);
            let said = get().says("Cache-Control: max-age=3600, no-transform");
            let said = said.says("Content-Type: application/vnd.apple.mpegurl").body(&list);
            [said.lacks("Content-Encoding"), get().cached().body(&list).lacks("Content-Encoding")]
        }),
        own("head-is-answered-from-what-a-get-stored", [hour(), ask("HEAD").cached().shows("Content-Length: 36")]),
        own("head-stores-no-body", [ask("HEAD").says("Cache-Control: max-age=3600"), get().fetched()]),
        own(
            "head-of-another-version-ends-what-is-stored",
            [
                becomes_stale().says("ETag: \"a\""),
                ask("HEAD").says("ETag: \"b\"").says("Cache-Control: max-age=3600"),
                get().body("new").fetched(),
            ],
        ),
    ]
}
