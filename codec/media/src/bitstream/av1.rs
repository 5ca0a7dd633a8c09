//! AV1: the sequence header (AV1 specification section 5.5), in `av1C` or in the stream.

use crate::packet::Colour;
use wire::bits::Bits;

const OBU_SEQUENCE_HEADER: u8 = 1;

/// What a sequence header says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceHeader {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx[0]`.
    pub level_index: u8,
    /// Largest width of a picture.
    pub width: u32,
    /// Largest height of a picture.
    pub height: u32,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Luma only.
    pub monochrome: bool,
    /// Chroma has half the columns.
    pub subsampled_x: bool,
    /// Chroma has half the rows.
    pub subsampled_y: bool,
    /// Colour description.
    pub colour: Colour,
}

/// Whether a temporal unit begins with a sequence header (after temporal delimiters), as random access points do.
pub fn has_sequence_header(unit: &[u8]) -> bool {
    obus(unit).take(3).any(|(kind, _)| kind == OBU_SEQUENCE_HEADER)
}

/// The first sequence header among the OBUs of `bytes`.
pub fn find_sequence_header(bytes: &[u8]) -> Option<SequenceHeader> {
    let (_, payload) = obus(bytes).find(|(kind, _)| *kind == OBU_SEQUENCE_HEADER)?;
    SequenceHeader::read(payload)
}

/// Type and payload of OBUs in low-overhead format (section 5.2 and 5.3); a size beyond the end takes what is there.
pub fn obus(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&header, mut body) = rest.split_first()?;
        let kind = header >> 3 & 15;
        if header & 4 != 0 {
            body = body.get(1..)?;
        }
        let mut size = body.len();
        if header & 2 != 0 {
            let (value, len) = leb128(body)?;
            body = &body[len..];
            size = usize::try_from(value).unwrap_or(usize::MAX).min(body.len());
        }
        let (payload, next) = body.split_at(size);
        rest = next;
        Some((kind, payload))
    })
}

fn leb128(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

impl SequenceHeader {
    /// Reads the payload of an OBU of type 1.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let profile = bits.u(3)? as u8;
        bits.flag()?; // still_picture
        let reduced = bits.flag()?;
        let level_index = if reduced { bits.u(5)? as u8 } else { operating_points(&mut bits)? };
        let (width_bits, height_bits) = (bits.u(4)? + 1, bits.u(4)? + 1);
        let (width, height) = (bits.u(width_bits)?.checked_add(1)?, bits.u(height_bits)?.checked_add(1)?);
        if !reduced && bits.flag()? {
            bits.skip(4 + 3)?; // frame ids
        }
        bits.skip(3)?; // superblock size, filter_intra, intra_edge_filter
        if !reduced {
            bits.skip(4)?; // interintra, masked, warped, dual_filter
            let order_hint = bits.flag()?;
            if order_hint {
                bits.skip(2)?; // jnt_comp, ref_frame_mvs
            }
            let screen_content = bits.flag()? || bits.flag()?;
            if screen_content && !bits.flag()? {
                bits.flag()?; // seq_force_integer_mv
            }
            if order_hint {
                bits.skip(3)?; // order_hint_bits_minus_1
            }
        }
        bits.skip(3)?; // superres, cdef, restoration
        color_config(&mut bits, profile, level_index, width, height)
    }
}

/// Timing and operating points (section 5.5.1); the level of the first.
fn operating_points(bits: &mut Bits) -> Option<u8> {
    let mut decoder_model = None;
    if bits.flag()? {
        bits.skip(64)?; // num_units_in_display_tick, time_scale
        if bits.flag()? {
            bits.ue()?;
        }
        if bits.flag()? {
            decoder_model = Some(bits.u(5)? + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let display_delay = bits.flag()?;
    let points = bits.u(5)? + 1;
    let mut first = None;
    for _ in 0..points {
        bits.skip(12)?;
        let level = bits.u(5)? as u8;
        if level > 7 {
            bits.flag()?; // seq_tier
        }
        if let Some(delay_bits) = decoder_model
            && bits.flag()?
        {
            bits.skip(2 * delay_bits as usize + 1)?;
        }
        if display_delay && bits.flag()? {
            bits.skip(4)?;
        }
        first.get_or_insert(level);
    }
    first
}

/// Colour configuration (section 5.5.2).
fn color_config(bits: &mut Bits, profile: u8, level_index: u8, width: u32, height: u32) -> Option<SequenceHeader> {
    let high_bit_depth = bits.flag()?;
    let bit_depth = match (profile, high_bit_depth) {
        (2, true) => {
            if bits.flag()? {
                12
            } else {
                10
            }
        }
        (_, true) => 10,
        (_, false) => 8,
    };
    let monochrome = profile != 1 && bits.flag()?;
    let mut colour = Colour { primaries: 2, transfer: 2, matrix: 2, full_range: false };
    if bits.flag()? {
        let mut point = || bits.u(8).map(|point| point as u16);
        (colour.primaries, colour.transfer, colour.matrix) = (point()?, point()?, point()?);
    }
    let srgb = (colour.primaries, colour.transfer, colour.matrix) == (1, 13, 0);
    let (subsampled_x, subsampled_y);
    if monochrome {
        colour.full_range = bits.flag()?;
        (subsampled_x, subsampled_y) = (true, true);
    } else if srgb {
        colour.full_range = true;
        (subsampled_x, subsampled_y) = (false, false);
    } else {
        colour.full_range = bits.flag()?;
        (subsampled_x, subsampled_y) = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if bit_depth == 12 => {
                let x = bits.flag()?;
                (x, x && bits.flag()?)
            }
            _ => (true, false),
        };
    }
    Some(SequenceHeader {
        profile,
        level_index,
        width,
        height,
        bit_depth,
        monochrome,
        subsampled_x,
        subsampled_y,
        colour,
    })
}
