//! What the other directives of an answer forbid and allow (RFC 9111 section 5.2.2).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let older_and_newer = |newer: &str| {
        let older = said(&["Cache-Control: max-age=10000", "Expires: @10000", "Date: @0", "A: 1"]).pause();
        // A client that wants a new answer is what makes the cache ask; without it the second step is a hit.
        [older, said(&[newer, "Date: @0", "A: 2"]).pause(), get().cached().shows("a: 1")]
    };
    let listed = |list: &str, names: &[&'static str], kept: &str| {
        let first = get().says(&format!("Cache-Control: no-cache=\"{list}\"")).says("a: 1").says("b: 2");
        let first = if names.len() == 2 { first.says("c: 3") } else { first };
        let first = first.says("Cache-Control: max-age=3600").says("Date: @0").pause();
        [first, names.iter().fold(get().cached().shows(kept), |step, name| step.lacks(name))]
    };
    let tagged = |cc: &str| get().says(&format!("Cache-Control: {cc}")).says("ETag: \"abcd\"");
    vec![
        required("cc-resp-private-shared", not_reused_at_once(&["Cache-Control: private, max-age=3600"])),
        required("cc-resp-no-store", not_reused_at_once(&["Cache-Control: no-store"])),
        required("cc-resp-no-store-case-insensitive", not_reused_at_once(&["Cache-Control: No-StOrE"])),
        required(
            "cc-resp-no-store-fresh",
            not_reused_at_once(&["Cache-Control: max-age=10000, no-store", "Expires: @10000", "Date: @0"]),
        ),
        check("cc-resp-no-store-old-new", older_and_newer("Cache-Control: no-store")).needs("cc-resp-no-store"),
        check("cc-resp-no-store-old-max-age", older_and_newer("Cache-Control: no-store, max-age=0"))
            .needs("cc-resp-no-store"),
        required(
            "cc-resp-no-cache",
            not_reused_at_once(&["Cache-Control: max-age=10000, no-cache", "Expires: @10000", "Date: @0"]),
        ),
        required(
            "cc-resp-no-cache-case-insensitive",
            not_reused_at_once(&["Cache-Control: max-age=10000, No-CaChE", "Expires: @10000", "Date: @0"]),
        ),
        optimal("cc-resp-no-cache-revalidate", [tagged("no-cache"), get().tag_validated()]).needs("cc-resp-no-cache"),
        optimal(
            "cc-resp-no-cache-revalidate-fresh",
            [tagged("max-age=10000, no-cache").says("Expires: @10000").says("Date: @0"), get().tag_validated()],
        )
        .needs("cc-resp-no-cache"),
        check("headers-omit-headers-listed-in-Cache-Control-no-cache-single", listed("a", &["a"], "b: 2"))
            .needs("cc-resp-no-cache-revalidate"),
        check("headers-omit-headers-listed-in-Cache-Control-no-cache", listed("a, b", &["a", "b"], "c: 3"))
            .needs("cc-resp-no-cache-revalidate"),
        optimal("cc-resp-must-revalidate-fresh", [tagged("max-age=10000, must-revalidate"), get().cached()])
            .needs("freshness-none"),
        required(
            "cc-resp-must-revalidate-stale",
            [
                tagged("max-age=2, must-revalidate"),
                tagged("max-age=2, must-revalidate").cached().pause(),
                get().tag_validated(),
            ],
        )
        .needs("freshness-none"),
    ]
}
