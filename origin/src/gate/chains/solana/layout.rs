//! Bytes of accounts, read from the front; nothing is taken for granted.

use super::key::Key;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(front)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// 0 or 1.
    pub(super) fn truth(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    pub(super) fn key(&mut self) -> Option<Key> {
        Key::at(self.take(32)?, 0)
    }

    /// A text of at most so many bytes (Borsh: its length, then UTF-8).
    pub(super) fn text(&mut self, bytes_max: usize) -> Option<&'a str> {
        let bytes = usize::try_from(self.u32()?).ok().filter(|&bytes| bytes <= bytes_max)?;
        std::str::from_utf8(self.take(bytes)?).ok()
    }

    /// Whether something follows that may be missing (Borsh: one byte).
    pub(super) fn is_some(&mut self) -> Option<bool> {
        self.truth()
    }

    /// What may be missing as programs with fixed places write it (`COption`): four bytes say whether it is there, its place is there
    /// in any case.
    pub(super) fn fixed_option(&mut self, bytes: usize) -> Option<Option<&'a [u8]>> {
        let tag = self.u32()?;
        let place = self.take(bytes)?;
        match tag {
            0 => Some(None),
            1 => Some(Some(place)),
            _ => None,
        }
    }
}
