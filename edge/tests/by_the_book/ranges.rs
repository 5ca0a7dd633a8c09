//! Parts of what is stored (RFC 9110 sections 13.1.5, 14 and 15.3.7, RFC 8673).

use crate::case::*;

const TEN: &str = "0123456789";

pub fn cases() -> Vec<Case> {
    let mut all = single();
    all.extend(conditional());
    all.extend(multiple());
    all
}

fn whole() -> Step {
    let step = get().says("Cache-Control: max-age=3600").says("ETag: \"r\"").says("Last-Modified: @-3000");
    step.says("Date: @0").body(TEN)
}

fn ranged(range: &str) -> Step {
    get().asks(&format!("Range: {range}")).cached()
}

fn single() -> Vec<Case> {
    let part = |id: &str, range: &str, first: usize, last: usize| {
        let step = ranged(range).expect(206).expect_body(&TEN[first..=last]).shows("ETag: \"r\"");
        own(id, [whole(), step.shows(&format!("Content-Range: bytes {first}-{last}/10"))])
    };
    let outside = |id: &str, range: &str| {
        own(id, [whole(), get().asks(&format!("Range: {range}")).expect(416).any_body().asked(0).shows("Content-Range: bytes */10")])
    };
    let ignored = |id: &str, range: &str| own(id, [whole(), ranged(range).body(TEN)]);
    vec![
        part("range-first-byte", "bytes=0-0", 0, 0),
        part("range-past-the-end", "bytes=5-100", 5, 9),
        part("range-longer-suffix", "bytes=-20", 0, 9),
        part("range-to-what-may-still-come", "bytes=2-9007199254740991", 2, 9),
        part("range-unit-in-capitals", "Bytes=3-4", 3, 4),
        outside("range-outside", "bytes=10-"),
        outside("range-empty-suffix", "bytes=-0"),
        ignored("range-of-another-unit", "items=0-1"),
        ignored("range-backwards", "bytes=5-2"),
        ignored("range-not-a-number", "bytes=a-b"),
        own("range-of-a-head", [whole(), ask("HEAD").asks("Range: bytes=0-1").cached().shows("Content-Length: 10")]),
        own(
            "range-of-an-error",
            [
                get().status(404).says("Cache-Control: max-age=3600").body(TEN),
                ranged("bytes=0-1").expect(404).body(TEN),
            ],
        ),
        own("range-larger-than-any-number", [whole(), ranged("bytes=0-99999999999999999999999").any_status().any_body()]),
    ]
}

fn conditional() -> Vec<Case> {
    let if_range = |validator: &str| ranged("bytes=0-1").asks(&format!("If-Range: {validator}"));
    let part = |step: Step| step.expect(206).expect_body("01");
    let weak = whole().says("~ETag: W/\"r\"");
    vec![
        own("if-range-same-tag", [whole(), part(if_range("\"r\""))]),
        own("if-range-other-tag", [whole(), if_range("\"s\"").body(TEN)]),
        own("if-range-weak-tag", [
            Step { says: weak.says.into_iter().filter(|said| said.value != "\"r\"").collect(), ..whole() },
            if_range("W/\"r\"").body(TEN),
        ]),
        own("if-range-same-date", [whole(), part(if_range("@-3000"))]),
        own("if-range-later-date", [whole(), if_range("@-2000").body(TEN)]),
        own("none-match-comes-before-range", [whole(), ranged("bytes=0-1").asks("If-None-Match: \"r\"").expect(304)]),
    ]
}

fn multiple() -> Vec<Case> {
    let long: String = (0..300).map(|n| format!("{n:09},")).collect();
    let whole = || get().says("Cache-Control: max-age=3600").body(&long);
    let parts = |ranges: &[(usize, usize)]| -> Vec<(usize, usize, usize, &str)> {
        ranges.iter().map(|&(a, b)| (a, b, 3000, &long[a..=b])).collect()
    };
    let many = vec!["0-"; 100].join(",");
    vec![
        own(
            "ranges-as-parts",
            [
                whole(),
                ranged("bytes=0-4, 1000-1004, -5").expect(206).lacks("Content-Range").expect_parts(&parts(&[
                    (0, 4),
                    (1000, 1004),
                    (2995, 2999),
                ])),
            ],
        ),
        own(
            "ranges-of-which-one-is-outside",
            [
                whole(),
                ranged("bytes=0-4,1000-1004,9000-").expect(206).expect_parts(&parts(&[(0, 4), (1000, 1004)])),
            ],
        ),
        own(
            "ranges-all-outside",
            [whole(), get().asks("Range: bytes=9000-,8000-8001").expect(416).any_body().asked(0).shows("Content-Range: bytes */3000")],
        ),
        own(
            "ranges-with-one-malformed",
            [whole(), ranged("bytes=0-4,x-y").body(&long)],
        ),
        own("ranges-do-not-multiply", [whole(), ranged(&format!("bytes={many}")).any_status().at_most(6000)]),
    ]
}
