//! EBML elements (RFC 8794): a number that names, a number that measures, a body.

use crate::demux::Source;
use crate::demux::bytes::Bytes;
use std::io;

/// Longest header: four bytes of id and eight of size.
pub(crate) const HEADER_MAX: usize = 12;

/// A header: id with its marker bits, size of the body (`None`: unknown, section 6.2), size of the header itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub id: u32,
    pub size: Option<u64>,
    pub len: usize,
}

/// The header at the front of `bytes`.
pub(crate) fn header(bytes: &[u8]) -> Option<Header> {
    let mut rest = Bytes(bytes);
    let first = rest.0.first()?;
    let id_len = first.leading_zeros() as usize + 1;
    if id_len > 4 {
        return None;
    }
    let id = rest.take(id_len)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let size = vint(&mut rest)?;
    Some(Header { id, size, len: bytes.len() - rest.0.len() })
}

/// A variable-size integer (section 4); the inner `None` is "unknown": all data bits set.
pub(crate) fn vint(bytes: &mut Bytes) -> Option<Option<u64>> {
    let len = bytes.0.first()?.leading_zeros() as usize + 1;
    if len > 8 {
        return None;
    }
    let all = bytes.take(len)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let mask = (1_u64 << (7 * len)) - 1;
    let value = all & mask;
    Some((value != mask).then_some(value))
}

/// Elements that stand one after the other in memory; what does not fit ends the walk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elements<'a>(pub &'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = header(self.0)?;
        let rest = &self.0[header.len..];
        let size = header.size.map_or(rest.len(), |size| usize::try_from(size).unwrap_or(usize::MAX));
        let (body, rest) = rest.split_at(size.min(rest.len()));
        self.0 = rest;
        Some((header.id, body))
    }
}

impl<'a> Elements<'a> {
    /// The body of the first element with an id.
    pub fn find(self, id: u32) -> Option<&'a [u8]> {
        let mut elements = self;
        elements.find_map(|(found, body)| (found == id).then_some(body))
    }

    /// The first element with an id as an unsigned integer (section 7.2).
    pub fn unsigned(self, id: u32) -> Option<u64> {
        self.find(id).and_then(unsigned)
    }

    /// The first element with an id as a float (section 7.3).
    pub fn float(self, id: u32) -> Option<f64> {
        match self.find(id)? {
            [] => Some(0.0),
            body @ [_, _, _, _] => Some(f32::from_be_bytes(body.try_into().ok()?).into()),
            body => Some(f64::from_be_bytes(body.try_into().ok()?)),
        }
        .filter(|value| value.is_finite())
    }

    /// The first element with an id as text, to its first NUL (section 7.4).
    pub fn text(self, id: u32) -> Option<String> {
        let body = self.find(id)?;
        let text = body.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned())
    }
}

/// An unsigned integer of zero to eight bytes.
pub(crate) fn unsigned(body: &[u8]) -> Option<u64> {
    (body.len() <= 8).then(|| body.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// The header at a position of the file, `None` at its end or where no element can begin.
pub(crate) fn header_at(source: &Source, at: u64) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER_MAX];
    let got = source.read_some(at, &mut bytes)?;
    Ok(header(&bytes[..got]))
}
