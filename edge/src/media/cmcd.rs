//! Common Media Client Data (CTA-5004 and CTA-5004-A, request mode): what a player says of itself with a request, in four fields or in
//! one argument of the query. The argument is no part of a target's name: it differs with every request.
//!
//! The third form, JSON, goes to a collector and not to a cache (CTA-5004 section 2.3).

use std::borrow::Cow;

use crate::http::fields::{fields, members};
use crate::limits::{CMCD_BYTES_MAX, CMCD_NEXT_MAX, CMCD_TEXT_BYTES_MAX};

/// It cannot be read; the request is answered all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// What was said. Keys that are not used here are left out.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Cmcd {
    /// `ot`
    pub(crate) object: Object,
    /// `su`: the player waits for it to begin, to seek, or to go on.
    pub(crate) startup: bool,
    /// `bs`: its buffer ran empty before this request.
    pub(crate) starved: bool,
    /// `br`, kbit/s.
    pub(crate) bitrate_kbps: Option<u64>,
    /// `bl`, milliseconds.
    pub(crate) buffer_ms: Option<u64>,
    /// `mtp`, kbit/s.
    pub(crate) measured_kbps: Option<u64>,
    /// `nor` and `nrr`: what is asked for next, as references to be resolved, and a part of it.
    pub(crate) next: Vec<Next>,
    /// `sid` and `cid`: for the log alone.
    pub(crate) session: Option<String>,
    pub(crate) content: Option<String>,
}

/// A request that is about to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Next {
    pub(crate) reference: Vec<u8>,
    /// `0-99`, as behind `bytes=`.
    pub(crate) range: Option<String>,
}

/// What kind of thing is asked for (`ot`).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Object {
    Manifest,
    Audio,
    Video,
    Muxed,
    Init,
    Caption,
    TimedText,
    Key,
    Other,
    /// It was not said.
    #[default]
    Unsaid,
}

impl Object {
    pub(crate) const ALL: [(Object, &'static str, &'static str); 10] = [
        (Object::Manifest, "m", "manifest"),
        (Object::Audio, "a", "audio"),
        (Object::Video, "v", "video"),
        (Object::Muxed, "av", "muxed"),
        (Object::Init, "i", "init"),
        (Object::Caption, "c", "caption"),
        (Object::TimedText, "tt", "timed-text"),
        (Object::Key, "k", "key"),
        (Object::Other, "o", "other"),
        (Object::Unsaid, "", "unsaid"),
    ];

    fn of(token: &[u8]) -> Object {
        let known = Object::ALL.iter().find(|(_, short, _)| short.as_bytes() == token);
        known.map_or(Object::Other, |(object, ..)| *object)
    }
}

/// A target without its `CMCD` argument, and that argument's value as it stands there. Borrowed when the argument is the last one.
pub(crate) fn bare(target: &[u8]) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let none = (Cow::Borrowed(target), None);
    let Some(mark) = memchr::memchr(b'?', target) else { return none };
    let (path, query) = (&target[..mark], &target[mark + 1..]);
    let value = |arg: &'_ [u8]| arg.starts_with(ARGUMENT);
    if !query.split(|b| *b == b'&').any(value) {
        return none;
    }
    let said = query.split(|b| *b == b'&').find(|arg| value(arg)).map(|arg| &arg[ARGUMENT.len()..]);
    let last = query.iter().rposition(|b| *b == b'&').map_or(0, |at| at + 1);
    let others = || query.split(|b| *b == b'&').filter(|arg| !value(arg));
    if value(&query[last..]) && others().count() == query.split(|b| *b == b'&').count() - 1 {
        // What stands before it, without the sign between them.
        return (Cow::Borrowed(&target[..mark + last]), said);
    }
    let mut out = path.to_vec();
    for (i, arg) in others().enumerate() {
        out.push(if i == 0 { b'?' } else { b'&' });
        out.extend_from_slice(arg);
    }
    (Cow::Owned(out), said)
}

const ARGUMENT: &[u8] = b"CMCD=";

/// Whether `name` is one of the four fields.
pub(crate) fn is_field(name: &[u8]) -> bool {
    const FIELDS: [&[u8]; 4] = [b"cmcd-object", b"cmcd-request", b"cmcd-session", b"cmcd-status"];
    (11..=12).contains(&name.len()) && FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
}

/// Reads what `head`'s fields and the query's `argument` say, as one list. `Ok(None)`: nothing.
pub(crate) fn read(head: &[u8], argument: Option<&[u8]>) -> Result<Option<Cmcd>, Malformed> {
    let mut text = match argument {
        Some(argument) => decoded(argument)?,
        None => Vec::new(),
    };
    for (_, value) in fields(head).filter(|(name, _)| is_field(name)) {
        if text.len() + value.len() > CMCD_BYTES_MAX {
            return Err(Malformed);
        }
        text.push(b',');
        text.extend_from_slice(value);
    }
    parse(&text)
}

/// The octets of a percent-encoded text.
fn decoded(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    if text.len() > CMCD_BYTES_MAX {
        return Err(Malformed);
    }
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16)).ok_or(Malformed);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(b) = rest.next() {
        let byte = if *b == b'%' { (hex(rest.next())? * 16 + hex(rest.next())?) as u8 } else { *b };
        out.push(byte);
    }
    Ok(out)
}

fn parse(text: &[u8]) -> Result<Option<Cmcd>, Malformed> {
    let mut cmcd = Cmcd::default();
    let mut range = None;
    let mut is_empty = true;
    for member in members(text) {
        is_empty = false;
        let (key, value) = match member.iter().position(|b| *b == b'=') {
            Some(at) => (&member[..at], &member[at + 1..]),
            None => (member, &b"?1"[..]),
        };
        match key {
            b"ot" => cmcd.object = Object::of(token(value)?),
            b"su" => cmcd.startup = boolean(value)?,
            b"bs" => cmcd.starved = boolean(value)?,
            b"br" => cmcd.bitrate_kbps = Some(number(value)?),
            b"bl" => cmcd.buffer_ms = Some(number(value)?),
            b"mtp" => cmcd.measured_kbps = Some(number(value)?),
            b"nor" => cmcd.next = next(value)?,
            b"nrr" => range = Some(part(string(value)?.0)?),
            b"sid" => cmcd.session = Some(name(value)?),
            b"cid" => cmcd.content = Some(name(value)?),
            // Of a version that is not known, no key can be.
            b"v" if !(1..=2).contains(&number(value)?) => return Err(Malformed),
            _ if key.is_empty() || !key.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.*".contains(b)) => {
                return Err(Malformed);
            }
            _ => {}
        }
    }
    match cmcd.next.first_mut() {
        Some(next) => next.range = next.range.take().or(range),
        // A part of the same object (CTA-5004 section 3.2, `nrr`).
        None => cmcd.next.extend(range.map(|range| Next { reference: Vec::new(), range: Some(range) })),
    }
    Ok((!is_empty).then_some(cmcd))
}

/// A Boolean of a structured field; without a value it is true.
fn boolean(value: &[u8]) -> Result<bool, Malformed> {
    match value {
        b"?1" | b"true" => Ok(true),
        b"?0" | b"false" => Ok(false),
        _ => Err(Malformed),
    }
}

fn token(value: &[u8]) -> Result<&[u8], Malformed> {
    let plain = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    let is_token = (1..=2).contains(&plain.len()) && plain.iter().all(u8::is_ascii_lowercase);
    if is_token { Ok(plain) } else { Err(Malformed) }
}

/// A number, its fraction left out; of a list (version 2: one a kind of media) the first one.
fn number(value: &[u8]) -> Result<u64, Malformed> {
    let value = value.strip_prefix(b"(").unwrap_or(value);
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let ends = value.get(digits).is_none_or(|b| b" .;)".contains(b));
    match digits {
        1..=15 if ends => Ok(value[..digits].iter().fold(0, |n, d| n * 10 + u64::from(d - b'0'))),
        _ => Err(Malformed),
    }
}

/// A quoted string, as it stands between its quotes, and what follows it. Nothing that is used here needs an escape.
fn string(value: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let rest = value.strip_prefix(b"\"").ok_or(Malformed)?;
    let end = rest.iter().position(|b| *b == b'"').ok_or(Malformed)?;
    let (inside, after) = (&rest[..end], &rest[end + 1..]);
    let is_plain = inside.iter().all(|b| (0x20..0x7f).contains(b) && *b != b'\\');
    if is_plain { Ok((inside, after)) } else { Err(Malformed) }
}

fn name(value: &[u8]) -> Result<String, Malformed> {
    let (inside, after) = string(value)?;
    if inside.len() > CMCD_TEXT_BYTES_MAX || !after.is_empty() {
        return Err(Malformed);
    }
    String::from_utf8(inside.to_vec()).map_err(|_| Malformed)
}

/// `nor`: a string, or in version 2 a list of them, each with its range as the parameter `r`.
fn next(value: &[u8]) -> Result<Vec<Next>, Malformed> {
    let mut rest = match value.strip_prefix(b"(") {
        Some(list) => list.strip_suffix(b")").ok_or(Malformed)?,
        None => value,
    };
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (reference, after) = string(rest)?;
        let mut range = None;
        rest = after;
        if let Some(parameter) = rest.strip_prefix(b";r=") {
            let (text, after) = string(parameter)?;
            (range, rest) = (Some(part(text)?), after);
        }
        if !rest.is_empty() && !rest.starts_with(b" ") {
            return Err(Malformed);
        }
        rest = rest.trim_ascii_start();
        if all.len() < CMCD_NEXT_MAX {
            all.push(Next { reference: decoded(reference)?, range });
        }
    }
    Ok(all)
}

/// A byte range as `nrr` has it: `0-99`, `100-` or `-50`.
fn part(text: &[u8]) -> Result<String, Malformed> {
    let is_range = text.len() <= CMCD_TEXT_BYTES_MAX
        && text.len() > 1
        && text.iter().filter(|b| **b == b'-').count() == 1
        && text.iter().all(|b| b.is_ascii_digit() || *b == b'-');
    if is_range { String::from_utf8(text.to_vec()).map_err(|_| Malformed) } else { Err(Malformed) }
}

impl Cmcd {
    /// As it is logged: an object with the keys of CTA-5004.
    pub(crate) fn to_json(&self) -> String {
        let mut object = serde_json::Map::new();
        let word = Object::ALL.iter().find(|(object, ..)| *object == self.object).map_or("", |(_, short, _)| short);
        if !word.is_empty() {
            object.insert("ot".to_owned(), word.into());
        }
        for (key, value) in [("br", self.bitrate_kbps), ("bl", self.buffer_ms), ("mtp", self.measured_kbps)] {
            value.map(|value| object.insert(key.to_owned(), value.into()));
        }
        for (key, is) in [("su", self.startup), ("bs", self.starved)] {
            is.then(|| object.insert(key.to_owned(), true.into()));
        }
        for (key, value) in [("sid", &self.session), ("cid", &self.content)] {
            value.as_deref().map(|value| object.insert(key.to_owned(), value.into()));
        }
        serde_json::Value::Object(object).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(lines: &str) -> String {
        format!("GET / HTTP/1.1\r\n{}\r\n", lines.replace('\n', "\r\n"))
    }

    fn said(lines: &str) -> Result<Option<Cmcd>, Malformed> {
        read(head(lines).as_bytes(), None)
    }

    #[test]
    fn the_four_fields_are_one_list() {
        let cmcd = said(
            "CMCD-Object: br=3200,d=4004,ot=v,tb=6000\ncmcd-request: bl=21300,mtp=48100,nor=\"..%2F300kbps%2F2.m4v\",nrr=\"0-99\",su\n\
             CMCD-Session: cid=\"film\",pr=1.08,sf=d,sid=\"6e2fb550-c457\",st=v\nCMCD-Status: bs,rtp=15000,com.example-Key=7\n",
        );
        let cmcd = cmcd.expect("well-formed").expect("something");
        assert_eq!((cmcd.object, cmcd.startup, cmcd.starved), (Object::Video, true, true));
        assert_eq!((cmcd.bitrate_kbps, cmcd.buffer_ms, cmcd.measured_kbps), (Some(3200), Some(21_300), Some(48_100)));
        assert_eq!(cmcd.next, [Next { reference: b"../300kbps/2.m4v".to_vec(), range: Some("0-99".into()) }]);
        let json = serde_json::from_str::<serde_json::Value>(&cmcd.to_json()).expect("JSON");
        assert_eq!((&json["sid"], &json["ot"], &json["bs"]), (&"6e2fb550-c457".into(), &"v".into(), &true.into()));
        assert_eq!(said("Host: a\n"), Ok(None));
    }

    #[test]
    fn the_second_version_has_lists() {
        let cmcd = said("CMCD-Request: v=2,br=(1000;v 128;a),nor=(\"a.m4s\" \"b.m4s\";r=\"5-\" \"c\"),bs=?0,sta=p\n");
        let cmcd = cmcd.expect("well-formed").expect("something");
        assert_eq!((cmcd.bitrate_kbps, cmcd.starved), (Some(1000), false));
        let next: Vec<_> = cmcd.next.iter().map(|n| (&n.reference[..], n.range.as_deref())).collect();
        assert_eq!(next, [(&b"a.m4s"[..], None), (b"b.m4s", Some("5-"))], "as many as are looked at");
    }

    #[test]
    fn what_cannot_be_read_is_malformed_as_a_whole() {
        for bad in [
            "br=x",
            "nor=\"a",
            "bs=2",
            "v=9",
            "nrr=\"1\"",
            "=3",
            "sid=a",
            "ot=video",
            "br=1234567890123456",
            "nor=\"%2\"",
        ] {
            assert_eq!(said(&format!("CMCD-Status: ot=v\nCMCD-Request: {bad}\n")), Err(Malformed), "{bad}");
        }
        let long = format!("CMCD-Session: sid=\"{}\"\n", "a".repeat(CMCD_TEXT_BYTES_MAX + 1));
        assert_eq!(said(&long), Err(Malformed));
        assert_eq!(said(&format!("CMCD-Session: x=\"{}\"\n", "a".repeat(CMCD_BYTES_MAX))), Err(Malformed));
    }

    #[test]
    fn the_argument_is_taken_out_of_the_target() {
        let check = |target: &str, want: &str, value: Option<&str>| {
            let (bare, said) = bare(target.as_bytes());
            assert_eq!(String::from_utf8_lossy(&bare), want, "{target}");
            assert_eq!(said, value.map(str::as_bytes), "{target}");
        };
        check("/a", "/a", None);
        check("/a?x=CMCD", "/a?x=CMCD", None);
        check("/a?CMCD=ot%3Dv", "/a", Some("ot%3Dv"));
        check("/a?x=1&CMCD=b", "/a?x=1", Some("b"));
        check("/a?CMCD=b&x=1", "/a?x=1", Some("b"));
        check("/a?y&CMCD=b&x=1&CMCD=c", "/a?y&x=1", Some("b"));
        check("/a?CMCD=b&CMCD=c", "/a", Some("b"));
        let cmcd =
            read(b"GET / HTTP/1.1\r\n\r\n", Some(b"bl%3D100%2Cbs%2Cnor%3D%22..%252F2.m4s%22")).expect("well-formed");
        let cmcd = cmcd.expect("something");
        assert_eq!((cmcd.buffer_ms, &cmcd.next[0].reference[..]), (Some(100), &b"../2.m4s"[..]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "(br|nor|nrr|bs|ot|sid|v)=?[\"(;, a-z0-9%.-]{0,40}(,|&CMCD=)(nor|br)=[\"(;, a-z0-9%.-]{0,40}".prop_map(String::into_bytes),
            ],
        ) {
            let _ = read(b"GET / HTTP/1.1\r\n\r\n", Some(&bytes));
            let _ = parse(&bytes);
            let target = [&b"/a?"[..], &bytes].concat();
            let (once, _) = bare(&target);
            prop_assert!(bare(&once).1.is_none());
        }
    }
}
