//! Vary: which requests a stored answer may be given to (RFC 9111 section 4.1).
//!
//! The selecting fields of a request become one run of bytes. Two requests match when their runs are equal, so the run is written in a
//! form that sees through what does not matter: lines of one name are one list, blanks around its members are gone, codings are
//! reduced to the ones that matter and languages are put in order of preference.

use crate::http::fields::{fields, members};
use crate::http::response::Response;
use crate::limits::VARY_FIELDS_MAX;
use crate::stored::push_number;

/// What an answer's Vary says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Vary {
    /// Every request matches.
    Nothing,
    /// No other request can be known to match: `*`, or more fields than are kept.
    Everything,
    /// Requests with the same values of these fields match.
    On(Names),
}

/// Field names in lower case, in order, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Names(Box<[Box<[u8]>]>);

/// The Vary of `response`. Content-Encoding implies Accept-Encoding: an origin that forgets to say so would have a client be sent what
/// it cannot read.
pub(crate) fn of(response: &Response) -> Vary {
    let mut names: Vec<Box<[u8]>> =
        response.all("vary").flat_map(members).map(|name| name.to_ascii_lowercase().into()).collect();
    if response.first("content-encoding").is_some() {
        names.push(b"accept-encoding"[..].into());
    }
    if names.iter().any(|name| **name == *b"*") {
        return Vary::Everything;
    }
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => Vary::Nothing,
        1..=VARY_FIELDS_MAX => Vary::On(Names(names.into())),
        _ => Vary::Everything,
    }
}

impl Names {
    /// Names as a comma-separated list.
    pub(crate) fn of_list(list: &[u8]) -> Names {
        let names = members(list).map(|name| name.to_ascii_lowercase().into()).collect::<Vec<Box<[u8]>>>();
        Names(names.into())
    }

    /// The names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|name| &**name)
    }

    /// Whether every one of these is among `others`.
    pub(crate) fn is_within(&self, others: &Names) -> bool {
        self.0.iter().all(|name| others.0.contains(name))
    }

    /// These and `others`.
    pub(crate) fn with(&self, others: &Names) -> Names {
        let mut all: Vec<Box<[u8]>> = self.0.iter().chain(&others.0).cloned().collect();
        all.sort_unstable();
        all.dedup();
        Names(all.into())
    }

    /// The values of these fields in a request's validated head, as one run of bytes.
    pub(crate) fn select(&self, head: &[u8]) -> Vec<u8> {
        let mut run = Vec::with_capacity(64);
        for name in self.iter() {
            let lines = || fields(head).filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value);
            if lines().next().is_none() {
                // Not the same as an empty field.
                run.push(ABSENT);
                continue;
            }
            match name {
                b"accept-encoding" => run.extend_from_slice(codings(lines())),
                b"accept-language" => languages(&mut run, lines()),
                _ => list(&mut run, lines().flat_map(members)),
            }
            run.push(END);
        }
        run
    }
}

/// Bytes that no field value contains.
const ABSENT: u8 = 0;
const END: u8 = b'\n';

fn list<'a>(run: &mut Vec<u8>, members: impl Iterator<Item = &'a [u8]>) {
    for (i, member) in members.enumerate() {
        if i > 0 {
            run.push(b',');
        }
        run.extend_from_slice(member);
    }
}

/// Accept-Encoding, reduced to what matters: which of the codings in use it accepts. This is also what the origin is sent.
pub(crate) fn codings<'a>(lines: impl Iterator<Item = &'a [u8]>) -> &'static [u8] {
    const KNOWN: [(&[u8], usize); 4] = [(b"br", 1), (b"gzip", 2), (b"x-gzip", 2), (b"zstd", 4)];
    const FORMS: [&[u8]; 8] =
        [b"identity", b"br", b"gzip", b"br, gzip", b"zstd", b"br, zstd", b"gzip, zstd", b"br, gzip, zstd"];
    let mut accepted = 0;
    for member in lines.flat_map(members) {
        let (coding, quality) = weighed(member);
        if quality == 0 {
            continue;
        }
        for (known, bit) in KNOWN {
            if coding.eq_ignore_ascii_case(known) || coding == b"*" {
                accepted |= bit;
            }
        }
    }
    FORMS[accepted]
}

/// Accept-Language in order of preference, then of the alphabet.
fn languages<'a>(run: &mut Vec<u8>, lines: impl Iterator<Item = &'a [u8]>) {
    let mut ranges: Vec<(u16, Vec<u8>)> = lines
        .flat_map(members)
        .map(weighed)
        .map(|(language, quality)| (1000 - quality, language.to_ascii_lowercase()))
        .collect();
    ranges.sort_unstable();
    for (rank, language) in ranges {
        run.extend_from_slice(&language);
        run.push(b';');
        push_number(run, u64::from(rank));
        run.push(b',');
    }
}

/// A member without its weight, and the weight in thousandths (RFC 9110 section 12.4.2); one that does not parse is 1.
fn weighed(member: &[u8]) -> (&[u8], u16) {
    let Some(at) = member.iter().position(|b| *b == b';') else { return (member, 1000) };
    let weight = member[at + 1..].trim_ascii();
    let value = weight.strip_prefix(b"q=").or_else(|| weight.strip_prefix(b"Q="));
    (member[..at].trim_ascii(), value.and_then(thousandths).unwrap_or(1000))
}

fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, rest) = value.split_first()?;
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    match whole {
        b'1' => Some(1000),
        b'0' => Some((0..3).fold(0, |n, i| n * 10 + digits.get(i).map_or(0, |d| u16::from(d - b'0')))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::parse;

    fn vary(lines: &str) -> Vary {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{}\r\n", lines.replace('\n', "\r\n"));
        of(&parse(text.as_bytes(), false).expect("valid").expect("complete").0)
    }

    fn match_on(names: &str, one: &str, other: &str) -> bool {
        let Vary::On(names) = vary(&format!("Vary: {names}\n")) else { panic!("names") };
        let run =
            |lines: &str| names.select(format!("GET / HTTP/1.1\r\n{}\r\n", lines.replace('\n', "\r\n")).as_bytes());
        run(one) == run(other)
    }

    #[test]
    fn names_are_read_from_every_line() {
        assert_eq!(vary(""), Vary::Nothing);
        assert_eq!(vary("Vary: \n"), Vary::Nothing);
        for star in ["*", "*, *", ", *", "Foo, *", "*, Foo"] {
            assert_eq!(vary(&format!("Vary: {star}\n")), Vary::Everything, "{star}");
        }
        assert_eq!(vary("Vary: \nVary: *\n"), Vary::Everything);
        let Vary::On(names) = vary("Vary: Foo, bar\nVary: foo\nContent-Encoding: gzip\n") else { panic!("names") };
        assert_eq!(names.iter().collect::<Vec<_>>(), [&b"accept-encoding"[..], b"bar", b"foo"]);
        let many: Vec<String> = (0..=VARY_FIELDS_MAX).map(|n| format!("f{n}")).collect();
        assert_eq!(vary(&format!("Vary: {}\n", many.join(","))), Vary::Everything);
    }

    #[test]
    fn requests_match_by_what_their_fields_mean() {
        assert!(match_on("Foo", "Foo: 1\n", "Foo: 1\nOther: 2\n"));
        assert!(!match_on("Foo", "Foo: 1\n", "Foo: 2\n"));
        assert!(!match_on("Foo", "Foo: 1\n", ""));
        assert!(!match_on("Foo", "Foo: \n", ""), "empty is not absent");
        assert!(match_on("Foo", "Foo: 1,2\n", "Foo:  1, 2 \n"));
        assert!(match_on("Foo", "Foo: 1, 2\n", "Foo: 1\nFoo: 2\n"));
        assert!(!match_on("Foo, Bar", "Foo: 1\nBar: 2\n", "Foo: 2\nBar: 1\n"));
        assert!(match_on("Foo, Bar", "Bar: 2\n", "Bar: 2\n"));
        assert!(match_on("Accept-Language", "Accept-Language: en, de\n", "Accept-Language: DE, en;q=1.0\n"));
        assert!(!match_on("Accept-Language", "Accept-Language: en, de\n", "Accept-Language: de, en;q=0.9\n"));
        assert!(match_on(
            "Accept-Encoding",
            "Accept-Encoding: gzip, deflate, br\n",
            "Accept-Encoding: br;q=0.5,gzip\n"
        ));
        assert!(!match_on("Accept-Encoding", "Accept-Encoding: gzip\n", "Accept-Encoding: gzip;q=0\n"));
        assert!(!match_on("Accept-Encoding", "Accept-Encoding: gzip\n", ""));
    }
}
