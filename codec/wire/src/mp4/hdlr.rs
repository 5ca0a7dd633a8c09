//! `hdlr`: is the track sound or picture (section 8.4.3).

use super::{Mp4Error, Reader, put_full_box};

/// Body of `hdlr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hdlr {
    /// `vide`.
    Video,
    /// `soun`.
    Audio,
}

impl Hdlr {
    /// Appends the box with an empty name.
    pub fn write(self, out: &mut Vec<u8>) {
        put_full_box(out, b"hdlr", 0, 0, |out| {
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(match self {
                Self::Video => b"vide",
                Self::Audio => b"soun",
            });
            out.extend_from_slice(&[0; 12]);
            out.push(0); // name
        });
    }

    /// Reads the body; the name is passed over.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, _) = Reader::full(b"hdlr", body)?;
        r.take(4)?;
        let kind: [u8; 4] = r.array()?;
        r.take(12)?;
        match &kind {
            b"vide" => Ok(Self::Video),
            b"soun" => Ok(Self::Audio),
            _ => Err(r.unsupported("handler")),
        }
    }
}
