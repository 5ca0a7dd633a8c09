//! `dref`: where the media bytes are; here always in the same resource (section 8.7.2).

use super::put_full_box;

/// Appends the box with its one self-contained `url ` entry.
pub fn write(out: &mut Vec<u8>) {
    const SELF_CONTAINED: u32 = 1;
    put_full_box(out, b"dref", 0, 0, |out| {
        out.extend_from_slice(&1u32.to_be_bytes());
        put_full_box(out, b"url ", 0, SELF_CONTAINED, |_| {});
    });
}
