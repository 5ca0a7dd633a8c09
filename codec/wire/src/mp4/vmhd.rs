//! `vmhd`: says that the media is pictures, and no more (section 12.1.2).

use super::put_full_box;

/// Appends the box: plain copy, no colour.
pub fn write(out: &mut Vec<u8>) {
    put_full_box(out, b"vmhd", 0, 1, |out| out.extend_from_slice(&[0; 8]));
}
