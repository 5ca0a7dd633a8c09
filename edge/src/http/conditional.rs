//! Preconditions of a request against what is stored (RFC 9110 section 13).

use crate::http::date;
use crate::http::fields::members;
use crate::http::response::Response;

/// What a stored answer is known by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Validators<'a> {
    pub(crate) etag: Option<&'a [u8]>,
    pub(crate) last_modified: Option<&'a [u8]>,
    /// Stands for a missing Last-Modified (RFC 9111 section 4.3.2).
    pub(crate) date: Option<&'a [u8]>,
}

/// Whether the client's copy is current, so that 304 answers it. If-None-Match wins over If-Modified-Since (section 13.2.2).
pub(crate) fn is_current(
    stored: Validators<'_>,
    if_none_match: Option<&[u8]>,
    if_modified_since: Option<&[u8]>,
) -> bool {
    if let Some(list) = if_none_match {
        return list.trim_ascii() == b"*"
            || stored.etag.is_some_and(|etag| members(list).any(|theirs| weak(theirs) == weak(etag)));
    }
    let modified = stored.last_modified.or(stored.date);
    let (Some(since), Some(modified)) = (if_modified_since, modified) else { return false };
    match (date::parse(since), date::parse(modified)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// Whether a Range may be honoured under this If-Range (section 13.1.5): a strong tag or the exact date.
pub(crate) fn allows_range(stored: Validators<'_>, if_range: &[u8]) -> bool {
    if if_range.starts_with(b"\"") {
        return stored.etag == Some(if_range);
    }
    !if_range.starts_with(b"W/") && stored.last_modified == Some(if_range) && date::parse(if_range).is_some()
}

/// Whether `response`, an origin's word on what is stored, is about the same representation: it names no other validator
/// (RFC 9111 sections 4.3.4 and 4.3.5).
pub(crate) fn is_same(stored: Validators<'_>, response: &Response) -> bool {
    let same_tag = |tag: &[u8]| stored.etag.is_some_and(|ours| weak(ours) == weak(tag));
    let same_date = |date: &[u8]| stored.last_modified == Some(date);
    match (response.first("etag"), response.first("last-modified")) {
        (Some(tag), _) => same_tag(tag),
        (None, Some(date)) => same_date(date),
        (None, None) => true,
    }
}

fn weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &[u8] = b"Sun, 06 Nov 1994 08:49:38 GMT";
    const EARLIER: &[u8] = b"Sun, 06 Nov 1994 08:49:36 GMT";

    #[test]
    fn a_copy_is_current_by_tag_or_else_by_date() {
        let stored = Validators { etag: Some(b"\"a\""), last_modified: Some(MODIFIED), date: None };
        assert!(is_current(stored, Some(b"\"b\", W/\"a\""), None));
        assert!(is_current(stored, Some(b"*"), None));
        assert!(!is_current(stored, Some(b"\"b\""), Some(LATER)), "the tag decides");
        assert!(is_current(stored, None, Some(MODIFIED)));
        assert!(is_current(stored, None, Some(LATER)));
        assert!(!is_current(stored, None, Some(EARLIER)));
        assert!(!is_current(stored, None, Some(b"yesterday")));
        let dated = Validators { date: Some(MODIFIED), ..Validators::default() };
        assert!(is_current(dated, None, Some(MODIFIED)) && !is_current(dated, None, Some(EARLIER)));
        assert!(!is_current(Validators::default(), Some(b"\"a\""), None));
    }

    #[test]
    fn if_range_compares_strongly() {
        let stored = Validators { etag: Some(b"\"a\""), last_modified: Some(MODIFIED), date: None };
        assert!(allows_range(stored, b"\"a\""));
        assert!(!allows_range(stored, b"W/\"a\""));
        assert!(allows_range(stored, MODIFIED));
        assert!(!allows_range(stored, LATER));
        assert!(!allows_range(Validators { etag: Some(b"W/\"a\""), ..Validators::default() }, b"W/\"a\""));
    }
}
