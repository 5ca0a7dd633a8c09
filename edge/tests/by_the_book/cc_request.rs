//! What a client asks for with `Cache-Control` (RFC 9111 section 5.2.1) and the old `Pragma` (section 5.4). Nobody has to listen.

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let wants = |cc: &str| get().asks(&format!("Cache-Control: {cc}"));
    let old_pragma = |pragma: &str| get().asks(&format!("Pragma: {pragma}"));
    let tag = format!("ETag: \"{}\"", word("abc"));
    let cases = [
        check("ccreq-ma0", [fresh(), wants("max-age=0").fetched()]),
        check("ccreq-ma1", [fresh(), wants("max-age=1").fetched()]),
        check("ccreq-magreaterage", [fresh().says("Age: 1800"), wants("max-age=600").fetched()]),
        check("ccreq-max-stale", [becomes_stale(), wants("max-stale=1000").cached()]).needs("freshness-max-age-stale"),
        check(
            "ccreq-max-stale-age",
            [said(&["Cache-Control: max-age=1500", "Age: 2000"]), wants("max-stale=1000").cached()],
        ),
        check("ccreq-min-fresh", [said(&["Cache-Control: max-age=1500"]), wants("min-fresh=2000").fetched()]),
        check(
            "ccreq-min-fresh-age",
            [said(&["Cache-Control: max-age=1500", "Age: 1000"]), wants("min-fresh=1000").fetched()],
        ),
        check("ccreq-no-cache", [said(&["Cache-Control: max-age=3600"]), wants("no-cache").fetched()]),
        check(
            "ccreq-no-cache-lm",
            [
                said(&["Cache-Control: max-age=3600", "Last-Modified: @-10000", "Date: @0"]),
                wants("no-cache").date_validated(),
            ],
        ),
        check("ccreq-no-cache-etag", [said(&["Cache-Control: max-age=3600", &tag]), wants("no-cache").tag_validated()]),
        check("ccreq-no-store", [fresh(), wants("no-store").fetched()]),
        check("ccreq-oic", [wants("only-if-cached").expect(504).any_body()]),
        check("pragma-request-no-cache", [fresh(), old_pragma("no-cache").cached()]),
        check("pragma-request-extension", [fresh(), old_pragma("unrecognised-extension").cached()]),
        check("pragma-response-no-cache", reused_at_once(&["Cache-Control: max-age=3600", "Pragma: no-cache"])),
        check(
            "pragma-response-no-cache-heuristic",
            reused_at_once(&["Date: @0", "Last-Modified: @-10000", "Pragma: no-cache"]),
        ),
        check(
            "pragma-response-extension",
            reused_at_once(&["Cache-Control: max-age=3600", "Pragma: unrecognised-extension"]),
        ),
    ];
    all_need("freshness-max-age", cases)
}
