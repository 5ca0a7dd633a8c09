//! A [`Stored`] as bytes, for the disk: the one place that knows its form. `docs/formats/disk-tier.md` draws it.
//!
//! The name is not part of it: the record has it. Whatever can be found again in the head is found again.

use super::purged::Purged;
use super::{Sliced, Stored, Varies};
use crate::http::fields::{Span, fields};
use crate::http::freshness::Freshness;
use crate::http::vary::Names;

/// Of this form. Raise it with every change of what is written, and of what a stored head means: logs of another version are begun anew.
pub(crate) const VERSION: u32 = 2;

const GATED: u8 = 1;
const NEVER_STALE: u8 = 2;
const HAS_LENGTH: u8 = 4;
const HAS_FRESHNESS: u8 = 8;
const HAS_TAGS: u8 = 16;
const VARIES: u8 = 32;
const SLICED: u8 = 64;

/// The bytes of `stored`.
pub(crate) fn encode(stored: &Stored) -> Vec<u8> {
    let mut out = Vec::with_capacity(stored.head.len() + 128);
    let flag = |is: bool, bit: u8| if is { bit } else { 0 };
    let never_stale = stored.freshness.is_some_and(|f| f.never_stale);
    out.extend_from_slice(&stored.status.to_le_bytes());
    out.push(
        flag(stored.gated, GATED)
            | flag(never_stale, NEVER_STALE)
            | flag(stored.told_length.is_some(), HAS_LENGTH)
            | flag(stored.freshness.is_some(), HAS_FRESHNESS)
            | flag(stored.tags.is_some(), HAS_TAGS)
            | flag(stored.varies.is_some(), VARIES)
            | flag(stored.sliced.is_some(), SLICED),
    );
    out.extend(stored.told_length.iter().flat_map(|n| n.to_le_bytes()));
    if let Some(f) = &stored.freshness {
        let times = [f.received_ms, f.initial_age, f.fresh_until_ms, f.revalidate_until_ms, f.error_until_ms, f.purges];
        out.extend(times.iter().flat_map(|n| n.to_le_bytes()));
    }
    if let Some(varies) = &stored.varies {
        out.extend_from_slice(&varies.life.to_le_bytes());
        let names: Vec<&[u8]> = varies.names.iter().collect();
        run(&mut out, &names.join(&b","[..]));
    }
    if let Some(sliced) = stored.sliced {
        out.extend([sliced.total, sliced.life].iter().flat_map(|n| n.to_le_bytes()));
    }
    if let Some(tags) = &stored.tags {
        run(&mut out, tags);
    }
    run(&mut out, &stored.selecting);
    out.extend_from_slice(&(stored.fields_at as u32).to_le_bytes());
    run(&mut out, &stored.head);
    out
}

/// What [`encode`] made the bytes of, under `name`. `None`: they are not such bytes.
pub(crate) fn decode(name: &[u8], bytes: &[u8]) -> Option<Stored> {
    let mut rest = Rest(bytes);
    let status = u16::from_le_bytes(rest.take()?);
    let [flags] = rest.take()?;
    let has = |bit: u8| flags & bit != 0;
    let told_length = if has(HAS_LENGTH) { Some(rest.number()?) } else { None };
    let freshness = if has(HAS_FRESHNESS) { Some(rest.freshness(has(NEVER_STALE))?) } else { None };
    let varies = if has(VARIES) {
        let life = rest.number()?;
        Some(Varies { names: Names::of_list(rest.run()?), life })
    } else {
        None
    };
    let sliced = if has(SLICED) { Some(Sliced { total: rest.number()?, life: rest.number()? }) } else { None };
    let tags = if has(HAS_TAGS) { Some(Box::from(rest.run()?)) } else { None };
    let selecting = Box::from(rest.run()?);
    let fields_at = u32::from_le_bytes(rest.take()?) as usize;
    let head: Box<[u8]> = rest.run()?.into();
    let whole = rest.0.is_empty() && fields_at <= head.len() && head.len() <= u32::MAX as usize;
    if !whole || (varies.is_none() && !has_start_line(&head, fields_at)) {
        return None;
    }
    let mut stored = Stored {
        name: name.into(),
        status,
        fields_at,
        selecting,
        varies,
        sliced,
        etag: None,
        last_modified: None,
        date: None,
        told_length,
        freshness,
        gated: has(GATED),
        tags,
        purged: Purged::default(),
        unasked: None,
        head: Box::default(),
    };
    for (name, value) in fields(&head) {
        let place = match name {
            _ if name.eq_ignore_ascii_case(b"etag") => &mut stored.etag,
            _ if name.eq_ignore_ascii_case(b"last-modified") => &mut stored.last_modified,
            _ if name.eq_ignore_ascii_case(b"date") => &mut stored.date,
            _ => continue,
        };
        place.get_or_insert(Span::of(value, &head));
    }
    stored.head = head;
    stored.purged = Purged::of(&stored);
    Some(stored)
}

/// The fields begin after one line.
fn has_start_line(head: &[u8], fields_at: usize) -> bool {
    head.get(..fields_at).is_some_and(|line| line.starts_with(b"HTTP/1.1 ") && line.ends_with(b"\r\n"))
}

/// A run of bytes after its length.
fn run(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn run(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_le_bytes(self.take()?) as usize;
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn freshness(&mut self, never_stale: bool) -> Option<Freshness> {
        Some(Freshness {
            received_ms: self.number()?,
            initial_age: self.number()?,
            fresh_until_ms: self.number()?,
            revalidate_until_ms: self.number()?,
            error_until_ms: self.number()?,
            purges: self.number()?,
            never_stale,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::parse;
    use crate::http::vary::{self, Vary};
    use proptest::prelude::*;

    fn stored(lines: &str) -> Stored {
        let text = format!("HTTP/1.1 200 OK\r\n{}\r\n", lines.replace('\n', "\r\n"));
        let response = parse(text.as_bytes(), false).expect("valid").expect("complete").0;
        let freshness = Freshness {
            purges: 9,
            received_ms: 1,
            initial_age: 2,
            fresh_until_ms: 3,
            revalidate_until_ms: 4,
            error_until_ms: 5,
            never_stale: true,
        };
        Stored::new(b"/a", b"gzip\n", &response, Some(freshness), b"Sun, 06 Nov 1994 08:49:37 GMT")
    }

    fn check(stored: &Stored) -> Stored {
        let bytes = encode(stored);
        let back = decode(&stored.name, &bytes).expect("its own bytes");
        assert_eq!(encode(&back), bytes);
        assert_eq!((&back.head, back.fields_at, back.status), (&stored.head, stored.fields_at, stored.status));
        assert_eq!((back.etag, back.last_modified, back.date), (stored.etag, stored.last_modified, stored.date));
        assert_eq!((back.freshness, back.gated, &back.tags), (stored.freshness, stored.gated, &stored.tags));
        assert_eq!(back.sliced.map(|s| (s.total, s.life)), stored.sliced.map(|s| (s.total, s.life)));
        assert_eq!((back.told_length, &back.selecting), (stored.told_length, &stored.selecting));
        for cut in 0..bytes.len() {
            assert!(decode(b"/a", &bytes[..cut]).is_none(), "cut at {cut}");
        }
        back
    }

    #[test]
    fn a_stored_head_comes_back_as_it_was() {
        check(&stored(
            "Content-Length: 3\nETag: \"a\"\nLast-Modified: x\nStreamGate-Gate: token\nSurrogate-Key: a b\n",
        ));
        check(&stored("Content-Length: 0\nETag:\n"));
        let mut whole = stored("Content-Length: 3\nETag: \"a\"\n");
        whole.sliced = Some(Sliced { total: 1 << 40, life: 9 });
        check(&whole);
        let Vary::On(names) =
            vary::of(&parse(b"HTTP/1.1 200 OK\r\nVary: b, a\r\n\r\n", true).expect("valid").expect("whole").0)
        else {
            panic!("names")
        };
        let marker = Stored::marker(b"/a", Varies { names: names.clone(), life: 77 });
        let back = check(&marker).varies.expect("a marker");
        assert_eq!((back.names, back.life), (names, 77));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), value in any::<u8>()) {
            let _ = decode(b"/a", &bytes);
            let mut changed = encode(&stored("Content-Length: 3\nETag: \"a\"\n"));
            let at = at.index(changed.len());
            changed[at] = value;
            if let Some(stored) = decode(b"/a", &changed) {
                let _ = (stored.validators(), stored.fields(), stored.cost());
            }
        }
    }
}
