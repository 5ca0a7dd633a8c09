//! The sequence header of AV1, as far as frame headers depend on it (AV1 specification section 5.5).

use crate::bits::Bits;

/// `obu_type` of a sequence header.
pub(super) const SEQUENCE_HEADER: u8 = 1;

/// A value that each frame may choose (`SELECT_SCREEN_CONTENT_TOOLS`, `SELECT_INTEGER_MV`), or what it always is.
pub(super) type Chosen = Option<bool>;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    pub(super) width_bits: u32,
    pub(super) height_bits: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) large_superblocks: bool,
    pub(super) warped_motion: bool,
    /// 0: there are none.
    pub(super) order_hint_bits: u32,
    pub(super) ref_frame_mvs: bool,
    pub(super) screen_content_tools: Chosen,
    pub(super) integer_mv: Chosen,
    pub(super) cdef: bool,
    pub(super) restoration: bool,
    pub(super) monochrome: bool,
    /// 4:2:0.
    pub(super) subsampled: bool,
    pub(super) separate_uv_delta_q: bool,
}

/// One unit: type, where its payload is, and where the next one begins (section 5.3).
pub(super) struct Obu {
    pub(super) kind: u8,
    pub(super) payload: std::ops::Range<usize>,
}

/// The units of a temporal unit. `None` where one has no size or is longer than what is left.
pub(super) fn units(bytes: &[u8]) -> Option<Vec<Obu>> {
    let (mut units, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let header = bytes[at];
        at += 1 + usize::from(header >> 2 & 1);
        if header & 2 == 0 {
            return None;
        }
        let (mut size, mut shift) = (0u64, 0);
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 49 {
                return None;
            }
        }
        let end = at.checked_add(usize::try_from(size).ok()?).filter(|end| *end <= bytes.len())?;
        units.push(Obu { kind: header >> 3 & 15, payload: at..end });
        at = end;
    }
    Some(units)
}

impl Sequence {
    /// The first one among the units of `bytes`, if it can be read.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        let unit = units(bytes)?.into_iter().find(|unit| unit.kind == SEQUENCE_HEADER)?;
        Self::read(&bytes[unit.payload])
    }

    /// Reads the payload. `None` for what our encoder never writes: still pictures, models of decoders, names of frames, frames that are
    /// scaled up, grain.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let refuse = |is_there: bool| (!is_there).then_some(());
        let profile = bits.u(3)?;
        bits.flag()?; // still_picture
        refuse(bits.flag()?)?; // reduced_still_picture_header
        if bits.flag()? {
            bits.skip(64)?; // timing_info
            if bits.flag()? {
                bits.ue()?;
            }
            refuse(bits.flag()?)?; // decoder_model_info_present_flag
        }
        let display_delay = bits.flag()?;
        for _ in 0..=bits.u(5)? {
            bits.skip(12)?;
            if bits.u(5)? > 7 {
                bits.flag()?;
            }
            if display_delay && bits.flag()? {
                bits.skip(4)?;
            }
        }
        let (width_bits, height_bits) = (bits.u(4)? + 1, bits.u(4)? + 1);
        let (width, height) = (bits.u(width_bits)? + 1, bits.u(height_bits)? + 1);
        refuse(bits.flag()?)?; // frame_id_numbers_present_flag
        let large_superblocks = bits.flag()?;
        bits.skip(2)?; // filter_intra, intra_edge_filter
        bits.skip(2)?; // interintra, masked
        let warped_motion = bits.flag()?;
        bits.flag()?; // dual_filter
        let has_order = bits.flag()?;
        let ref_frame_mvs = has_order && {
            bits.flag()?; // jnt_comp
            bits.flag()?
        };
        let screen_content_tools = if bits.flag()? { None } else { Some(bits.flag()?) };
        let mut integer_mv = None;
        if screen_content_tools != Some(false) {
            integer_mv = if bits.flag()? { None } else { Some(bits.flag()?) };
        }
        let order_hint_bits = if has_order { bits.u(3)? + 1 } else { 0 };
        refuse(bits.flag()?)?; // superres
        let (cdef, restoration) = (bits.flag()?, bits.flag()?);
        let (monochrome, subsampled, separate_uv_delta_q) = colour(&mut bits, profile)?;
        refuse(bits.flag()?)?; // film_grain_params_present
        Some(Self {
            width_bits,
            height_bits,
            width,
            height,
            large_superblocks,
            warped_motion,
            order_hint_bits,
            ref_frame_mvs,
            screen_content_tools,
            integer_mv,
            cdef,
            restoration,
            monochrome,
            subsampled,
            separate_uv_delta_q,
        })
    }
}

/// `color_config` (section 5.5.2): luma only, 4:2:0, and `separate_uv_delta_q`.
fn colour(bits: &mut Bits<'_>, profile: u32) -> Option<(bool, bool, bool)> {
    let high = bits.flag()?;
    let twelve = profile == 2 && high && bits.flag()?;
    let monochrome = profile != 1 && bits.flag()?;
    let mut is_srgb = false;
    if bits.flag()? {
        is_srgb = (bits.u(8)?, bits.u(8)?, bits.u(8)?) == (1, 13, 0);
    }
    if monochrome {
        bits.flag()?;
        return Some((true, true, false));
    }
    let mut subsampled = false;
    if !is_srgb {
        bits.flag()?; // color_range
        subsampled = match profile {
            0 => true,
            1 => false,
            _ if twelve => bits.flag()? && bits.flag()?,
            _ => false,
        };
        if subsampled {
            bits.skip(2)?; // chroma_sample_position
        }
    }
    Some((false, subsampled, bits.flag()?))
}
