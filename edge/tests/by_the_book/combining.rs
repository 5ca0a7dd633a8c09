//! Parts are stored and combined by their strong validator alone (RFC 9111 sections 3.3 and 3.4).

use crate::case::*;

const TEN: &str = "0123456789";

pub fn cases() -> Vec<Case> {
    let part = |first: usize, last: usize, tag: &str| {
        let step = get().asks(&format!("Range: bytes={first}-{last}")).status(206).says("Cache-Control: max-age=3600");
        step.says(&format!("ETag: {tag}")).says(&format!("Content-Range: bytes {first}-{last}/10")).body(&TEN[first..=last])
    };
    let ranged = |range: &str| get().asks(&format!("Range: bytes={range}")).cached().expect(206);
    let rest = get().status(206).says("~Cache-Control: max-age=3600").says("ETag: \"r\"").says("~Content-Range: bytes 5-9/10");
    vec![
        own("part-arrives-as-it-is", [part(0, 4, "\"r\"").shows("Content-Range: bytes 0-4/10")]),
        own("part-is-used-for-a-smaller-one", [part(0, 4, "\"r\""), ranged("1-3").expect_body("123")]),
        own("part-is-not-the-whole", [part(0, 4, "\"r\""), get().fetched()]),
        own("part-is-not-used-outside", [part(0, 4, "\"r\""), part(3, 6, "\"r\"").fetched()]),
        own("parts-make-the-whole", [part(0, 4, "\"r\""), part(5, 9, "\"r\""), get().cached().body(TEN)])
            .needs("part-is-used-for-a-smaller-one"),
        own("parts-make-a-part", [part(0, 4, "\"r\""), part(5, 9, "\"r\""), ranged("3-6").expect_body("3456")])
            .needs("part-is-used-for-a-smaller-one"),
        own("parts-of-two-versions-stay-apart", [part(0, 4, "\"r\""), part(5, 9, "\"s\""), get().fetched()]),
        own("parts-with-weak-tags-stay-apart", [part(0, 4, "W/\"r\""), part(5, 9, "W/\"r\""), get().fetched()]),
        own(
            "part-of-unknown-length-is-not-the-whole",
            [
                get()
                    .asks("Range: bytes=0-4")
                    .status(206)
                    .says("Cache-Control: max-age=3600")
                    .says("ETag: \"r\"")
                    .says("Content-Range: bytes 0-4/*")
                    .body("01234"),
                get().fetched(),
            ],
        ),
        own(
            "part-is-completed",
            [part(0, 4, "\"r\""), rest.body("56789").sent("Range: bytes=5-").expect(200).expect_body(TEN)],
        )
        .needs("part-is-used-for-a-smaller-one"),
    ]
}
