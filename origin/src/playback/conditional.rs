//! Conditional requests by entity tag (RFC 9110 section 13). Nothing here has a modification date.

use axum::http::{HeaderMap, HeaderValue, header};

/// `If-None-Match` names what the client has already (section 13.1.2: weak comparison).
pub(super) fn not_modified(asked: &HeaderMap, etag: &str) -> bool {
    asked.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, etag))
}

/// Whether a `Range` counts: `If-Range` must name this version, strongly (section 13.1.5).
pub(super) fn range_applies(asked: &HeaderMap, etag: &str) -> bool {
    asked.get(header::IF_RANGE).is_none_or(|value| value.as_bytes().trim_ascii() == etag.as_bytes())
}

fn names(value: &HeaderValue, etag: &str) -> bool {
    let Ok(text) = value.to_str() else { return false };
    // Our tags hold no comma, so cutting others' tags at theirs cannot make one of ours.
    text.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &[&str], expected: bool) {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(not_modified(&headers, "\"abc\""), expected, "{sent:?}");
    }

    #[test]
    fn a_tag_is_recognised_in_a_list_weak_or_strong() {
        check(&[], false);
        check(&["\"abc\""], true);
        check(&["W/\"abc\""], true);
        check(&["\"x\", \"abc\""], true);
        check(&["\"x\"", "\"abc\""], true);
        check(&["*"], true);
        check(&["abc"], false);
        check(&["\"abcd\""], false);
    }

    #[test]
    fn a_range_of_another_version_is_not_answered() {
        let mut headers = HeaderMap::new();
        assert!(range_applies(&headers, "\"abc\""));
        for (value, expected) in [("\"abc\"", true), ("W/\"abc\"", false), ("Tue, 01 Jan 2030 00:00:00 GMT", false)] {
            headers.insert(header::IF_RANGE, HeaderValue::from_static(value));
            assert_eq!(range_applies(&headers, "\"abc\""), expected, "{value}");
        }
    }
}
