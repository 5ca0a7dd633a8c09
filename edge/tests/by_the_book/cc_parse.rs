//! How the `Cache-Control` of an answer is read (RFC 9111 sections 1.2.2, 4.2.1 and 5.2).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let cases = [
        check("freshness-max-age-two-fresh-stale-sameline", reused(&["~Cache-Control: max-age=1800, max-age=1"])),
        check(
            "freshness-max-age-two-fresh-stale-sepline",
            reused(&["~Cache-Control: max-age=1800", "~Cache-Control: max-age=1"]),
        ),
        check("freshness-max-age-two-stale-fresh-sameline", reused(&["~Cache-Control: max-age=1, max-age=1800"])),
        check(
            "freshness-max-age-two-stale-fresh-sepline",
            reused(&["~Cache-Control: max-age=1", "~Cache-Control: max-age=1800"]),
        ),
        check("freshness-max-age-quoted", reused(&["~Cache-Control: max-age=\"3600\""])),
        required(
            "freshness-max-age-ignore-quoted",
            not_reused(&["~Cache-Control: extension=\"max-age=3600\", max-age=1"]),
        ),
        required(
            "freshness-max-age-ignore-quoted-rev",
            not_reused(&["~Cache-Control: max-age=1, extension=\"max-age=3600\""]),
        ),
        check("freshness-max-age-space-before-equals", not_reused(&["~Cache-Control: max-age =3600"])),
        check("freshness-max-age-space-after-equals", not_reused(&["~Cache-Control: max-age= 3600"])),
        required("freshness-max-age-leading-zero", reused(&["~Cache-Control: max-age=003600"])),
        required("freshness-max-age-single-quoted", not_reused(&["~Cache-Control: max-age='3600'"])),
        check("freshness-max-age-decimal-zero", reused(&["~Cache-Control: max-age=3600.0"])),
        check("freshness-max-age-decimal-five", reused(&["~Cache-Control: max-age=3600.5"])),
        check("freshness-max-age-a100", reused(&["~Cache-Control: max-age=a3600"])),
        check("freshness-max-age-100a", reused(&["~Cache-Control: max-age=3600a"])),
    ];
    all_need("freshness-none", cases)
}
