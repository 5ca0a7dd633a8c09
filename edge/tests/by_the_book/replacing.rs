//! What becomes of a stored answer when the origin is asked again (RFC 9111 sections 3.2, 4.2.3, 4.3.3 and 4.3.4), and what is stored of
//! answers that are odd.

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = asked_again();
    all.extend(odd());
    all.extend(codings());
    all
}

fn asked_again() -> Vec<Case> {
    let hour = |step: Step| step.says("Cache-Control: max-age=3600");
    let tagged = || becomes_stale().says("ETag: \"a\"");
    vec![
        own("again-no-store-ends-it", [becomes_stale(), get().says("Cache-Control: no-store").fetched(), get().fetched()]),
        own(
            "again-304-with-no-store-ends-it",
            [tagged(), get().says("Cache-Control: no-store").tag_validated(), get().fetched()],
        ),
        own(
            "again-304-with-private-ends-it",
            [tagged(), get().says("Cache-Control: private, max-age=60").tag_validated(), get().fetched()],
        ),
        own("again-404-replaces", [tagged(), hour(get()).status(404).fetched(), get().status(404).cached()]),
        own("again-a-redirect-replaces", [
            tagged(),
            hour(get()).status(301).says("Location: /x").fetched(),
            get().status(301).cached().shows("Location: /x"),
        ]),
        own("again-304-begins-a-new-age", [
            hour(get()).says("Age: 3599").says("ETag: \"a\"").pause(),
            hour(get()).says("ETag: \"a\"").tag_validated(),
            get().cached().at_most_field("Age", 1),
        ]),
        own("again-304-without-date-is-dated-now", [
            tagged(),
            get().tag_validated().says("Cache-Control: max-age=2"),
            get().cached(),
        ]),
        own("again-304-keeps-the-body", [
            tagged().body("old"),
            hour(get()).tag_validated().body("old"),
            get().cached().body("old"),
        ]),
        own("too-old-on-arrival-for-its-grace", [
            get().says("Cache-Control: max-age=10, stale-while-revalidate=10").says("Age: 30"),
            get().fetched(),
        ]),
        own("old-on-arrival-within-its-grace", [
            get().says("Cache-Control: max-age=10, stale-while-revalidate=60").says("Age: 30"),
            get().cached(),
        ]),
        own("too-old-on-arrival-for-an-error", [
            get().says("Cache-Control: max-age=10, stale-if-error=10").says("Age: 30"),
            get().status(503).fetched(),
        ]),
        own("range-after-a-validation", [
            tagged().body("0123456789"),
            get().asks("Range: bytes=0-1").tag_validated().expect(206).expect_body("01"),
        ]),
        own("range-on-a-miss-stores-the-whole", [
            hour(get()).asks("Range: bytes=0-1").body("0123456789").any_status().any_body(),
            get().cached().body("0123456789"),
        ]),
    ]
}

fn odd() -> Vec<Case> {
    let hour = || get().says("Cache-Control: max-age=3600");
    vec![
        own("part-that-nobody-asked-for-is-not-the-whole", [
            hour().status(206).says("~Content-Range: bytes 0-4/10").body("01234").any_status().any_body(),
            get().fetched(),
        ]),
        own("not-modified-that-nobody-asked-for-is-an-error", [get().says("~Cache-Control: max-age=3600").status(304).expect(502).any_body()]),
        own("chunked-answer-is-stored-whole", [
            hour().says("~Transfer-Encoding: chunked").body("5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n").expect_body("hello"),
            get().cached().expect_body("hello").body("hello"),
        ]),
        own("expires-without-a-date-to-count-from", [get().says("Expires: @3600").says("~Date: {none}"), get().cached()]),
        own("date-is-added", [hour().says("~Date: {none}").has("Date"), get().cached().has("Date")]),
        own("immutable-fresh-is-used", reused(&["Cache-Control: max-age=3600, immutable"])),
        own("immutable-stale-is-validated", [
            get().says("Cache-Control: max-age=2, immutable").says("ETag: \"a\"").pause(),
            get().tag_validated(),
        ]),
        own("date-in-the-future-is-not-more-fresh", [
            get().says("Cache-Control: max-age=2").says("Date: @3600").pause(),
            get().fetched(),
        ]),
        own("two-lifetimes-the-shared-one-is-broken", not_reused_at_once(&["Cache-Control: max-age=3600, s-maxage=x"])),
        own("guess-is-not-made-for-a-cookie", [
            get().asks("Cookie: a=b").says("Last-Modified: @-864000").says("Date: @0"),
            get().fetched(),
        ]),
        own("guess-is-not-made-for-what-sets-a-cookie", not_reused_at_once(&[
            "Set-Cookie: a=b",
            "Last-Modified: @-864000",
            "Date: @0",
        ])),
        own("put-keeps-its-conditions", [ask("PUT").upload("x").asks("If-Match: \"a\"").sent("If-Match: \"a\"")]),
    ]
}

/// A coding that a client does not accept is not given to it, whether the origin says Vary or not.
fn codings() -> Vec<Case> {
    let packed = |step: Step| step.says("Cache-Control: max-age=3600").says("Content-Encoding: gzip");
    let accepts = |coding: &str| get().asks(&format!("Accept-Encoding: {coding}"));
    let varied = || packed(accepts("gzip")).says("Vary: Accept-Encoding");
    vec![
        own("coding-for-who-accepts-it", [varied(), accepts("br;q=0.1, gzip;q=0.5").any_status().any_body(), accepts("gzip").cached()]),
        own("coding-not-for-who-does-not", [varied(), accepts("identity").fetched()]),
        own("coding-not-for-who-refuses-it", [varied(), accepts("gzip;q=0").fetched()]),
        own("coding-without-vary", [packed(accepts("gzip")), accepts("identity").fetched()]),
        own("coding-in-capitals", [varied(), accepts("GZIP").cached()]),
    ]
}
