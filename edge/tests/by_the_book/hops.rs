//! What ends at a hop, what marks it, and interim answers (RFC 9110 sections 7.6 and 15.2, RFC 8586).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let link = "link: </a.css>; rel=preload";
    let hinted = |step: Step| step.interim(103, &["link: </a.css>; rel=preload"]);
    let looped = vec!["streamgate"; 20].join(", ");
    vec![
        own("request-fields-end-here", [get()
            .asks("Connection: x-hop, keep-alive")
            .asks("X-Hop: 1")
            .asks("Keep-Alive: timeout=5")
            .asks("TE: trailers")
            .asks("Proxy-Connection: keep-alive")
            .asks("X-Stays: 1")
            .not_sent("X-Hop")
            .not_sent("Keep-Alive")
            .not_sent("TE")
            .not_sent("Proxy-Connection")
            .sent("X-Stays: 1")]),
        own("answer-fields-end-here", [get()
            .says("Cache-Control: no-store")
            .says("~Connection: x-hop")
            .says("~X-Hop: 1")
            .says("~Keep-Alive: timeout=5")
            .says("~Proxy-Authenticate: Basic")
            .says("X-Stays: 1")
            .lacks("X-Hop")
            .lacks("Proxy-Authenticate")]),
        own("age-of-what-is-not-kept-goes-on", [get().says("Cache-Control: no-store").says("Age: 7")]),
        own("upgrade-ends-here", [get().asks("Connection: upgrade").asks("Upgrade: h2c").not_sent("Upgrade")]),
        own("max-forwards-counts-down", [ask("OPTIONS").asks("Max-Forwards: 5").sent("Max-Forwards: 4")]),
        own("max-forwards-ends-here", [ask("OPTIONS")
            .asks("Max-Forwards: 0")
            .any_status()
            .any_body()
            .lacks("server-request-count")
            .asked(0)]),
        own("max-forwards-of-a-get-is-nothing", [get().asks("Max-Forwards: 0").fetched()]),
        own("via-is-added", [get().sent_with("Via: 1.1 ")]),
        own("via-is-appended", [get().asks("Via: 1.0 fred").sent_with("Via: 1.0 fred, 1.1 ")]),
        own("cdn-loop-is-added", [get().sent_with("CDN-Loop: streamgate")]),
        own("cdn-loop-is-appended", [get().asks("CDN-Loop: other; x=\"1\"").sent_with("CDN-Loop: other; x=\"1\", streamgate")]),
        own("cdn-loop-of-a-post", [ask("POST").upload("x").sent_with("CDN-Loop: streamgate")]),
        own("cdn-loop-ends", [get()
            .asks(&format!("CDN-Loop: {looped}"))
            .any_status()
            .any_body()
            .lacks("server-request-count")
            .asked(0)]),
        own("interim-of-what-is-not-kept", [hinted(get()).says("Cache-Control: no-store").expect_interim(&[(103, &[link])])]),
        own("interim-of-a-post", [hinted(ask("POST").upload("x")).expect_interim(&[(103, &[link])])]),
        own("interim-of-two", [hinted(hinted(get())).expect_interim(&[(103, &[link]), (103, &[link])])]),
        own("interim-not-for-http-1-0", [hinted(get())
            .says("Cache-Control: max-age=3600")
            .version("HTTP/1.0")
            .asks("Connection: close")
            .expect_interim(&[])]),
        own("interim-of-a-revalidation", [
            becomes_stale().says("ETag: \"a\""),
            hinted(get()).tag_validated().expect_interim(&[(103, &[link])]),
        ]),
    ]
}
