//! `stts`: which sample lasts how long (section 8.6.1.2). Empty in a CMAF header: the fragments say it.

use super::{Mp4Error, Reader, put_full_box};

/// Appends the box without an entry.
pub fn write(out: &mut Vec<u8>) {
    put_full_box(out, b"stts", 0, 0, |out| out.extend_from_slice(&0u32.to_be_bytes()));
}

/// Refuses a body that has entries.
pub fn read(body: &[u8]) -> Result<(), Mp4Error> {
    let (mut r, _, _) = Reader::full(b"stts", body)?;
    if r.u32()? != 0 {
        return Err(r.unsupported("entries in a CMAF header"));
    }
    r.end()
}
