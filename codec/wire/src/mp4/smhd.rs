//! `smhd`: says that the media is sound, and no more (section 12.2.2).

use super::put_full_box;

/// Appends the box: balance in the middle.
pub fn write(out: &mut Vec<u8>) {
    put_full_box(out, b"smhd", 0, 0, |out| out.extend_from_slice(&[0; 4]));
}
