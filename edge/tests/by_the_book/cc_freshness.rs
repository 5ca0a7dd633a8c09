//! How long an answer is fresh by `Cache-Control` (RFC 9111 sections 4.2.1, 5.2.2.1, 5.2.2.10).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = vec![check("freshness-none", [get().pause(), get().fetched()])];
    let rest = [
        optimal("freshness-max-age", reused(&["Cache-Control: max-age=3600"])),
        required("freshness-max-age-stale", [becomes_stale(), get().fetched()]).needs("freshness-max-age"),
        required("freshness-max-age-0", not_reused(&["Cache-Control: max-age=0"])),
        optimal("freshness-max-age-max-minus-1", reused(&["Cache-Control: max-age=2147483647"])),
        optimal("freshness-max-age-max", reused(&["Cache-Control: max-age=2147483648"])),
        optimal("freshness-max-age-max-plus-1", reused(&["Cache-Control: max-age=2147483649"])),
        optimal("freshness-max-age-max-plus", reused(&["Cache-Control: max-age=99999999999"])),
        required("freshness-max-age-age", not_reused(&["Date: @0", "Cache-Control: max-age=3600", "Age: 7200"]))
            .needs("freshness-max-age"),
        check("freshness-max-age-date", not_reused(&["Date: @-7200", "Cache-Control: max-age=3600"])),
        optimal("freshness-max-age-expires", reused(&["Cache-Control: max-age=3600", "Expires: @-7200", "Date: @0"])),
        optimal(
            "freshness-max-age-expires-invalid",
            reused(&["Cache-Control: max-age=3600", "~Expires: 0", "Date: @0"]),
        ),
        required("freshness-max-age-0-expires", not_reused(&["Expires: @3600", "Cache-Control: max-age=0", "Date: @0"])),
        optimal("freshness-max-age-extension", reused(&["Cache-Control: foobar, max-age=3600"])),
        optimal("freshness-max-age-case-insenstive", reused(&["Cache-Control: MaX-aGe=3600"])),
        required("freshness-max-age-negative", not_reused(&["Cache-Control: max-age=-3600"])),
        required("freshness-s-maxage-shared", reused(&["Cache-Control: s-maxage=3600"])),
        required("freshness-max-age-s-maxage-shared-longer", not_reused(&["Cache-Control: max-age=3600, s-maxage=1"]))
            .needs("freshness-s-maxage-shared"),
        required(
            "freshness-max-age-s-maxage-shared-longer-reversed",
            not_reused(&["Cache-Control: s-maxage=1, max-age=3600"]),
        )
        .needs("freshness-s-maxage-shared"),
        required(
            "freshness-max-age-s-maxage-shared-longer-multiple",
            not_reused(&["Cache-Control: max-age=3600", "Cache-Control: s-maxage=1"]),
        )
        .needs("freshness-s-maxage-shared"),
        optimal("freshness-max-age-s-maxage-shared-shorter", reused(&["Cache-Control: max-age=1, s-maxage=3600"])),
        optimal(
            "freshness-max-age-s-maxage-shared-shorter-expires",
            reused(&["Expires: @-10", "Cache-Control: max-age=0, s-maxage=3600"]),
        ),
    ];
    all.extend(all_need("freshness-none", rest));
    all
}
