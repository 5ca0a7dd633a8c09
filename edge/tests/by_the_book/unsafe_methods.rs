//! What unsafe requests end, and what they do not (RFC 9111 section 4.4, RFC 9110 section 9.2.1).

use crate::case::*;

pub fn cases() -> Vec<Case> {
    let kept = || get().says("Cache-Control: max-age=3600");
    let post = || ask("POST").upload("abc");
    let after = |id: &str, method: &'static str, status: u16, ended: bool| {
        let last = if ended { get().fetched() } else { get().cached() };
        own(id, [kept(), ask(method).upload("abc").status(status), last])
    };
    let target = || kept().path("location_target");
    let pointing = |id: &str, field: &str, ended: bool| {
        let last = if ended { get().path("location_target").fetched() } else { get().path("location_target").cached() };
        own(id, [target(), post().path("a/b").says(field), last])
    };
    let variant = |value: &str| kept().says("Vary: Foo").asks(&format!("Foo: {value}"));
    vec![
        after("patch-ends-what-is-stored", "PATCH", 204, true),
        after("see-other-ends-what-is-stored", "POST", 303, true),
        after("refused-post-ends-nothing", "POST", 404, false),
        own("options-ends-nothing", [kept(), ask("OPTIONS"), get().cached()]),
        own("head-ends-nothing", [kept(), ask("HEAD"), get().cached()]),
        pointing("location-of-another-host-ends-nothing", "Location: http://other.test{case}/location_target", false),
        pointing("location-of-another-port-ends-nothing", "Location: http://edge.test:81{case}/location_target", false),
        pointing("location-of-the-same-host", "Location: http://edge.test{case}/location_target", true),
        pointing("relative-location", "Location: ../location_target", true),
        pointing("relative-content-location", "Content-Location: ../location_target", true),
        own(
            "every-variant-ends",
            [variant("1"), variant("2").fetched(), post(), variant("1").fetched(), variant("2").fetched()],
        )
        .needs("vary-match"),
        own(
            "what-every-shard-holds-ends",
            [kept(), get().clients(16).cached(), post(), kept().clients(16).fetched().asked(1)],
        ),
        own("answer-to-a-post-is-not-for-a-get", [post().says("Cache-Control: max-age=3600"), get().fetched()]),
        own(
            "answer-to-a-post-about-something-else-is-not-for-a-get",
            [post().says("Cache-Control: max-age=3600").says("Content-Location: {path}/other"), get().fetched()],
        ),
    ]
}
