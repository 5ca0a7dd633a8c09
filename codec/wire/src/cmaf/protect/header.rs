//! The header of an encrypted track: its sample entry says what it was and how it is encrypted, and `moov` which key. Every other box
//! stays as it is.

use super::ContentKey;
use crate::mp4::sinf::Sinf;
use crate::mp4::tenc::Tenc;
use crate::mp4::{FourCc, Mp4Error, Reader, boxes, pssh, put_box};

/// From the file down to the one sample entry.
const WAY: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];

/// Writes `init` with its sample entry protected.
pub(super) fn protect(init: &[u8], key: &ContentKey, pattern: (u8, u8)) -> Result<Vec<u8>, Mp4Error> {
    let mut out = Vec::with_capacity(init.len() + 256);
    let tenc = Tenc { pattern, key_id: key.id, constant_iv: key.iv() };
    walk(&mut out, b"file", init, &WAY, tenc)?;
    Ok(out)
}

/// Copies the boxes of `parent`; of the first one on the way what is inside is walked.
fn walk(out: &mut Vec<u8>, parent: &[u8; 4], body: &[u8], way: &[&[u8; 4]], tenc: Tenc) -> Result<(), Mp4Error> {
    for item in boxes(parent, body) {
        let (kind, body, _) = item?;
        let mut failed = Ok(());
        put_box(out, &kind, |out| match way {
            [next] if **next == kind => failed = description(out, body, tenc),
            [next, rest @ ..] if **next == kind => {
                failed = walk(out, &kind, body, rest, tenc);
                if kind == *b"moov" {
                    pssh::write(out, &tenc.key_id);
                }
            }
            _ => out.extend_from_slice(body),
        });
        failed?;
    }
    Ok(())
}

/// The body of `stsd`, whose entry becomes `encv` or `enca` (ISO/IEC 14496-12 section 8.12).
fn description(out: &mut Vec<u8>, body: &[u8], tenc: Tenc) -> Result<(), Mp4Error> {
    let (mut r, _, _) = Reader::full(b"stsd", body)?;
    let count = r.u32()?;
    out.extend_from_slice(&body[..8]);
    debug_assert_eq!(count, 1, "a header with one entry has been read before");
    for item in boxes(b"stsd", r.rest()) {
        let (original, entry, _) = item?;
        let protected = match &original {
            b"avc1" | b"av01" => b"encv",
            b"mp4a" | b"Opus" => b"enca",
            _ => return Err(Mp4Error::Unsupported(FourCc(original), "codec")),
        };
        put_box(out, protected, |out| {
            out.extend_from_slice(entry);
            Sinf { original: FourCc(original), scheme: FourCc(*b"cbcs"), tenc }.write(out);
        });
    }
    Ok(())
}
