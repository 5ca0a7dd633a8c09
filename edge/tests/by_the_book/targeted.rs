//! `CDN-Cache-Control` is a structured field: read whole or not at all (RFC 9213 section 2, RFC 9651 section 3.2).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let kept = |id: &str, says: &[&str]| own(id, reused(says));
    let not_kept = |id: &str, says: &[&str]| own(id, not_reused_at_once(says));
    vec![
        kept("cdn-two-lines", &["~CDN-Cache-Control: max-age=3600", "~CDN-Cache-Control: must-revalidate"]),
        kept("cdn-last-of-two", &["~CDN-Cache-Control: max-age=1, max-age=3600"]),
        kept("cdn-parameters-are-ignored", &["~CDN-Cache-Control: max-age=3600;foo=\"b,c\", x=(1 2);y"]),
        kept("cdn-s-maxage", &["~CDN-Cache-Control: s-maxage=3600, max-age=1"]),
        kept("cdn-against-private", &["Cache-Control: private", "~CDN-Cache-Control: max-age=3600"]),
        kept("cdn-empty-stands-for-nothing", &["Cache-Control: max-age=3600", "~CDN-Cache-Control: "]),
        kept(
            "cdn-stale-while-revalidate",
            &["Cache-Control: no-cache", "~CDN-Cache-Control: max-age=1, stale-while-revalidate=60"],
        ),
        not_kept("cdn-decimal-voids", &["~CDN-Cache-Control: max-age=3600.5", "Cache-Control: no-store"]),
        not_kept("cdn-trailing-comma-voids", &["~CDN-Cache-Control: max-age=3600,", "Cache-Control: no-store"]),
        not_kept("cdn-capitals-void", &["~CDN-Cache-Control: Max-Age=3600", "Cache-Control: no-store"]),
        not_kept("cdn-space-voids", &["~CDN-Cache-Control: max-age =3600", "Cache-Control: no-store"]),
        not_kept("cdn-open-string-voids", &["~CDN-Cache-Control: max-age=3600, a=\"b", "Cache-Control: no-store"]),
        not_kept("cdn-sixteen-digits-void", &["~CDN-Cache-Control: max-age=1234567890123456", "Cache-Control: no-store"]),
        not_kept("cdn-without-lifetime-hides-others", &["~CDN-Cache-Control: foo", "Cache-Control: max-age=3600"]),
        own("cdn-void-leaves-cache-control", reused(&["~CDN-Cache-Control: &&", "Cache-Control: max-age=3600"])),
        own("cdn-must-revalidate-forbids-stale", [
            get()
                .says("Cache-Control: max-age=2, stale-if-error=60")
                .says("~CDN-Cache-Control: max-age=2, must-revalidate")
                .pause(),
            get().status(503).fetched(),
        ]),
        own("cdn-public-shares-what-was-authorised", [
            get().asks("Authorization: FOO").says("~CDN-Cache-Control: max-age=3600, public"),
            get().cached(),
        ]),
    ]
}
