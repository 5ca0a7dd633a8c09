//! `Range` (RFC 9110 section 14.2): one range of bytes. Several at once are answered with the whole, which is allowed.

use axum::http::{HeaderMap, header};

/// What part of a body was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ranged {
    /// All of it.
    Whole,
    /// `length` bytes from `first` on, at least one.
    Part { first: u64, length: u64 },
    /// Nothing that is there.
    Outside,
}

/// Reads the header for a body of `total` bytes. What is not understood is ignored, as the RFC wants it.
pub(super) fn range(asked: &HeaderMap, total: u64) -> Ranged {
    let value = asked.get(header::RANGE).and_then(|value| value.to_str().ok());
    value.and_then(|text| parse(text, total)).unwrap_or(Ranged::Whole)
}

fn parse(text: &str, total: u64) -> Option<Ranged> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let ranged = match (first, last) {
        ("", last) => match number(last)? {
            0 => Ranged::Outside,
            _ if total == 0 => Ranged::Outside,
            suffix => Ranged::Part { first: total.saturating_sub(suffix), length: suffix.min(total) },
        },
        (first, last) => {
            let first = number(first)?;
            let last = if last.is_empty() { u64::MAX } else { number(last)? };
            if last < first {
                return None;
            }
            if first >= total {
                Ranged::Outside
            } else {
                Ranged::Part { first, length: last.min(total - 1) - first + 1 }
            }
        }
    };
    Some(ranged)
}

/// Digits only; more of them than a number holds mean "beyond the end".
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(sent: &str, expected: Ranged) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(sent).unwrap());
        assert_eq!(range(&headers, 10), expected, "{sent}");
    }

    #[test]
    fn one_range_is_cut_to_what_is_there() {
        check("bytes=0-0", Ranged::Part { first: 0, length: 1 });
        check("bytes=2-5", Ranged::Part { first: 2, length: 4 });
        check("Bytes= 2-5 ", Ranged::Part { first: 2, length: 4 });
        check("bytes=5-", Ranged::Part { first: 5, length: 5 });
        check("bytes=5-99999999999999999999999", Ranged::Part { first: 5, length: 5 });
        check("bytes=-3", Ranged::Part { first: 7, length: 3 });
        check("bytes=-99", Ranged::Part { first: 0, length: 10 });
    }

    #[test]
    fn a_range_that_meets_nothing_is_outside() {
        check("bytes=10-", Ranged::Outside);
        check("bytes=10-20", Ranged::Outside);
        check("bytes=-0", Ranged::Outside);
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=-1"));
        assert_eq!(range(&headers, 0), Ranged::Outside);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for sent in ["bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=+1-2", "lines=1-2", "bytes=0-1,3-4"]
        {
            check(sent, Ranged::Whole);
        }
    }
}
