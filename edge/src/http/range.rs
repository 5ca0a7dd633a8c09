//! Single byte ranges (RFC 9110 section 14).

use crate::http::request::number;

/// What a Range field asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// `first-last`, both included; `last` is open when `None`.
    From { first: u64, last: Option<u64> },
    /// The last so many bytes.
    Suffix(u64),
}

/// Reads a field. `None`: another unit, several ranges, or nonsense; the field is then ignored (section 14.2).
pub(crate) fn parse(value: &[u8]) -> Option<Asked> {
    let at = value.iter().position(|b| *b == b'=')?;
    if !value[..at].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let spec = value[at + 1..].trim_ascii();
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

/// The part `from..to` of a body of `length` bytes. `None`: it cannot be satisfied.
pub(crate) fn resolve(asked: Asked, length: u64) -> Option<(u64, u64)> {
    match asked {
        Asked::From { first, .. } if first >= length => None,
        Asked::From { first, last } => Some((first, last.map_or(length, |last| length.min(last.saturating_add(1))))),
        Asked::Suffix(0) => None,
        Asked::Suffix(_) if length == 0 => None,
        Asked::Suffix(count) => Some((length.saturating_sub(count), length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_section_14() {
        let check = |text: &str, length: u64| parse(text.as_bytes()).map(|asked| resolve(asked, length));
        assert_eq!(check("bytes=0-0", 10), Some(Some((0, 1))));
        assert_eq!(check("Bytes=2-", 10), Some(Some((2, 10))));
        assert_eq!(check("bytes=2-99", 10), Some(Some((2, 10))));
        assert_eq!(check("bytes=-3", 10), Some(Some((7, 10))));
        assert_eq!(check("bytes=-99", 10), Some(Some((0, 10))));
        assert_eq!(check("bytes=10-", 10), Some(None));
        assert_eq!(check("bytes=-0", 10), Some(None));
        assert_eq!(check("bytes=0-", 0), Some(None));
        assert_eq!(check("bytes=0-18446744073709551615", 10), None);
        for ignored in ["bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "0-1"] {
            assert_eq!(check(ignored, 10), None, "{ignored}");
        }
    }
}
