//! Blocks and their lacing (RFC 9559 section 10): where the frames of a block are.

use super::ebml;
use crate::demux::bytes::Bytes;

/// The head of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub track: u64,
    /// Relative to the cluster.
    pub timestamp: i16,
    /// Only of a SimpleBlock.
    pub keyframe: bool,
    /// Offset from the start of the block and size of each frame, at most 256.
    pub frames: Vec<(u64, u64)>,
}

/// Longest head: track number, timestamp, flags, and 255 laced sizes of eight bytes.
pub(crate) const HEAD_MAX: usize = 8 + 3 + 1 + 255 * 8;

/// Reads the head of a block of `size` bytes from its first bytes (up to [`HEAD_MAX`] of them).
pub(crate) fn read(head: &[u8], size: u64) -> Option<Block> {
    let mut bytes = Bytes(head);
    let track = ebml::vint(&mut bytes)??;
    let timestamp = bytes.u16()?.cast_signed();
    let flags = bytes.u8()?;
    let lacing = flags >> 1 & 3;
    let mut sizes = Vec::new();
    if lacing != 0 {
        let more = bytes.u8()?; // frames less one; the last one's size is what is left
        match lacing {
            1 => xiph(&mut bytes, more, &mut sizes)?,
            3 => lace(&mut bytes, more, &mut sizes)?,
            _ => {
                let left = size.checked_sub((head.len() - bytes.0.len()) as u64)?;
                sizes = vec![left / (u64::from(more) + 1); more.into()];
            }
        }
    }
    let mut offset = (head.len() - bytes.0.len()) as u64;
    let mut frames = Vec::with_capacity(sizes.len() + 1);
    for frame in sizes {
        frames.push((offset, frame));
        offset = offset.checked_add(frame)?;
    }
    frames.push((offset, size.checked_sub(offset)?));
    Some(Block { track, timestamp, keyframe: flags & 0x80 != 0, frames })
}

/// Sizes as sums of bytes, of which all but the last are 255 (section 10.3.2).
fn xiph(bytes: &mut Bytes, count: u8, sizes: &mut Vec<u64>) -> Option<()> {
    for _ in 0..count {
        let mut size = 0;
        loop {
            let byte = bytes.u8()?;
            size += u64::from(byte);
            if byte < 255 {
                break;
            }
        }
        sizes.push(size);
    }
    Some(())
}

/// The first size as it is, the others as differences (section 10.3.3).
fn lace(bytes: &mut Bytes, count: u8, sizes: &mut Vec<u64>) -> Option<()> {
    let mut size = 0_u64;
    for i in 0..count {
        let len = bytes.0.first()?.leading_zeros() + 1;
        let value = ebml::vint(bytes)?.unwrap_or((1 << (7 * len)) - 1);
        size = match i {
            0 => value,
            _ => size.checked_add_signed(value.cast_signed() - ((1_i64 << (7 * len - 1)) - 1))?,
        };
        sizes.push(size);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], size: u64, expected: Option<&[(u64, u64)]>) {
        assert_eq!(read(head, size).map(|block| block.frames).as_deref(), expected);
    }

    #[test]
    fn without_lacing_the_rest_is_one_frame() {
        check(&[0x81, 0, 0, 0x80], 104, Some(&[(4, 100)]));
    }

    #[test]
    fn xiph_sizes_are_sums() {
        check(&[0x81, 0, 0, 0x02, 2, 255, 45, 50], 1000, Some(&[(8, 300), (308, 50), (358, 642)]));
    }

    #[test]
    fn ebml_sizes_are_differences() {
        // 800, then -300: the example of RFC 9559 section 10.3.3
        check(&[0x81, 0, 0, 0x06, 2, 0x43, 0x20, 0x5e, 0xd3], 1809, Some(&[(9, 800), (809, 500), (1309, 500)]));
    }

    #[test]
    fn fixed_sizes_share_the_block() {
        check(&[0x81, 0, 0, 0x04, 1], 205, Some(&[(5, 100), (105, 100)]));
    }

    #[test]
    fn sizes_beyond_the_block_are_refused() {
        check(&[0x81, 0, 0, 0x02, 1, 255, 45], 100, None);
        check(&[0x81, 0, 0, 0x06, 1, 0x01, 255, 255, 255, 255, 255, 255, 254], 100, None);
    }
}
