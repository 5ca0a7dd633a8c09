//! `mdat`: the samples' bytes (section 8.1.1).

use super::put_box;

/// Bytes of the header before the first sample.
pub const HEADER_BYTES: usize = 8;

/// Appends the box around the samples, one after the other.
pub fn write<'a>(out: &mut Vec<u8>, samples: impl Iterator<Item = &'a [u8]>) {
    put_box(out, b"mdat", |out| samples.for_each(|data| out.extend_from_slice(data)));
}
