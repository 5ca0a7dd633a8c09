//! What of a temporal unit of AV1 is encrypted: the data of its tiles, whole blocks up to the end of each
//! (AV1 in ISOBMFF section 4.1). To find them, frame headers are read to their last bit (AV1 specification section 5.9).

use std::ops::Range;

use super::BLOCK_BYTES;
use super::av1::{SEQUENCE_HEADER, Sequence, units};
use crate::bits::Bits;

const FRAME_HEADER: u8 = 3;
const TILE_GROUP: u8 = 4;
const FRAME: u8 = 6;

const KEY: u32 = 0;
const INTRA_ONLY: u32 = 2;
const SWITCH: u32 = 3;
const NO_PRIMARY: u32 = 7;

/// Reads the frames of one coded sequence in their order: a header depends on those before it.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    sequence: Option<Sequence>,
    references: [Reference; 8],
    tiles: Option<Tiles>,
}

/// What is remembered of a frame that others refer to.
#[derive(Debug, Clone, Copy, Default)]
struct Reference {
    is_key: bool,
    order_hint: u32,
    /// Change of the quantizer in each segment, where there is one.
    segments: [Option<i32>; 8],
}

/// How a frame is cut.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    count: u32,
    log2: u32,
    size_bytes: usize,
}

impl Frames {
    /// At a keyframe; its own sequence header goes before `sequence`.
    pub(super) fn new(sequence: Option<Sequence>) -> Self {
        Self { sequence, references: Default::default(), tiles: None }
    }

    /// The ranges of a sample that are encrypted, in order. `None` when it cannot be read.
    pub(super) fn protected(&mut self, sample: &[u8]) -> Option<Vec<Range<usize>>> {
        let mut ranges = Vec::new();
        for unit in units(sample)? {
            let payload = &sample[unit.payload.clone()];
            match unit.kind {
                SEQUENCE_HEADER => self.sequence = Some(Sequence::read(payload)?),
                FRAME_HEADER => {
                    self.tiles = self.header(&mut Bits::new(payload))?;
                }
                FRAME => {
                    let mut bits = Bits::new(payload);
                    let tiles = self.header(&mut bits)??;
                    group(payload, bits.bytes_begun(), tiles, unit.payload.start, &mut ranges)?;
                }
                TILE_GROUP => group(payload, 0, self.tiles?, unit.payload.start, &mut ranges)?,
                _ => {}
            }
        }
        Some(ranges)
    }

    /// `uncompressed_header` (section 5.9.2). Outside `None`: cannot be read; inside: shows a frame of before.
    fn header(&mut self, bits: &mut Bits<'_>) -> Option<Option<Tiles>> {
        let sequence = self.sequence?;
        if bits.flag()? {
            let shown = self.references[bits.u(3)? as usize];
            if shown.is_key {
                self.references = [shown; 8];
            }
            return Some(None);
        }
        let kind = bits.u(2)?;
        let is_intra = kind == KEY || kind == INTRA_ONLY;
        let is_shown = bits.flag()?;
        if !is_shown {
            bits.flag()?; // showable_frame
        }
        let begins = kind == KEY && is_shown;
        let resilient = kind == SWITCH || begins || bits.flag()?;
        if begins {
            self.references = Default::default();
        }
        let no_update = bits.flag()?; // disable_cdf_update
        let screen_content = choose(sequence.screen_content_tools, bits)?;
        let integer_mv = screen_content && choose(sequence.integer_mv, bits)?;
        let other_size = kind == SWITCH || bits.flag()?;
        let order_hint = bits.u(sequence.order_hint_bits)?;
        let primary = if is_intra || resilient { NO_PRIMARY } else { bits.u(3)? };
        let refreshed = if kind == SWITCH || begins { 0xff } else { bits.u(8)? };
        if (!is_intra || refreshed != 0xff) && resilient && sequence.order_hint_bits > 0 {
            for reference in &mut self.references {
                reference.order_hint = bits.u(sequence.order_hint_bits)?;
            }
        }
        let mut frame = Frame { order_hint, ..Frame::default_of(sequence) };
        if is_intra {
            frame.size(bits, other_size)?;
            frame.intra_block_copy = screen_content && bits.flag()?;
        } else {
            if sequence.order_hint_bits > 0 && bits.flag()? {
                return None; // frame_refs_short_signaling
            }
            for reference in &mut frame.refers_to {
                *reference = bits.u(3)? as usize;
            }
            if other_size && !resilient {
                return None; // sizes that are taken from other frames
            }
            frame.size(bits, other_size)?;
            frame.precise_mv = !integer_mv && bits.flag()?;
            if !bits.flag()? {
                bits.skip(2)?; // interpolation_filter
            }
            bits.flag()?; // is_motion_mode_switchable
            if !resilient && sequence.ref_frame_mvs {
                bits.flag()?;
            }
        }
        if !no_update {
            bits.flag()?; // disable_frame_end_update_cdf
        }
        let tiles = frame.tile_info(bits)?;
        frame.quantization(bits)?;
        let before = (primary != NO_PRIMARY).then(|| self.references[frame.refers_to[primary as usize]].segments);
        frame.segmentation(bits, before)?;
        frame.deltas(bits)?;
        frame.filters(bits)?;
        if !frame.is_lossless {
            bits.flag()?; // tx_mode_select
        }
        let compound = !is_intra && bits.flag()?; // reference_select
        if compound && frame.may_skip(&self.references) {
            bits.flag()?; // skip_mode_present
        }
        if !is_intra && !resilient && sequence.warped_motion {
            bits.flag()?; // allow_warped_motion
        }
        bits.flag()?; // reduced_tx_set
        if !is_intra {
            for _ in 0..7 {
                frame.global_motion(bits)?;
            }
        }
        let kept = Reference { is_key: kind == KEY, order_hint, segments: frame.segments };
        for (at, reference) in self.references.iter_mut().enumerate() {
            if refreshed >> at & 1 == 1 {
                *reference = kept;
            }
        }
        Some(Some(tiles))
    }
}

fn choose(always: Option<bool>, bits: &mut Bits<'_>) -> Option<bool> {
    always.map_or_else(|| bits.flag(), Some)
}

/// `tile_group_obu` (section 5.11.1) from byte `at` of `payload` on, which stands at `offset` of the sample.
fn group(payload: &[u8], at: usize, tiles: Tiles, offset: usize, ranges: &mut Vec<Range<usize>>) -> Option<()> {
    let mut bits = Bits::new(payload.get(at..)?);
    let (mut first, mut last) = (0, tiles.count - 1);
    if tiles.count > 1 && bits.flag()? {
        (first, last) = (bits.u(tiles.log2)?, bits.u(tiles.log2)?);
    }
    if first > last || last >= tiles.count {
        return None;
    }
    let mut at = at + bits.bytes_begun();
    for tile in first..=last {
        let mut end = payload.len();
        if tile < last {
            let size = payload.get(at..at + tiles.size_bytes)?;
            let size = size.iter().rev().fold(0usize, |size, byte| size << 8 | usize::from(*byte));
            at += tiles.size_bytes;
            end = at.checked_add(size)?.checked_add(1).filter(|end| *end <= payload.len())?;
        }
        let whole = end.checked_sub(at)? / BLOCK_BYTES * BLOCK_BYTES;
        if whole > 0 {
            ranges.push(offset + end - whole..offset + end);
        }
        at = end;
    }
    Some(())
}

/// What later parts of a header depend on.
struct Frame {
    sequence: Sequence,
    order_hint: u32,
    width: u32,
    height: u32,
    intra_block_copy: bool,
    refers_to: [usize; 7],
    precise_mv: bool,
    base_quantizer: u32,
    has_quantizer_deltas: bool,
    segments: [Option<i32>; 8],
    is_lossless: bool,
}

impl Frame {
    fn default_of(sequence: Sequence) -> Self {
        Self {
            sequence,
            order_hint: 0,
            width: sequence.width,
            height: sequence.height,
            intra_block_copy: false,
            refers_to: [0; 7],
            precise_mv: false,
            base_quantizer: 0,
            has_quantizer_deltas: false,
            segments: [None; 8],
            is_lossless: false,
        }
    }

    /// `frame_size` and `render_size` (sections 5.9.5 and 5.9.6).
    fn size(&mut self, bits: &mut Bits<'_>, is_other: bool) -> Option<()> {
        if is_other {
            self.width = bits.u(self.sequence.width_bits)? + 1;
            self.height = bits.u(self.sequence.height_bits)? + 1;
        }
        if bits.flag()? { bits.skip(32) } else { Some(()) }
    }

    /// `tile_info` (section 5.9.15).
    fn tile_info(&self, bits: &mut Bits<'_>) -> Option<Tiles> {
        let shift = if self.sequence.large_superblocks { 7 } else { 6 };
        // In units of 4 pixels, an even number of them.
        let superblocks = |pixels: u32| (2 * pixels.div_ceil(8)).div_ceil(1 << (shift - 2));
        let (columns, rows) = (superblocks(self.width), superblocks(self.height));
        let width_max = 4096 >> shift;
        let least_columns = log2(width_max, columns);
        let least = least_columns.max(log2((4096 * 2304) >> (2 * shift), rows * columns));
        let grow = |from: u32, to: u32, bits: &mut Bits<'_>| {
            let mut value = from;
            while value < to && bits.flag()? {
                value += 1;
            }
            Some(value)
        };
        let (across, down, columns_log2, rows_log2);
        if bits.flag()? {
            columns_log2 = grow(least_columns, log2(1, columns.min(64)), bits)?;
            across = columns.div_ceil(columns.div_ceil(1 << columns_log2));
            rows_log2 = grow(least.saturating_sub(columns_log2), log2(1, rows.min(64)), bits)?;
            down = rows.div_ceil(rows.div_ceil(1 << rows_log2));
        } else {
            let (count, widest) = spans(bits, columns, width_max)?;
            let area = if least > 0 { (rows * columns) >> (least + 1) } else { rows * columns };
            (across, columns_log2) = (count, log2(1, count));
            down = spans(bits, rows, (area / widest).max(1))?.0;
            rows_log2 = log2(1, down);
        }
        let mut size_bytes = 0;
        let log2 = columns_log2 + rows_log2;
        if log2 > 0 {
            bits.skip(log2 as usize)?; // context_update_tile_id
            size_bytes = bits.u(2)? as usize + 1;
        }
        Some(Tiles { count: across * down, log2, size_bytes })
    }

    /// `quantization_params` (section 5.9.12).
    fn quantization(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.base_quantizer = bits.u(8)?;
        let mut delta = |bits: &mut Bits<'_>| -> Option<()> {
            if bits.flag()? {
                self.has_quantizer_deltas |= bits.u(7)? != 0;
            }
            Some(())
        };
        delta(bits)?;
        if !self.sequence.monochrome {
            let both = self.sequence.separate_uv_delta_q && bits.flag()?;
            for _ in 0..if both { 4 } else { 2 } {
                delta(bits)?;
            }
        }
        if bits.flag()? {
            bits.skip(if self.sequence.separate_uv_delta_q { 12 } else { 8 })?; // matrices
        }
        Some(())
    }

    /// `segmentation_params` (section 5.9.14); `before`: those of the frame that this one goes on from.
    fn segmentation(&mut self, bits: &mut Bits<'_>, before: Option<[Option<i32>; 8]>) -> Option<()> {
        if bits.flag()? {
            let mut is_new = true;
            if let Some(before) = before {
                if bits.flag()? {
                    bits.flag()?; // temporal update of the map
                }
                is_new = bits.flag()?;
                self.segments = before;
            }
            if is_new {
                for segment in &mut self.segments {
                    *segment = segment_features(bits)?;
                }
            }
        }
        let quantizer = |change: &Option<i32>| self.base_quantizer.cast_signed() + change.unwrap_or(0);
        self.is_lossless = !self.has_quantizer_deltas && self.segments.iter().all(|one| quantizer(one) <= 0);
        Some(())
    }

    /// `delta_q_params` and `delta_lf_params` (sections 5.9.17 and 5.9.18).
    fn deltas(&self, bits: &mut Bits<'_>) -> Option<()> {
        if self.base_quantizer > 0 && bits.flag()? {
            bits.skip(2)?;
            if !self.intra_block_copy && bits.flag()? {
                bits.skip(3)?;
            }
        }
        Some(())
    }

    /// `loop_filter_params`, `cdef_params` and `lr_params` (sections 5.9.11, 5.9.19, 5.9.20).
    fn filters(&self, bits: &mut Bits<'_>) -> Option<()> {
        if self.is_lossless || self.intra_block_copy {
            return Some(());
        }
        let planes = if self.sequence.monochrome { 1 } else { 3 };
        let levels = [bits.u(6)?, bits.u(6)?];
        if planes > 1 && levels != [0, 0] {
            bits.skip(12)?;
        }
        bits.skip(3)?; // sharpness
        if bits.flag()? && bits.flag()? {
            for _ in 0..10 {
                if bits.flag()? {
                    bits.skip(7)?;
                }
            }
        }
        if self.sequence.cdef {
            bits.skip(2)?; // damping
            let strengths = 1 << bits.u(2)?;
            bits.skip(strengths * if planes > 1 { 12 } else { 6 })?;
        }
        if self.sequence.restoration {
            let mut used = [false; 3];
            for plane in &mut used[..planes] {
                *plane = bits.u(2)? != 0;
            }
            if used != [false; 3] {
                if bits.flag()? && !self.sequence.large_superblocks {
                    bits.flag()?;
                }
                if self.sequence.subsampled && (used[1] || used[2]) {
                    bits.flag()?;
                }
            }
        }
        Some(())
    }

    /// Whether `skip_mode_present` stands (section 5.9.22): frames before and after, or two before.
    fn may_skip(&self, references: &[Reference; 8]) -> bool {
        let bits = self.sequence.order_hint_bits;
        if bits == 0 {
            return false;
        }
        let distance = |a: u32, b: u32| {
            let (difference, sign) = (a.wrapping_sub(b).cast_signed(), 1i32 << (bits - 1));
            (difference & (sign - 1)) - (difference & sign)
        };
        let hints = || self.refers_to.iter().map(|at| references[*at].order_hint);
        let nearest = |than: u32| {
            hints().filter(|hint| distance(*hint, than) < 0).reduce(|a, b| if distance(b, a) > 0 { b } else { a })
        };
        let Some(forward) = nearest(self.order_hint) else { return false };
        hints().any(|hint| distance(hint, self.order_hint) > 0) || nearest(forward).is_some()
    }

    /// `global_motion_params` of one reference (section 5.9.24).
    fn global_motion(&self, bits: &mut Bits<'_>) -> Option<()> {
        if !bits.flag()? {
            return Some(());
        }
        let turns = bits.flag()?;
        let moves_only = !turns && bits.flag()?;
        if !moves_only {
            for _ in 0..if turns { 2 } else { 4 } {
                parameter(bits, 12)?;
            }
        }
        let size = if moves_only { 9 - u32::from(!self.precise_mv) } else { 12 };
        parameter(bits, size)?;
        parameter(bits, size)
    }
}

/// The features of one segment, and its change of the quantizer (table in section 5.9.14).
fn segment_features(bits: &mut Bits<'_>) -> Option<Option<i32>> {
    const FEATURES: [(u32, bool); 8] =
        [(8, true), (6, true), (6, true), (6, true), (6, true), (3, false), (0, false), (0, false)];
    let mut quantizer = None;
    for (at, (size, is_signed)) in FEATURES.into_iter().enumerate() {
        if bits.flag()? {
            let value = bits.u(size + u32::from(is_signed))?.cast_signed();
            if at == 0 {
                quantizer = Some(if value >> 8 & 1 == 1 { value - 512 } else { value });
            }
        }
    }
    Some(quantizer)
}

/// `decode_signed_subexp_with_ref` (section 5.9.26): how many bits it takes does not depend on what it refers to.
fn parameter(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let symbols = (2 << size) + 1;
    let (mut at, mut step) = (0, 0);
    loop {
        let width = if step > 0 { 3 + step - 1 } else { 3 };
        let span = 1 << width;
        if symbols <= at + 3 * span {
            return non_symmetric(bits, symbols - at).map(drop);
        }
        if !bits.flag()? {
            return bits.skip(width as usize);
        }
        step += 1;
        at += span;
    }
}

/// `ns(n)` (section 4.10.7).
fn non_symmetric(bits: &mut Bits<'_>, symbols: u32) -> Option<u32> {
    let width = symbols.checked_ilog2()? + 1;
    let short = (1 << width) - symbols;
    let value = bits.u(width - 1)?;
    if value < short { Some(value) } else { Some((value << 1) - short + u32::from(bits.flag()?)) }
}

/// Tiles of sizes of their own: how many, and the largest.
fn spans(bits: &mut Bits<'_>, whole: u32, max: u32) -> Option<(u32, u32)> {
    let (mut at, mut count, mut widest) = (0, 0, 1);
    while at < whole {
        let span = non_symmetric(bits, (whole - at).min(max))? + 1;
        (at, count, widest) = (at + span, count + 1, widest.max(span));
    }
    Some((count, widest))
}

/// The smallest power of two by which `block` is at least `target` (section 5.9.16).
fn log2(block: u32, target: u32) -> u32 {
    (0..32).find(|power| u64::from(block) << power >= u64::from(target)).unwrap_or(31)
}
