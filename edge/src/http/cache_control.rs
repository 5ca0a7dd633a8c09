//! Cache-Control of an answer (RFC 9111 section 5.2.2, RFC 5861, RFC 8246).

use crate::http::fields::members;
use crate::limits::LIFETIME_SECONDS_MAX;

/// The directives of one field, all lines together.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct CacheControl {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<u64>,
    pub(crate) s_maxage: Option<u64>,
    pub(crate) stale_while_revalidate: Option<u64>,
    pub(crate) stale_if_error: Option<u64>,
}

/// Reads every line of the field. Unknown directives are ignored; a lifetime that is no number counts as 0, and of two that
/// disagree the shorter counts (RFC 9111 section 4.2.1).
pub(crate) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> CacheControl {
    let mut cc = CacheControl::default();
    for member in lines.flat_map(members) {
        let (name, value) = match member.iter().position(|b| *b == b'=') {
            Some(at) => (member[..at].trim_ascii(), Some(unquote(member[at + 1..].trim_ascii()))),
            None => (member, None),
        };
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("no-store") {
            cc.no_store = true;
        } else if is("no-cache") {
            // With field names it concerns those fields only; treating it as a whole is the safe reading.
            cc.no_cache = true;
        } else if is("private") {
            cc.private = true;
        } else if is("public") {
            cc.public = true;
        } else if is("must-revalidate") || is("proxy-revalidate") {
            cc.must_revalidate = true;
        } else if is("only-if-cached") {
            cc.only_if_cached = true;
        } else if is("max-age") {
            shorter(&mut cc.max_age, value);
        } else if is("s-maxage") {
            shorter(&mut cc.s_maxage, value);
        } else if is("stale-while-revalidate") {
            shorter(&mut cc.stale_while_revalidate, value);
        } else if is("stale-if-error") {
            shorter(&mut cc.stale_if_error, value);
        }
    }
    cc
}

fn shorter(slot: &mut Option<u64>, value: Option<&[u8]>) {
    let seconds = value.and_then(seconds).unwrap_or(0);
    *slot = Some(slot.map_or(seconds, |old| old.min(seconds)));
}

/// Delta-seconds (RFC 9111 section 1.2.2): digits; what is too large is the largest.
pub(crate) fn seconds(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = value.iter().fold(0u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')));
    Some(n.min(LIFETIME_SECONDS_MAX))
}

fn unquote(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> CacheControl {
        parse([line.as_bytes()].into_iter())
    }

    #[test]
    fn directives_are_read_in_any_case_and_the_shorter_lifetime_counts() {
        let cc = check("Public, MAX-AGE=60, max-age=\"30\", s-maxage=x, stale-while-revalidate=5, foo=\"a, no-store\"");
        assert!(cc.public && !cc.no_store);
        assert_eq!((cc.max_age, cc.s_maxage), (Some(30), Some(0)));
        assert_eq!(cc.stale_while_revalidate, Some(5));
        assert_eq!(check("max-age=99999999999999999999999").max_age, Some(LIFETIME_SECONDS_MAX));
        assert_eq!(check("max-age=-1").max_age, Some(0));
        assert!(check("no-cache=\"set-cookie\"").no_cache);
        assert!(check("proxy-revalidate").must_revalidate);
        assert_eq!(check(""), CacheControl::default());
    }
}
