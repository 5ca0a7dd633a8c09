//! The part of CBOR that a token needs (RFC 8949), in one spelling only: shortest heads, definite lengths, no floats
//! (section 4.2.1, but for the order of map keys, which other issuers do not keep). Nothing nests here: who reads says
//! what comes next, so depth cannot come from outside.

use super::TokenError;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Reads items off the front of a slice without copying.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
}

/// A key of a map of headers or claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Int(i64),
    /// None of ours is text.
    Text,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Refuses bytes that are left over.
    pub(super) fn end(self) -> Result<(), TokenError> {
        if self.rest.is_empty() { Ok(()) } else { Err(TokenError::Malformed) }
    }

    /// An unsigned integer.
    pub(super) fn unsigned(&mut self) -> Result<u64, TokenError> {
        self.expect(UNSIGNED)
    }

    /// An integer of either sign that fits 64 bits.
    pub(super) fn int(&mut self) -> Result<i64, TokenError> {
        let (major, value) = self.head()?;
        let value = i64::try_from(value).map_err(|_| TokenError::Malformed)?;
        match major {
            UNSIGNED => Ok(value),
            NEGATIVE => Ok(-1 - value),
            _ => Err(TokenError::Malformed),
        }
    }

    /// A byte string.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], TokenError> {
        let length = self.expect(BYTES)?;
        self.take(length)
    }

    /// A text string.
    pub(super) fn text(&mut self) -> Result<&'a str, TokenError> {
        let length = self.expect(TEXT)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| TokenError::Malformed)
    }

    /// The number of items of an array.
    pub(super) fn array(&mut self) -> Result<u64, TokenError> {
        self.expect(ARRAY)
    }

    /// The number of pairs of a map.
    pub(super) fn map(&mut self) -> Result<u64, TokenError> {
        self.expect(MAP)
    }

    /// A tag, if one comes next.
    pub(super) fn tag(&mut self) -> Result<Option<u64>, TokenError> {
        if self.next_is(TAG) { self.expect(TAG).map(Some) } else { Ok(None) }
    }

    /// A key of a map.
    pub(super) fn label(&mut self) -> Result<Label, TokenError> {
        if self.next_is(TEXT) { self.text().map(|_| Label::Text) } else { self.int().map(Label::Int) }
    }

    /// Is the next item an array?
    pub(super) fn next_is_array(&self) -> bool {
        self.next_is(ARRAY)
    }

    /// Is the next item text?
    pub(super) fn next_is_text(&self) -> bool {
        self.next_is(TEXT)
    }

    fn next_is(&self, major: u8) -> bool {
        self.rest.first().is_some_and(|byte| byte >> 5 == major)
    }

    fn expect(&mut self, major: u8) -> Result<u64, TokenError> {
        match self.head()? {
            (found, value) if found == major => Ok(value),
            _ => Err(TokenError::Malformed),
        }
    }

    /// Major type and argument (section 3), the argument in its shortest form.
    fn head(&mut self) -> Result<(u8, u64), TokenError> {
        let first = self.take(1)?[0];
        let (value, least) = match first & 31 {
            small @ 0..=23 => (u64::from(small), 0),
            24 => (self.big_endian(1)?, 24),
            25 => (self.big_endian(2)?, 1 << 8),
            26 => (self.big_endian(4)?, 1 << 16),
            27 => (self.big_endian(8)?, 1 << 32),
            _ => return Err(TokenError::Malformed), // reserved or of indefinite length
        };
        if value < least { Err(TokenError::Malformed) } else { Ok((first >> 5, value)) }
    }

    fn big_endian(&mut self, length: u64) -> Result<u64, TokenError> {
        Ok(self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], TokenError> {
        let length = usize::try_from(length).map_err(|_| TokenError::Malformed)?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(TokenError::Malformed)?;
        self.rest = rest;
        Ok(head)
    }
}

pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    if value < 0 { put_head(out, NEGATIVE, (-1 - value) as u64) } else { put_head(out, UNSIGNED, value as u64) }
}

pub(super) fn put_unsigned(out: &mut Vec<u8>, value: u64) {
    put_head(out, UNSIGNED, value);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_array(out: &mut Vec<u8>, items: u64) {
    put_head(out, ARRAY, items);
}

pub(super) fn put_map(out: &mut Vec<u8>, pairs: u64) {
    put_head(out, MAP, pairs);
}

pub(super) fn put_tag(out: &mut Vec<u8>, tag: u64) {
    put_head(out, TAG, tag);
}

fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let bytes = value.to_be_bytes();
    let (info, length) = match value {
        0..=23 => (value as u8, 0),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | info);
    out.extend_from_slice(&bytes[8 - length..]);
}
