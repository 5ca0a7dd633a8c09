//! `CDN-Cache-Control`, a targeted field that stands in for `Cache-Control` (RFC 9213).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = vec![
        required(
            "cdn-private",
            not_reused_at_once(&[
                "CDN-Cache-Control: private",
                "Cache-Control: max-age=10000",
                "Expires: @10000",
                "Date: @0",
            ]),
        ),
        required(
            "cdn-no-cache",
            not_reused_at_once(&[
                "CDN-Cache-Control: no-cache",
                "Cache-Control: max-age=10000",
                "Expires: @10000",
                "Date: @0",
            ]),
        ),
        required(
            "cdn-no-store-cc-fresh",
            not_reused(&[
                "Cache-Control: max-age=10000",
                "~CDN-Cache-Control: no-store",
                "Expires: @10000",
                "Date: @0",
            ]),
        ),
        required("cdn-fresh-cc-nostore", reused(&["Cache-Control: no-store", "~CDN-Cache-Control: max-age=10000"])),
        // Seen by the client only where it is forwarded.
        check(
            "cdn-remove-header",
            [said(&["Cache-Control: max-age=10000", "~CDN-Cache-Control: foo", "Expires: @10000", "Date: @0"])
                .shows("CDN-Cache-Control: foo")],
        ),
    ];
    all.extend(all_need("cdn-max-age", lifetimes()));
    all
}

fn lifetimes() -> Vec<Case> {
    let exceeds = |extra: &[&str]| {
        let says = said(&["Cache-Control: max-age=1", "CDN-Cache-Control: max-age=10000", "Date: @0"]);
        extra.iter().fold(says, |step, line| step.says(line)).pause()
    };
    vec![
        optimal("cdn-max-age", reused(&["~CDN-Cache-Control: max-age=3600"])).needs("freshness-none"),
        optimal("cdn-max-age-max", reused(&["~CDN-Cache-Control: max-age=2147483648"])),
        optimal("cdn-max-age-max-plus", reused(&["~CDN-Cache-Control: max-age=99999999999"])),
        required("cdn-max-age-age", not_reused(&["Date: @0", "~CDN-Cache-Control: max-age=3600", "Age: 7200"])),
        check(
            "cdn-max-age-space-before-equals",
            not_reused(&["Cache-Control: max-age=1", "~CDN-Cache-Control: max-age =100"]),
        ),
        check(
            "cdn-max-age-space-after-equals",
            not_reused(&["Cache-Control: max-age=1", "~CDN-Cache-Control: max-age= 100"]),
        ),
        required("cdn-max-age-0", not_reused(&["~CDN-Cache-Control: max-age=0"])),
        optimal("cdn-max-age-extension", reused(&["~CDN-Cache-Control: foobar, max-age=3600"])),
        check("cdn-max-age-case-insensitive", reused(&["~CDN-Cache-Control: MaX-aGe=3600"])),
        optimal(
            "cdn-max-age-expires",
            reused(&["~CDN-Cache-Control: max-age=3600", "Expires: @-10000", "Date: @0"]),
        ),
        optimal(
            "cdn-max-age-cc-max-age-invalid-expires",
            reused(&["~CDN-Cache-Control: max-age=3600", "~Expires: 0", "Date: @0"]),
        ),
        required(
            "cdn-max-age-0-expires",
            not_reused(&["~CDN-Cache-Control: max-age=0", "Expires: @10000", "Date: @0"]),
        ),
        optimal(
            "cdn-max-age-short-cc-max-age",
            reused(&["Cache-Control: max-age=1", "~CDN-Cache-Control: max-age=3600"]),
        ),
        required(
            "cdn-max-age-long-cc-max-age",
            not_reused(&["Cache-Control: max-age=3600", "~CDN-Cache-Control: max-age=1"]),
        ),
        required(
            "cdn-cc-invalid-sh-type-unknown",
            not_reused(&["~CDN-Cache-Control: max-age=10000, &&&&&", "Cache-Control: no-store"]),
        ),
        required(
            "cdn-cc-invalid-sh-type-wrong",
            not_reused(&["~CDN-Cache-Control: max-age=\"10000\"", "Cache-Control: no-store"]),
        ),
        check("cdn-remove-age-exceed", [exceeds(&[]), get().has("Age")]),
        check("cdn-date-update-exceed", [exceeds(&[]), get().shows("Date: @0")]),
        check("cdn-expires-update-exceed", [exceeds(&["Expires: @1"]), get().shows("Expires: @1")]),
    ]
}
