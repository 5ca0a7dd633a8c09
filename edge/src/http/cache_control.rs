//! Cache-Control of an answer and of a request (RFC 9111 section 5.2, RFC 5861, RFC 8246), and its targeted form for caches like
//! this one, CDN-Cache-Control (RFC 9213), which is a structured field and void as a whole when it does not parse.

use sfparse::{Parser, Value};

use crate::http::fields::members;
use crate::http::response::Response;
use crate::limits::LIFETIME_SECONDS_MAX;

/// The directives of one field, all lines together.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct CacheControl {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) only_if_cached: bool,
    /// The field is CDN-Cache-Control: Expires does not count beside it.
    pub(crate) targeted: bool,
    pub(crate) max_age: Option<u64>,
    pub(crate) s_maxage: Option<u64>,
    pub(crate) stale_while_revalidate: Option<u64>,
    pub(crate) stale_if_error: Option<u64>,
    /// Of a request: how much longer it must be fresh, and how long it may have been stale.
    pub(crate) min_fresh: Option<u64>,
    pub(crate) max_stale: Option<u64>,
}

/// What rules an answer here: CDN-Cache-Control when it stands there and parses, else Cache-Control (RFC 9213 section 2.2).
pub(crate) fn of(response: &Response) -> CacheControl {
    targeted(response.all("cdn-cache-control")).unwrap_or_else(|| parse(response.all("cache-control")))
}

/// A targeted field. `None`: it is not there, is empty, or does not parse as a dictionary of the types its directives have.
pub(crate) fn targeted<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<CacheControl> {
    let field = lines.collect::<Vec<_>>().join(&b", "[..]);
    let mut parser = Parser::new(&field);
    let mut cc = CacheControl { targeted: true, ..CacheControl::default() };
    let mut is_empty = true;
    while let Some((name, value)) = parser.parse_dict().ok()? {
        is_empty = false;
        if let Some(flag) = cc.flag(name.as_bytes()) {
            let Value::Bool(on) = value else { return None };
            *flag = on;
        } else if let Some(slot) = cc.seconds(name.as_bytes()) {
            let Value::Integer(seconds) = value else { return None };
            // Of a member that is repeated the last counts (RFC 9651 section 3.2).
            *slot = Some(u64::try_from(seconds).unwrap_or(0).min(LIFETIME_SECONDS_MAX));
        }
    }
    (!is_empty).then_some(cc)
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
        if let Some(flag) = cc.flag(name) {
            *flag = true;
        } else if name.eq_ignore_ascii_case(b"max-stale") && value.is_none() {
            // Without a value it may have been stale for any time.
            cc.max_stale = Some(LIFETIME_SECONDS_MAX);
        } else if let Some(slot) = cc.seconds(name) {
            shorter(slot, value);
        }
    }
    cc
}

impl CacheControl {
    /// A directive without a value. One with field names (`no-cache="a"`) concerns those fields only; that it is read as concerning
    /// the whole answer is the safe reading, which sections 5.2.2.4 and 5.2.2.7 allow.
    fn flag(&mut self, name: &[u8]) -> Option<&mut bool> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let flags = [
            ("no-store", &mut self.no_store),
            ("no-cache", &mut self.no_cache),
            ("private", &mut self.private),
            ("public", &mut self.public),
            ("must-revalidate", &mut self.must_revalidate),
            ("proxy-revalidate", &mut self.proxy_revalidate),
            ("must-understand", &mut self.must_understand),
            ("only-if-cached", &mut self.only_if_cached),
        ];
        flags.into_iter().find_map(|(known, flag)| is(known).then_some(flag))
    }

    /// A directive that is a number of seconds.
    fn seconds(&mut self, name: &[u8]) -> Option<&mut Option<u64>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let slots = [
            ("max-age", &mut self.max_age),
            ("s-maxage", &mut self.s_maxage),
            ("stale-while-revalidate", &mut self.stale_while_revalidate),
            ("stale-if-error", &mut self.stale_if_error),
            ("min-fresh", &mut self.min_fresh),
            ("max-stale", &mut self.max_stale),
        ];
        slots.into_iter().find_map(|(known, slot)| is(known).then_some(slot))
    }

    /// Stale use is forbidden whatever else is granted (sections 5.2.2.2, 5.2.2.4 and 5.2.2.8).
    pub(crate) fn forbids_stale(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache
    }
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
        assert!(check("proxy-revalidate").forbids_stale());
        assert_eq!(
            (check("max-stale").max_stale, check("max-stale=5").max_stale),
            (Some(LIFETIME_SECONDS_MAX), Some(5))
        );
        assert_eq!(check(""), CacheControl::default());
    }

    #[test]
    fn a_targeted_field_is_a_dictionary_or_nothing() {
        let check = |line: &str| targeted([line.as_bytes()].into_iter());
        assert_eq!(check("foobar, max-age=3600").and_then(|cc| cc.max_age), Some(3600));
        assert_eq!(check("max-age=99999999999").and_then(|cc| cc.max_age), Some(LIFETIME_SECONDS_MAX));
        assert_eq!(check("max-age=-5").and_then(|cc| cc.max_age), Some(0));
        assert!(check("no-store").is_some_and(|cc| cc.no_store));
        assert!(check("no-store=?0").is_some_and(|cc| !cc.no_store));
        for void in ["", "max-age=10, &&&", "max-age=\"10\"", "max-age =10", "max-age= 10", "MaX-aGe=10", "no-store=1"]
        {
            assert_eq!(check(void), None, "{void}");
        }
        let two = targeted([&b"max-age=1"[..], b"private"].into_iter());
        assert!(two.is_some_and(|cc| cc.private && cc.max_age == Some(1)), "lines are one field");
    }
}
