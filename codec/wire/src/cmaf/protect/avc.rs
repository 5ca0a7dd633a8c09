//! What of a picture of H.264 is encrypted: the data of its slices, from the byte after the slice header on
//! (ISO/IEC 23001-7 section 10.4.2). Length, type and header stay readable, and so does every other NAL unit.

use std::ops::Range;

use super::BLOCK_BYTES;
use crate::bits::Bits;

/// Raw bytes of a NAL unit in which its slice header must end: 32 pictures in two lists, with weights, take under 1 KiB.
const HEADER_BYTES_MAX: usize = 4096;

/// The parameter sets of a track, as far as slice headers depend on them.
#[derive(Debug, Clone)]
pub(super) struct ParameterSets {
    length_bytes: usize,
    sequences: Vec<Sequence>,
    pictures: Vec<Picture>,
}

/// From a sequence parameter set (ISO/IEC 14496-10 section 7.3.2.1.1).
#[derive(Debug, Clone, Copy)]
struct Sequence {
    id: u32,
    separate_planes: bool,
    has_chroma: bool,
    frame_num_bits: u32,
    order: Order,
    frames_only: bool,
}

/// How the order of pictures is coded (`pic_order_cnt_type`).
#[derive(Debug, Clone, Copy)]
enum Order {
    Bits(u32),
    /// With or without deltas in the slice header.
    Deltas(bool),
    Decoding,
}

/// From a picture parameter set (section 7.3.2.2).
#[derive(Debug, Clone, Copy)]
struct Picture {
    id: u32,
    sequence: u32,
    cabac: bool,
    order_present: bool,
    references: [u32; 2],
    weighted: bool,
    weighted_both: u32,
    deblocking: bool,
    redundant: bool,
}

impl ParameterSets {
    /// Reads the body of `avcC` (ISO/IEC 14496-15 section 5.3.3.1). `None` when it is damaged, or of slice groups.
    pub(super) fn read(avcc: &[u8]) -> Option<Self> {
        let mut sets = Self { length_bytes: usize::from(avcc.get(4)? & 3) + 1, sequences: vec![], pictures: vec![] };
        let mut rest = avcc.get(5..)?;
        for (mask, kind) in [(31u8, 7), (255, 8)] {
            let (count, mut tail) = rest.split_first()?;
            for _ in 0..count & mask {
                let (size, after) = tail.split_first_chunk::<2>()?;
                let (nal, after) = after.split_at_checked(u16::from_be_bytes(*size).into())?;
                let (payload, _) = unescape(nal.get(1..)?, usize::MAX);
                if kind == 7 {
                    sets.sequences.push(Sequence::read(&payload)?);
                } else {
                    sets.pictures.push(Picture::read(&payload)?);
                }
                tail = after;
            }
            rest = tail;
        }
        Some(sets)
    }

    /// The ranges of a sample that are encrypted, in order. `None` when it cannot be read.
    pub(super) fn protected(&self, sample: &[u8]) -> Option<Vec<Range<usize>>> {
        let (mut ranges, mut at) = (Vec::new(), 0);
        while at < sample.len() {
            let length = sample.get(at..at + self.length_bytes)?;
            let length = length.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
            let start = at + self.length_bytes;
            let end = start.checked_add(length).filter(|end| *end <= sample.len())?;
            let nal = &sample[start..end];
            if matches!(nal.first().map(|header| header & 31), Some(1 | 5)) {
                let data = start + self.slice_data_at(nal)?;
                if end.saturating_sub(data) >= BLOCK_BYTES {
                    ranges.push(data..end);
                }
            }
            at = end;
        }
        Some(ranges)
    }

    /// The first byte of a NAL unit of a slice that holds nothing of the slice header (section 7.3.3).
    fn slice_data_at(&self, nal: &[u8]) -> Option<usize> {
        let (is_idr, is_reference) = (nal[0] & 31 == 5, nal[0] >> 5 & 3 != 0);
        let (payload, raw_at) = unescape(&nal[1..], HEADER_BYTES_MAX);
        let mut bits = Bits::new(&payload);
        bits.ue()?; // first_mb_in_slice
        let kind = bits.ue()? % 5;
        let (p, b, i, sp, si) = (kind == 0, kind == 1, kind == 2, kind == 3, kind == 4);
        let id = bits.ue()?;
        let picture = self.pictures.iter().find(|picture| picture.id == id)?;
        let sequence = self.sequences.iter().find(|sequence| sequence.id == picture.sequence)?;
        if sequence.separate_planes {
            bits.skip(2)?;
        }
        bits.skip(sequence.frame_num_bits as usize)?;
        let is_field = !sequence.frames_only && bits.flag()?;
        if is_field {
            bits.flag()?; // bottom_field_flag
        }
        if is_idr {
            bits.ue()?;
        }
        let whole_with_order = picture.order_present && !is_field;
        match sequence.order {
            Order::Bits(count) => {
                bits.skip(count as usize)?;
                if whole_with_order {
                    bits.se()?;
                }
            }
            Order::Deltas(true) => {
                bits.se()?;
                if whole_with_order {
                    bits.se()?;
                }
            }
            Order::Deltas(false) | Order::Decoding => {}
        }
        if picture.redundant {
            bits.ue()?;
        }
        if b {
            bits.flag()?; // direct_spatial_mv_pred_flag
        }
        let mut references = picture.references;
        if (p || sp || b) && bits.flag()? {
            references[0] = bits.ue()?.checked_add(1)?;
            if b {
                references[1] = bits.ue()?.checked_add(1)?;
            }
        }
        let lists = if b { 2 } else { usize::from(!i && !si) };
        for _ in 0..lists {
            modifications(&mut bits)?;
        }
        if picture.weighted && (p || sp) || picture.weighted_both == 1 && b {
            weights(&mut bits, sequence.has_chroma, &references[..lists])?;
        }
        if is_reference {
            marking(&mut bits, is_idr)?;
        }
        if picture.cabac && !i && !si {
            bits.ue()?; // cabac_init_idc
        }
        bits.se()?; // slice_qp_delta
        if sp {
            bits.flag()?;
        }
        if sp || si {
            bits.se()?;
        }
        if picture.deblocking && bits.ue()? != 1 {
            bits.se()?;
            bits.se()?;
        }
        match raw_at.get(bits.bytes_begun()) {
            Some(at) => Some(at + 1),
            // A slice of skipped macroblocks may end in the byte in which its header does.
            None => (nal.len() <= HEADER_BYTES_MAX).then_some(nal.len()),
        }
    }
}

/// `ref_pic_list_modification` of one list (section 7.3.3.1).
fn modifications(bits: &mut Bits<'_>) -> Option<()> {
    if bits.flag()? {
        while bits.ue()? != 3 {
            bits.ue()?;
        }
    }
    Some(())
}

/// `pred_weight_table` (section 7.3.3.2).
fn weights(bits: &mut Bits<'_>, has_chroma: bool, references: &[u32]) -> Option<()> {
    bits.ue()?;
    if has_chroma {
        bits.ue()?;
    }
    for count in references {
        for _ in 0..(*count).min(32) {
            for (is_there, values) in [(true, 2), (has_chroma, 4)] {
                if is_there && bits.flag()? {
                    for _ in 0..values {
                        bits.se()?;
                    }
                }
            }
        }
    }
    Some(())
}

/// `dec_ref_pic_marking` (section 7.3.3.3).
fn marking(bits: &mut Bits<'_>, is_idr: bool) -> Option<()> {
    if is_idr {
        return bits.skip(2);
    }
    if bits.flag()? {
        loop {
            match bits.ue()? {
                0 => break,
                3 => {
                    bits.ue()?;
                    bits.ue()?;
                }
                1 | 2 | 4 | 6 => drop(bits.ue()?),
                _ => {}
            }
        }
    }
    Some(())
}

impl Sequence {
    fn read(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let profile = bits.u(8)?;
        bits.skip(16)?;
        let id = bits.ue()?;
        let (mut chroma_format, mut separate_planes) = (1, false);
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = bits.ue()?;
            separate_planes = chroma_format == 3 && bits.flag()?;
            bits.ue()?;
            bits.ue()?;
            bits.flag()?;
            if bits.flag()? {
                scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
            }
        }
        let small = |value: u32| (value <= 12).then_some(value + 4);
        let frame_num_bits = small(bits.ue()?)?;
        let order = match bits.ue()? {
            0 => Order::Bits(small(bits.ue()?)?),
            1 => {
                let has_none = bits.flag()?;
                bits.se()?;
                bits.se()?;
                let cycle = bits.ue()?;
                for _ in 0..cycle.min(256) {
                    bits.se()?;
                }
                Order::Deltas(!has_none)
            }
            2 => Order::Decoding,
            _ => return None,
        };
        bits.ue()?; // max_num_ref_frames
        bits.flag()?;
        bits.ue()?; // width
        bits.ue()?; // height
        let frames_only = bits.flag()?;
        let has_chroma = chroma_format != 0 && !separate_planes;
        Some(Self { id, separate_planes, has_chroma, frame_num_bits, order, frames_only })
    }
}

impl Picture {
    fn read(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let (id, sequence) = (bits.ue()?, bits.ue()?);
        let (cabac, order_present) = (bits.flag()?, bits.flag()?);
        if bits.ue()? != 0 {
            return None; // slice groups, which no profile that browsers play has
        }
        let references = [bits.ue()?.checked_add(1)?, bits.ue()?.checked_add(1)?];
        let (weighted, weighted_both) = (bits.flag()?, bits.u(2)?);
        bits.se()?;
        bits.se()?;
        bits.se()?;
        let deblocking = bits.flag()?;
        bits.flag()?; // constrained_intra_pred_flag
        let redundant = bits.flag()?;
        Some(Self { id, sequence, cabac, order_present, references, weighted, weighted_both, deblocking, redundant })
    }
}

fn scaling_lists(bits: &mut Bits<'_>, lists: usize) -> Option<()> {
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

/// The first `bytes_max` of a payload without its emulation prevention bytes (section 7.3.1), and where each byte of it was.
fn unescape(payload: &[u8], bytes_max: usize) -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut raw_at, mut zeros) = (Vec::new(), Vec::new(), 0);
    for (at, &byte) in payload.iter().enumerate().take(bytes_max) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
        raw_at.push(at);
    }
    (out, raw_at)
}
