//! Parts of a representation: stored, used for other parts, combined (RFC 9111 sections 3.3 and 3.4, RFC 9110 section 14).

use crate::case::*;

pub fn cases() -> Vec<Case> {
    let whole = |body: &str| get().says("Cache-Control: max-age=3600").body(body);
    let part = |range: &str| {
        get().asks("Range: bytes=-5").status(206).says("Cache-Control: max-age=3600").says(range).body("01234")
    };
    // As the public case has it: ten bytes of which five are said to be six.
    let odd_part = || part("Content-Range: bytes 4-9/10");
    let ranged = |range: &str, body: &str| get().asks(&format!("Range: bytes={range}")).cached().expect(206).expect_body(body);
    let first_two = || ranged("0-1", "01");
    let cases = [
        optimal(
            "partial-store-partial-reuse-partial",
            [odd_part().sent("Range: bytes=-5"), ranged("-5", "01234")],
        ),
        optimal("partial-store-complete-reuse-partial", [whole("01234567890"), first_two()]),
        optimal("partial-store-complete-reuse-partial-no-last", [whole("01234567890"), ranged("1-", "1234567890")]),
        optimal("partial-store-complete-reuse-partial-suffix", [whole("0123456789A"), ranged("-1", "A")]),
        optimal("partial-store-partial-reuse-partial-byterange", [odd_part(), ranged("6-8", "234")]),
        optimal("partial-store-partial-reuse-partial-absent", [odd_part(), ranged("6-", "234")]),
        optimal("partial-store-partial-reuse-partial-suffix", [odd_part(), ranged("-1", "4")]),
        optimal("partial-store-partial-complete", [part("Content-Range: bytes 0-4/10"), get().sent("Range: bytes=5-")]),
        required("partial-use-headers", [whole("01234567890").says("A: 1"), first_two().says("A: 2")])
            .needs("partial-store-complete-reuse-partial"),
        required("partial-use-stored-headers", [whole("01234567890").says("A: 1"), first_two().shows("A: 1")])
            .needs("partial-store-complete-reuse-partial"),
    ];
    all_need("freshness-max-age", cases)
}
