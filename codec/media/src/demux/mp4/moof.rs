//! Movie fragments (ISO/IEC 14496-12 section 8.8) to samples.

use super::boxes::{Boxes, full_box};
use crate::MediaError;
use crate::demux::index::IndexBuilder;
use crate::packet::MediaKind;

/// What a sample has when its fragment does not say (section 8.8.3).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Defaults {
    pub track: u32,
    pub duration: u32,
    pub size: u32,
    pub flags: u32,
}

/// A track of a fragmented file while its fragments are read.
#[derive(Debug)]
pub(crate) struct Fragmented {
    pub defaults: Defaults,
    /// Decode time at which the next fragment goes on when it has no `tfdt`.
    pub next_dts: i64,
    pub builder: IndexBuilder,
}

/// `sample_is_non_sync_sample` (section 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// Reads `trex` boxes out of `mvex`.
pub(crate) fn read_trex(mvex: &[u8]) -> impl Iterator<Item = Defaults> {
    Boxes(mvex).filter(|(kind, _)| kind == b"trex").filter_map(|(_, body)| {
        let (.., mut bytes) = full_box(body)?;
        let track = bytes.u32()?;
        bytes.skip(4)?;
        Some(Defaults { track, duration: bytes.u32()?, size: bytes.u32()?, flags: bytes.u32()? })
    })
}

/// Pushes the samples of one `moof` whose first byte is at `start`.
pub(crate) fn read(moof: &[u8], start: u64, tracks: &mut [Fragmented]) -> Result<(), MediaError> {
    let mut data_end = start; // where data goes on for track fragments that do not say
    for (_, traf) in Boxes(moof).filter(|(kind, _)| kind == b"traf") {
        if let Some(end) = read_traf(traf, start, data_end, tracks)? {
            data_end = end;
        }
    }
    Ok(())
}

/// Track fragment (section 8.8.6); the position behind its data.
fn read_traf(traf: &[u8], start: u64, data_end: u64, tracks: &mut [Fragmented]) -> Result<Option<u64>, MediaError> {
    let boxes = Boxes(traf);
    let Some((header, base)) = boxes.find(b"tfhd").and_then(|tfhd| read_tfhd(tfhd, start, data_end, tracks)) else {
        return Ok(None);
    };
    let Some(track) = tracks.iter_mut().find(|track| track.defaults.track == header.track) else { return Ok(None) };
    if let Some((version, _, mut bytes)) = boxes.find(b"tfdt").and_then(full_box) {
        let time = if version == 1 { bytes.u64() } else { bytes.u32().map(Into::into) };
        track.next_dts = i64::try_from(time.unwrap_or(0)).unwrap_or(i64::MAX).min(i64::MAX / 8);
    }
    let mut offset = base;
    for (_, trun) in boxes.filter(|(kind, _)| kind == b"trun") {
        offset = read_trun(trun, base, offset, header, track)?;
    }
    Ok(Some(offset))
}

/// Track fragment header (section 8.8.7): defaults and the base of data offsets.
fn read_tfhd(tfhd: &[u8], start: u64, data_end: u64, tracks: &[Fragmented]) -> Option<(Defaults, u64)> {
    let (_, flags, mut bytes) = full_box(tfhd)?;
    let id = bytes.u32()?;
    let mut defaults = tracks.iter().find(|track| track.defaults.track == id)?.defaults;
    let explicit = if flags & 0x1 != 0 { Some(bytes.u64()?) } else { None };
    if flags & 0x2 != 0 {
        bytes.skip(4)?;
    }
    if flags & 0x8 != 0 {
        defaults.duration = bytes.u32()?;
    }
    if flags & 0x10 != 0 {
        defaults.size = bytes.u32()?;
    }
    if flags & 0x20 != 0 {
        defaults.flags = bytes.u32()?;
    }
    let default_base_is_moof = flags & 0x2_0000 != 0;
    Some((defaults, explicit.unwrap_or(if default_base_is_moof { start } else { data_end })))
}

/// Track run (section 8.8.8); the position behind its data.
fn read_trun(
    trun: &[u8],
    base: u64,
    follows: u64,
    defaults: Defaults,
    track: &mut Fragmented,
) -> Result<u64, MediaError> {
    let malformed = || MediaError::Malformed { container: "MP4", what: "a track run (trun) is cut off" };
    let (_, flags, mut bytes) = full_box(trun).ok_or_else(malformed)?;
    let has = |flag: u32| flags & flag != 0;
    let count = bytes.u32().ok_or_else(malformed)?;
    let mut offset = match has(0x1) {
        true => base.saturating_add_signed(bytes.i32().ok_or_else(malformed)?.into()),
        false => follows,
    };
    let first_flags = if has(0x4) { bytes.u32() } else { None };
    let audio = track.builder.track.kind == MediaKind::Audio;
    // Without a field of its own a sample costs the file nothing, so such a count is believed only as far as data goes.
    let in_table = has(0x100) || has(0x200) || has(0x400) || has(0x800);
    if !in_table && defaults.size == 0 {
        return Ok(offset);
    }
    for i in 0..count {
        let mut field = |flag, default| if has(flag) { bytes.u32().ok_or_else(malformed) } else { Ok(default) };
        let duration = field(0x100, defaults.duration)?;
        let size = field(0x200, defaults.size)?;
        let default_flags = first_flags.filter(|_| i == 0).unwrap_or(defaults.flags);
        let sample_flags = field(0x400, default_flags)?;
        let sample_flags = first_flags.filter(|_| i == 0).unwrap_or(sample_flags);
        let composition = field(0x800, 0)?.cast_signed(); // version 0 is unsigned, but nothing real is above 2^31
        let pts = track.next_dts.saturating_add(composition.into());
        let sync = audio || sample_flags & NON_SYNC == 0;
        if size > 0 && !track.builder.push(offset, size, pts, duration, sync)? && !in_table {
            track.builder.miss(u64::from(count - i - 1));
            return Ok(u64::MAX);
        }
        offset = offset.saturating_add(size.into());
        track.next_dts = track.next_dts.saturating_add(duration.into());
    }
    Ok(offset)
}
