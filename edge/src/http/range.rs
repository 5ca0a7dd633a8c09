//! Byte ranges (RFC 9110 section 14): asked for, resolved against a length, and told by an origin.

use crate::http::fields::members;
use crate::http::request::number;
use crate::limits::RANGES_MAX;

/// One range that a Range field asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// `first-last`, both included; `last` is open when `None`.
    From { first: u64, last: Option<u64> },
    /// The last so many bytes.
    Suffix(u64),
}

/// Bytes `from..to` of a body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Part {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Reads a field. `None`: another unit, nonsense, or more ranges than are served; the field is then ignored (section 14.2).
pub(crate) fn parse(value: &[u8]) -> Option<Vec<Asked>> {
    let at = value.iter().position(|b| *b == b'=')?;
    if !value[..at].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let asked: Option<Vec<Asked>> = members(&value[at + 1..]).take(RANGES_MAX + 1).map(one).collect();
    asked.filter(|asked| (1..=RANGES_MAX).contains(&asked.len()))
}

fn one(spec: &[u8]) -> Option<Asked> {
    let dash = spec.iter().position(|b| *b == b'-')?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Asked::Suffix(number(last)?)),
        (false, true) => Some(Asked::From { first: number(first)?, last: None }),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Asked::From { first, last: Some(last) })
        }
    }
}

/// The parts of a body of `length` bytes that are asked for. None at all: unsatisfiable. Parts that overlap or touch become one, all
/// in order then (section 14.2 allows that): nobody has the same byte sent twice.
pub(crate) fn resolve(asked: &[Asked], length: u64) -> Vec<Part> {
    let parts: Vec<Part> = asked.iter().filter_map(|asked| part(*asked, length)).collect();
    let mut sorted = parts.clone();
    sorted.sort_unstable();
    let mut joined: Vec<Part> = Vec::with_capacity(sorted.len());
    for part in sorted {
        match joined.last_mut() {
            Some(last) if part.from <= last.to => last.to = last.to.max(part.to),
            _ => joined.push(part),
        }
    }
    if joined.len() == parts.len() { parts } else { joined }
}

fn part(asked: Asked, length: u64) -> Option<Part> {
    match asked {
        Asked::From { first, .. } if first >= length => None,
        Asked::From { first, last } => {
            Some(Part { from: first, to: last.map_or(length, |last| length.min(last.saturating_add(1))) })
        }
        Asked::Suffix(0) => None,
        Asked::Suffix(_) if length == 0 => None,
        Asked::Suffix(count) => Some(Part { from: length.saturating_sub(count), to: length }),
    }
}

/// Reads the Content-Range of a 206: the part and the length of the whole. `None`: another unit, an unknown length, or nonsense.
pub(crate) fn told(value: &[u8]) -> Option<(Part, u64)> {
    let (unit, rest) = value.split_at_checked(6)?;
    if !unit.eq_ignore_ascii_case(b"bytes ") {
        return None;
    }
    let rest = rest.trim_ascii();
    let (dash, slash) = (rest.iter().position(|b| *b == b'-')?, rest.iter().position(|b| *b == b'/')?);
    let (first, last) = (number(&rest[..dash])?, number(rest.get(dash + 1..slash)?)?);
    let total = number(&rest[slash + 1..])?;
    (first <= last && last < total).then_some((Part { from: first, to: last + 1 }, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, length: u64) -> Option<Vec<(u64, u64)>> {
        let asked = parse(text.as_bytes())?;
        Some(resolve(&asked, length).into_iter().map(|part| (part.from, part.to)).collect())
    }

    #[test]
    fn ranges_follow_section_14() {
        assert_eq!(check("bytes=0-0", 10), Some(vec![(0, 1)]));
        assert_eq!(check("Bytes=2-", 10), Some(vec![(2, 10)]));
        assert_eq!(check("bytes=2-99", 10), Some(vec![(2, 10)]));
        assert_eq!(check("bytes=-3", 10), Some(vec![(7, 10)]));
        assert_eq!(check("bytes=-99", 10), Some(vec![(0, 10)]));
        assert_eq!(check("bytes=10-", 10), Some(vec![]));
        assert_eq!(check("bytes=-0", 10), Some(vec![]));
        assert_eq!(check("bytes=0-", 0), Some(vec![]));
        assert_eq!(check("bytes=0-18446744073709551615", 10), None);
        for ignored in ["bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-2", "lines=0-1", "bytes=a-b", "0-1"] {
            assert_eq!(check(ignored, 10), None, "{ignored}");
        }
    }

    #[test]
    fn several_ranges_keep_their_order_unless_they_touch() {
        assert_eq!(check("bytes=5-6, 0-1", 10), Some(vec![(5, 7), (0, 2)]));
        assert_eq!(check("bytes=0-1,20-", 10), Some(vec![(0, 2)]), "what cannot be satisfied is left out");
        assert_eq!(check("bytes=0-3,2-5,-1", 10), Some(vec![(0, 6), (9, 10)]));
        assert_eq!(check("bytes=4-5,0-3", 10), Some(vec![(0, 6)]));
        let many =
            format!("bytes={}", (0..=RANGES_MAX).map(|n| format!("{}-{}", n * 2, n * 2)).collect::<Vec<_>>().join(","));
        assert_eq!(check(&many, 100), None);
    }

    #[test]
    fn a_content_range_is_read_strictly() {
        assert_eq!(told(b"bytes 0-4/10"), Some((Part { from: 0, to: 5 }, 10)));
        for bad in
            ["bytes 0-4/*", "bytes */10", "bytes 5-4/10", "bytes 0-10/10", "lines 0-4/10", "bytes 0/10", "bytes /-"]
        {
            assert_eq!(told(bad.as_bytes()), None, "{bad}");
        }
    }
}
