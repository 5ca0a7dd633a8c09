//! H.264: decoder configuration (ISO/IEC 14496-15 section 5.3.3) and sequence parameter sets (ISO/IEC 14496-10 section 7.3.2.1).

use crate::demux::bytes::Bytes;
use crate::packet::Colour;
use wire::bits::Bits;

/// `nal_unit_type` of a picture where decoding can start (table 7-1).
pub const NAL_IDR: u8 = 5;
/// `nal_unit_type` of a sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// `nal_unit_type` of a picture parameter set.
pub const NAL_PPS: u8 = 8;

/// The body of `avcC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcConfig {
    /// Bytes of the length before every NAL unit: 1, 2 or 4.
    pub length_size: usize,
    /// Sequence parameter sets, with their NAL headers.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets, with their NAL headers.
    pub pps: Vec<Vec<u8>>,
}

impl AvcConfig {
    /// `None` when it is cut off.
    pub fn read(avcc: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(avcc);
        bytes.skip(4)?;
        let length_size = usize::from(bytes.u8()? & 3) + 1;
        let mut sets = |mask: u8| {
            let count = bytes.u8()? & mask;
            (0..count)
                .map(|_| {
                    let len = bytes.u16()?.into();
                    bytes.take(len).map(<[u8]>::to_vec)
                })
                .collect::<Option<Vec<_>>>()
        };
        let sps = sets(31)?;
        let pps = sets(255)?;
        Some(Self { length_size, sps, pps })
    }
}

/// NAL units of a sample in length-prefixed framing; a length beyond the end takes what is there.
pub fn nal_units(sample: &[u8], length_size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let (length, body) = rest.split_at_checked(length_size)?;
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let (nal, next) = body.split_at(length.min(body.len()));
        rest = next;
        Some(nal)
    })
    .filter(|nal| !nal.is_empty())
}

/// What a sequence parameter set says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`.
    pub profile: u8,
    /// `constraint_set0_flag` to `constraint_set5_flag`, highest bit first.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level: u8,
    /// `chroma_format_idc`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits of a luma sample.
    pub bit_depth: u8,
    /// Some pictures may be fields (`frame_mbs_only_flag` is 0).
    pub interlaced: bool,
    /// Cropped width in pixels.
    pub width: u32,
    /// Cropped height in pixels.
    pub height: u32,
    /// Width of a pixel over its height, when given.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Colour description, when given.
    pub colour: Option<Colour>,
}

/// `sample_aspect_ratio` of `aspect_ratio_idc` (table E-1).
const ASPECTS: [(u32, u32); 17] = [
    (0, 0),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

impl Sps {
    /// Reads a NAL unit of type 7. `None` when it is cut off or impossible.
    pub fn read(nal: &[u8]) -> Option<Self> {
        let payload = unescape(nal.get(1..)?);
        let mut bits = Bits::new(&payload);
        let profile = bits.u(8)? as u8;
        let constraints = bits.u(8)? as u8;
        let level = bits.u(8)? as u8;
        bits.ue()?; // seq_parameter_set_id
        let (mut chroma_format, mut bit_depth) = (1, 8);
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = u8::try_from(bits.ue()?).ok().filter(|format| *format <= 3)?;
            if chroma_format == 3 {
                bits.flag()?; // separate_colour_plane_flag
            }
            bit_depth = u8::try_from(bits.ue()? + 8).ok().filter(|depth| *depth <= 14)?;
            bits.ue()?; // bit_depth_chroma_minus8
            bits.flag()?; // qpprime_y_zero_transform_bypass_flag
            if bits.flag()? {
                skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
            }
        }
        bits.ue()?; // log2_max_frame_num_minus4
        match bits.ue()? {
            0 => drop(bits.ue()?), // log2_max_pic_order_cnt_lsb_minus4
            1 => {
                bits.flag()?;
                bits.se()?;
                bits.se()?;
                let cycle = bits.ue()?;
                for _ in 0..cycle.min(256) {
                    bits.se()?;
                }
            }
            _ => {}
        }
        bits.ue()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let width_in_blocks = bits.ue()?.checked_add(1)?;
        let height_in_units = bits.ue()?.checked_add(1)?;
        let frames_only = bits.flag()?;
        if !frames_only {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let unit_rows = if frames_only { 1 } else { 2 };
        let width = width_in_blocks.checked_mul(16)?;
        let height = height_in_units.checked_mul(16 * unit_rows)?;
        let (crop_x, crop_y) = match bits.flag()? {
            true => {
                let (left, right, top, bottom) = (bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?);
                let unit_x = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
                let unit_y = if chroma_format == 1 { 2 } else { 1 } * unit_rows;
                let sum = |a: u32, b: u32, unit: u32| a.checked_add(b)?.checked_mul(unit);
                (sum(left, right, unit_x)?, sum(top, bottom, unit_y)?)
            }
            false => (0, 0),
        };
        let (pixel_aspect, colour) = match bits.flag()? {
            true => read_vui(&mut bits).unwrap_or((None, None)),
            false => (None, None),
        };
        let width = width.checked_sub(crop_x).filter(|width| *width > 0)?;
        let height = height.checked_sub(crop_y).filter(|height| *height > 0)?;
        let interlaced = !frames_only;
        Some(Self {
            profile,
            constraints,
            level,
            chroma_format,
            bit_depth,
            interlaced,
            width,
            height,
            pixel_aspect,
            colour,
        })
    }

    /// `High@4.0`.
    pub fn profile_name(&self) -> String {
        let constrained = self.constraints & 0x40 != 0;
        let profile = match self.profile {
            66 if constrained => "Constrained Baseline",
            66 => "Baseline",
            77 => "Main",
            88 => "Extended",
            100 => "High",
            110 => "High 10",
            122 => "High 4:2:2",
            244 => "High 4:4:4 Predictive",
            _ => "Profile",
        };
        format!("{profile}@{}.{}", self.level / 10, self.level % 10)
    }
}

/// Aspect and colour of the VUI (annex E.1.1); the rest is not needed.
#[allow(clippy::type_complexity, reason = "two optional facts, used once")]
fn read_vui(bits: &mut Bits) -> Option<(Option<(u32, u32)>, Option<Colour>)> {
    let mut aspect = None;
    if bits.flag()? {
        let found = match bits.u(8)? {
            255 => (bits.u(16)?, bits.u(16)?),
            known => ASPECTS.get(known as usize).copied().unwrap_or((0, 0)),
        };
        aspect = Some(found).filter(|(num, den)| *num > 0 && *den > 0);
    }
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    let mut colour = None;
    if bits.flag()? {
        bits.skip(3)?; // video_format
        let full_range = bits.flag()?;
        let mut found = Colour { primaries: 2, transfer: 2, matrix: 2, full_range };
        if bits.flag()? {
            let mut point = || bits.u(8).map(|point| point as u16);
            (found.primaries, found.transfer, found.matrix) = (point()?, point()?, point()?);
        }
        colour = Some(found);
    }
    Some((aspect, colour))
}

fn skip_scaling_lists(bits: &mut Bits, lists: usize) -> Option<()> {
    for i in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if i < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.se()?).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// Takes the emulation prevention bytes out (section 7.3.1).
fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Whether a sample holds an IDR picture: nothing after it refers to anything before it.
pub fn is_idr(sample: &[u8], length_size: usize) -> bool {
    nal_units(sample, length_size).any(|nal| nal[0] & 31 == NAL_IDR)
}
