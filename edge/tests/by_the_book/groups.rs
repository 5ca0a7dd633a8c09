//! Groups of stored answers end together (RFC 9875).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    // Groups are the origin's, not the case's: each case has names of its own.
    let member = |id: &str, field: &str| {
        get().path("member").says("Cache-Control: max-age=3600").says(&field.replace("G1", &word(id)))
    };
    let ends = |id: &str, field: &str| ask("POST").path("act").upload("x").says(&field.replace("G1", &word(id)));
    let group = |id: &str, groups: &str, invalidation: &str, ended: bool| {
        let last = if ended { get().path("member").fetched() } else { get().path("member").cached() };
        own(id, [member(id, groups), ends(id, invalidation), last])
    };
    let many: Vec<String> = (0..31).map(|n| format!("\"{n:032}\"")).collect();
    let two_groups = "groups-do-not-cascade";
    let in_both = member(two_groups, "Cache-Groups: \"G1\", \"G1-other\"");
    let in_other = member(two_groups, "Cache-Groups: \"G1-other\"").path("second");
    let by_get = "group-is-not-ended-by-a-get";
    let two_lines = "group-on-two-lines";
    vec![
        group("group-ends", "Cache-Groups: \"G1\"", "Cache-Group-Invalidation: \"G1\"", true),
        group("group-among-others", "Cache-Groups: \"x\", \"G1\";p=1", "Cache-Group-Invalidation: \"y\", \"G1\";q", true),
        group("group-of-another-name", "Cache-Groups: \"G1\"", "Cache-Group-Invalidation: \"G1x\"", false),
        group("group-in-capitals-is-another", "Cache-Groups: \"G1\"", "Cache-Group-Invalidation: \"G1A\"", false),
        group("group-must-be-a-string", "Cache-Groups: G1", "Cache-Group-Invalidation: \"G1\"", false),
        group("group-end-must-be-a-string", "Cache-Groups: \"G1\"", "Cache-Group-Invalidation: G1", false),
        group("group-must-not-be-an-inner-list", "Cache-Groups: \"G1\"", "Cache-Group-Invalidation: (\"G1\")", false),
        group("group-of-a-broken-list", "Cache-Groups: \"G1\", \"open", "Cache-Group-Invalidation: \"G1\"", false),
        group(
            "group-of-thirty-two",
            &format!("Cache-Groups: {}, \"G1\"", many.join(", ")),
            "Cache-Group-Invalidation: \"G1\"",
            true,
        ),
        own(two_lines, [
            member(two_lines, "Cache-Groups: \"a\"").says(&format!("Cache-Groups: \"{}\"", word(two_lines))),
            ends(two_lines, "Cache-Group-Invalidation: \"G1\""),
            get().path("member").fetched(),
        ]),
        own(by_get, [
            member(by_get, "Cache-Groups: \"G1\""),
            get().path("act").says(&format!("Cache-Group-Invalidation: \"{}\"", word(by_get))),
            get().path("member").cached(),
        ]),
        own(two_groups, [
            in_both,
            in_other,
            ends(two_groups, "Cache-Group-Invalidation: \"G1\""),
            get().path("member").fetched(),
            get().path("second").cached(),
        ]),
    ]
}
