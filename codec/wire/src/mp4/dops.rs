//! `dOps`: Opus in ISOBMFF section 4.3.2. Kept as bytes; version, channels and pre-skip are looked at.

use super::{Mp4Error, Reader, put_box};

/// Appends the box around an OpusSpecificBox body.
pub fn write(out: &mut Vec<u8>, body: &[u8]) {
    put_box(out, b"dOps", |out| out.extend_from_slice(body));
}

/// Samples at 48 kHz to throw away at the start.
pub fn pre_skip(body: &[u8]) -> Result<u16, Mp4Error> {
    let mut r = Reader::new(b"dOps", body);
    if r.u8()? != 0 {
        return Err(r.unsupported("version"));
    }
    r.u8()?;
    r.u16()
}
