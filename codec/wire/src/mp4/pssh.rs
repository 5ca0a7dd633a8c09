//! `pssh`: what a key system is told (ISO/IEC 23001-7 section 8.1). Ours is the common one, which names keys and nothing else
//! (W3C, "cenc" Initialization Data Format, section 4).

use super::{Mp4Error, Reader, put_full_box};

/// The common system: `1077efec-c0b2-4d02-ace3-3c1e52e2fb4b`.
pub const COMMON_SYSTEM: [u8; 16] =
    [0x10, 0x77, 0xef, 0xec, 0xc0, 0xb2, 0x4d, 0x02, 0xac, 0xe3, 0x3c, 0x1e, 0x52, 0xe2, 0xfb, 0x4b];

/// Appends the box for one key.
pub fn write(out: &mut Vec<u8>, key_id: &[u8; 16]) {
    put_full_box(out, b"pssh", 1, 0, |out| {
        out.extend_from_slice(&COMMON_SYSTEM);
        out.extend_from_slice(&1u32.to_be_bytes());
        out.extend_from_slice(key_id);
        out.extend_from_slice(&0u32.to_be_bytes()); // no data
    });
}

/// The one key that the body names.
pub fn read(body: &[u8]) -> Result<[u8; 16], Mp4Error> {
    let (mut r, version, _) = Reader::full(b"pssh", body)?;
    if version != 1 || r.array()? != COMMON_SYSTEM || r.u32()? != 1 {
        return Err(r.unsupported("not one key of the common system"));
    }
    r.array()
}
