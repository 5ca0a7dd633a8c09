//! Ranges of what is not here, of an origin that serves ranges: what is fetched for them is kept and combined by strong validators alone
//! (RFC 9111 sections 3.3 and 3.4), and every part is of the representation it says.

use crate::case::*;

const TEN: &str = "0123456789";
const NEW: &str = "abcdefghij";

pub fn cases() -> Vec<Case> {
    let serves = |step: Step, tag: &str, body: &str| {
        step.says("Cache-Control: max-age=3600").says(&format!("~ETag: {tag}")).body(body).serves_ranges()
    };
    let ranged = |range: &str| get().asks(&format!("Range: bytes={range}")).expect(206);
    let cold = |range: &str, tag: &str| serves(ranged(range), tag, TEN);
    let place = |step: Step, place: &str| step.shows(&format!("Content-Range: bytes {place}"));
    vec![
        own("part-of-what-is-not-here", [place(cold("2-3", "\"r\"").expect_body("23"), "2-3/10")]),
        own("part-at-the-end-of-what-is-not-here", [place(cold("-3", "\"r\"").expect_body("789"), "7-9/10")]),
        own("part-to-the-end-of-what-is-not-here", [place(cold("6-", "\"r\"").expect_body("6789"), "6-9/10")]),
        own("part-then-another", [cold("2-3", "\"r\"").expect_body("23"), place(ranged("5-6").cached().expect_body("56"), "5-6/10")]),
        own("part-then-the-whole", [cold("2-3", "\"r\"").expect_body("23"), get().cached().body(TEN)]),
        own("part-then-a-head", [
            cold("2-3", "\"r\"").expect_body("23"),
            ask("HEAD").cached().shows("Content-Length: 10").lacks("Content-Range"),
        ]),
        own("part-then-none-match", [
            cold("2-3", "\"r\"").expect_body("23"),
            get().asks("If-None-Match: \"r\"").cached().expect(304),
        ]),
        own(
            "part-is-of-its-own-version",
            [
                ranged("2-3").says("Cache-Control: max-age=2").says("ETag: \"r\"").body(TEN).serves_ranges().expect_body("23").pause(),
                serves(ranged("5-6"), "\"s\"", NEW).expect_body("fg").shows("ETag: \"s\""),
                get().body(NEW),
            ],
        ),
        // One answer that holds all of it is the whole, whatever its validator.
        own("part-that-is-the-whole-needs-no-tag", [
            get().asks("Range: bytes=2-3").says("Cache-Control: max-age=3600").body(TEN).serves_ranges().expect(206).expect_body("23"),
            get().cached().body(TEN),
        ]),
        own("part-without-a-strong-tag-is-asked-for-once", [
            cold("2-3", "W/\"r\"").expect_body("23").asked(1),
            cold("5-6", "W/\"r\"").expect_body("56"),
        ]),
        own("part-of-what-must-not-be-stored", [
            get().asks("Range: bytes=2-3").says("Cache-Control: no-store").says("ETag: \"r\"").body(TEN).serves_ranges().expect(206).expect_body("23"),
            get().fetched(),
        ]),
        own("part-with-if-range-of-what-is-not-here", [
            cold("2-3", "\"r\"").asks("If-Range: \"r\"").expect_body("23"),
        ]),
        own("part-with-another-if-range-of-what-is-not-here", [
            serves(get().asks("Range: bytes=2-3").asks("If-Range: \"old\""), "\"r\"", TEN),
        ]),
        own("parts-of-what-is-not-here-asked-together", [
            cold("2-3", "\"r\"").expect_body("23").clients(8).slow(200).asked(1),
        ]),
        own("part-outside-of-what-is-not-here", [
            get().says("Cache-Control: max-age=3600").says("ETag: \"r\"").body(TEN),
            get().asks("Range: bytes=20-30").expect(416).any_body().shows("Content-Range: bytes */10"),
        ]),
    ]
}
