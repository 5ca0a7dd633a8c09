//! Validators and conditions beyond the public cases (RFC 9110 sections 8.8, 13.1 and 15.4.5, RFC 9111 section 4.3).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let tagged = |tag: &str| get().says("Cache-Control: max-age=3600").says(&format!("ETag: {tag}"));
    let none_match = |tags: &str| get().asks(&format!("If-None-Match: {tags}"));
    let answered = |id: &str, stored: &str, asked: &str, status: u16| {
        own(id, [tagged(stored), none_match(asked).cached().expect(status)])
    };
    let modified = || get().says("Cache-Control: max-age=3600").says("Last-Modified: @-3000").says("Date: @0");
    let since = |date: &str| get().asks(&format!("If-Modified-Since: {date}")).cached();
    let stale_tag = || becomes_stale().says("ETag: \"a\"");
    vec![
        answered("none-match-star", "\"a\"", "*", 304),
        answered("none-match-weak-for-strong", "\"a\"", "W/\"a\"", 304),
        answered("none-match-strong-for-weak", "W/\"a\"", "\"a\"", 304),
        answered("none-match-other", "\"a\"", "\"b\"", 200),
        answered("none-match-in-capitals-is-another", "\"a\"", "\"A\"", 200),
        answered("none-match-tag-with-comma", "\"a,b\"", "\"x\", \"a,b\"", 304),
        answered("none-match-half-of-a-tag-with-comma", "\"b\"", "\"a,b\"", 200),
        own("since-not-a-date", [modified(), since("yesterday")]),
        own("since-before-the-change", [modified(), since("@-4000")]),
        own("since-is-nothing-beside-none-match", [
            modified().says("ETag: \"a\""),
            since("@0").asks("If-None-Match: \"b\""),
        ]),
        own("not-modified-says-what-a-200-would", [
            tagged("\"a\"").says("Content-Location: /x").says("Expires: @3600").says("Vary: Foo").says("Date: @0"),
            none_match("\"a\"")
                .cached()
                .expect(304)
                .shows("Cache-Control: max-age=3600")
                .shows("Content-Location: /x")
                .shows("ETag: \"a\"")
                .shows("Vary: Foo")
                .has("Expires")
                .has("Date"),
        ])
        .needs("vary-match"),
        own("client-condition-stays-with-the-client", [stale_tag(), none_match("\"b\"").tag_validated()]),
        own("client-condition-after-a-304", [stale_tag(), none_match("\"a\"").tag_validated().expect(304)]),
        own("client-condition-on-a-miss-stores-the-whole", [
            tagged("\"a\"").asks("If-None-Match: \"a\"").any_status().any_body(),
            get().cached(),
        ]),
        own("changed-answer-replaces", [
            stale_tag().body("old"),
            get().says("Cache-Control: max-age=3600").says("ETag: \"b\"").body("new").fetched(),
            get().cached().body("new"),
        ]),
        own("both-validators-are-sent", [
            becomes_stale().says("ETag: \"a\"").says("Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT"),
            get().tag_validated().sent("If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT"),
        ]),
        own("variant-validates-by-its-own-tag", [
            get().asks("Foo: 1").says("Vary: Foo").says("Cache-Control: max-age=3600").says("ETag: \"one\""),
            get().asks("Foo: 2").says("Vary: Foo").says("Cache-Control: max-age=2").says("ETag: \"two\"").pause(),
            get().asks("Foo: 2").tag_validated().sent("If-None-Match: \"two\""),
            get().asks("Foo: 1").cached(),
        ])
        .needs("vary-match"),
    ]
}
