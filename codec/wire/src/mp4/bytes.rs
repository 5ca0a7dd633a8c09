//! Big-endian fields out of a slice and into a vector, and the two box headers (ISO/IEC 14496-12 section 4.2).

use super::{FourCc, Mp4Error};

/// Appends a box: size, `kind`, then what `body` writes.
///
/// Panics when the box would exceed 4 GiB; [`crate::cmaf`] refuses such input first.
pub fn put_box(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(kind);
    body(out);
    let size = u32::try_from(out.len() - start).expect("sizes are checked before boxes are written");
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// Appends a box that has a version and 24 bits of flags.
pub fn put_full_box(out: &mut Vec<u8>, kind: &[u8; 4], version: u8, flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    put_box(out, kind, |out| {
        out.extend_from_slice(&(u32::from(version) << 24 | flags & 0x00ff_ffff).to_be_bytes());
        body(out);
    });
}

/// Reads fields of one box in order. Every error names that box.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    kind: FourCc,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of the body of a box named `kind`.
    pub fn new(kind: &[u8; 4], body: &'a [u8]) -> Self {
        Self { kind: FourCc(*kind), rest: body }
    }

    /// Starts after version and flags, and gives them: `(reader, version, flags)`.
    pub fn full(kind: &[u8; 4], body: &'a [u8]) -> Result<(Self, u8, u32), Mp4Error> {
        let mut r = Self::new(kind, body);
        let word = r.u32()?;
        Ok((r, (word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Mp4Error> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(Mp4Error::Truncated(self.kind))?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes by value.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Mp4Error> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Mp4Error::Truncated(self.kind))?;
        self.rest = rest;
        Ok(*head)
    }

    /// An unsigned 8-bit field.
    pub fn u8(&mut self) -> Result<u8, Mp4Error> {
        Ok(self.array::<1>()?[0])
    }

    /// An unsigned 16-bit field.
    pub fn u16(&mut self) -> Result<u16, Mp4Error> {
        self.array().map(u16::from_be_bytes)
    }

    /// An unsigned 32-bit field.
    pub fn u32(&mut self) -> Result<u32, Mp4Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// An unsigned 64-bit field.
    pub fn u64(&mut self) -> Result<u64, Mp4Error> {
        self.array().map(u64::from_be_bytes)
    }

    /// A field of 64 bits in version 1 of a box and of 32 in version 0.
    pub fn u64_or_u32(&mut self, version: u8) -> Result<u64, Mp4Error> {
        if version == 1 { self.u64() } else { self.u32().map(u64::from) }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes after the last field.
    pub fn end(&self) -> Result<(), Mp4Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Mp4Error::Size(self.kind)) }
    }

    /// The error for a value that this reader does not know.
    pub fn unsupported(&self, what: &'static str) -> Mp4Error {
        Mp4Error::Unsupported(self.kind, what)
    }
}

/// Walks the boxes that stand side by side in `bytes`. `parent` names the errors. Ends after the first error.
pub fn boxes<'a>(parent: &[u8; 4], bytes: &'a [u8]) -> Boxes<'a> {
    Boxes { parent: FourCc(*parent), rest: bytes, offset: 0 }
}

/// See [`boxes`]. Yields `(kind, body, offset of the header)`.
#[derive(Debug, Clone)]
pub struct Boxes<'a> {
    parent: FourCc,
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Boxes<'a> {
    fn split(&mut self) -> Result<([u8; 4], &'a [u8], usize), Mp4Error> {
        let mut r = Reader { kind: self.parent, rest: self.rest };
        let size = r.u32()?;
        let kind: [u8; 4] = r.array()?;
        let size = match size {
            0 => self.rest.len(),
            1 => usize::try_from(r.u64()?).map_err(|_| Mp4Error::Truncated(FourCc(kind)))?,
            n => n as usize,
        };
        let header = self.rest.len() - r.rest.len();
        if size < header {
            return Err(Mp4Error::Size(FourCc(kind)));
        }
        let (whole, rest) = self.rest.split_at_checked(size).ok_or(Mp4Error::Truncated(FourCc(kind)))?;
        let at = self.offset;
        self.rest = rest;
        self.offset += size;
        Ok((kind, &whole[header..], at))
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<([u8; 4], &'a [u8], usize), Mp4Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = self.split();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

/// The body of the one box `kind` among those in `bytes`; others are passed over.
pub fn child<'a>(parent: &[u8; 4], bytes: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [u8]>, Mp4Error> {
    let mut found = None;
    for item in boxes(parent, bytes) {
        let (k, body, _) = item?;
        if k == *kind && found.replace(body).is_some() {
            return Err(Mp4Error::Twice(FourCc(k)));
        }
    }
    Ok(found)
}
