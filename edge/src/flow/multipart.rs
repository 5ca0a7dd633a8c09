//! Several parts of one body in one answer: `multipart/byteranges` (RFC 9110 section 14.6).

use crate::http::fields::{fields, push_line};
use crate::http::range::Part;
use crate::stored::{Stored, push_number};

/// The layout of an answer of several parts.
pub(crate) struct Multipart {
    boundary: String,
    content_type: Vec<u8>,
    total: u64,
}

impl Multipart {
    /// Of a body of `total` bytes under `stored`. `chance` makes a boundary that the body does not contain, for all anyone can know.
    pub(crate) fn new(stored: &Stored, total: u64, chance: u128) -> Multipart {
        let named = fields(&stored.head).find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
        let content_type = named.map_or_else(Vec::new, |(_, value)| value.to_vec());
        Multipart { boundary: format!("{chance:032x}"), content_type, total }
    }

    /// The stored fields with the type of the whole answer in the place of the body's.
    pub(crate) fn fields(&self, stored: &Stored) -> Vec<u8> {
        let mut out = Vec::with_capacity(stored.head.len() + 64);
        for (name, value) in fields(&stored.head) {
            if !name.eq_ignore_ascii_case(b"content-type") {
                push_line(&mut out, name, value);
            }
        }
        out.extend_from_slice(format!("Content-Type: multipart/byteranges; boundary={}\r\n", self.boundary).as_bytes());
        out
    }

    /// What stands before a part.
    pub(crate) fn before(&self, part: Part) -> Vec<u8> {
        let mut out = format!("\r\n--{}\r\n", self.boundary).into_bytes();
        if !self.content_type.is_empty() {
            push_line(&mut out, b"Content-Type", &self.content_type);
        }
        content_range(&mut out, Some(part), self.total);
        out.extend_from_slice(b"\r\n");
        out
    }

    /// What stands after the last part.
    pub(crate) fn after(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary).into_bytes()
    }

    /// Length of the answer's body.
    pub(crate) fn length(&self, parts: &[Part]) -> u64 {
        let bodies: u64 = parts.iter().map(|part| part.to - part.from).sum();
        let heads: usize = parts.iter().map(|part| self.before(*part).len()).sum();
        bodies + (heads + self.after().len()) as u64
    }
}

/// `Content-Range: bytes 0-4/10`; without a part it says that none could be satisfied.
pub(crate) fn content_range(out: &mut Vec<u8>, part: Option<Part>, total: u64) {
    out.extend_from_slice(b"Content-Range: bytes ");
    match part {
        Some(part) => {
            push_number(out, part.from);
            out.push(b'-');
            push_number(out, part.to.saturating_sub(1));
        }
        None => out.push(b'*'),
    }
    out.push(b'/');
    push_number(out, total);
    out.extend_from_slice(b"\r\n");
}
