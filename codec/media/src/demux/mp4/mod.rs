//! MP4, MOV and their relatives, fragmented or not (ISO/IEC 14496-12, QuickTime File Format). Read by hand rather than
//! with a crate; `docs/decisions/0030-own-container-readers.md` says why.

mod boxes;
mod elst;
mod esds;
mod moof;
mod stbl;
mod stsd;
mod trak;

use super::index::IndexBuilder;
use super::{IndexedTrack, Source};
use crate::{Limits, MediaError};
use boxes::{Boxes, FourCc, full_box};
use moof::Fragmented;

/// All tracks of pictures and sound, each on the movie's timeline (its edit list applied).
pub(crate) fn read(source: &Source, limits: &Limits) -> Result<Vec<IndexedTrack>, MediaError> {
    let mut walk = TopLevel { source, at: 0, left: limits.boxes_max, overrun: false };
    let Some(moov) = walk.by_ref().find(|found| found.kind == *b"moov") else {
        return Err(match walk.overrun {
            true => MediaError::Truncated { detail: "it ends inside a box and its table of contents is missing" },
            false => MediaError::NoMoov,
        });
    };
    if moov.size > limits.moov_bytes_max {
        let (value, max) = (moov.size, limits.moov_bytes_max);
        return Err(MediaError::OverLimit { what: "the size of the table of contents (moov) in bytes", value, max });
    }
    let moov = source.read(moov.body, moov.size)?;
    let movie_timescale = Boxes(&moov).find(b"mvhd").and_then(read_mvhd).unwrap_or(1000);
    let traks = Boxes(&moov).filter(|(kind, _)| kind == b"trak").take(limits.tracks_max);
    let traks: Vec<_> = traks.filter_map(|(_, body)| trak::read(body, movie_timescale)).collect();
    if traks.iter().any(|trak| trak.track.encrypted) {
        return Err(MediaError::Encrypted);
    }
    let mut tracks = Vec::with_capacity(traks.len());
    for trak in &traks {
        let mut builder = IndexBuilder::new(trak.track.clone(), limits, source.bytes);
        stbl::read(trak.stbl, &mut builder)?;
        let next_dts = builder.samples_mut().last().map_or(0, |last| last.pts.saturating_add(last.duration.into()));
        let defaults = moof::Defaults { track: trak.track.id as u32, ..Default::default() };
        tracks.push(Fragmented { defaults, next_dts, builder });
    }
    let fragmented = match Boxes(&moov).find(b"mvex") {
        Some(mvex) => read_fragments(mvex, walk, &mut tracks, limits)?,
        None => false,
    };
    let finish = |(Fragmented { mut builder, .. }, trak): (Fragmented, &trak::Trak)| {
        // The duration in the edit list of a fragmented file is that of the part before the fragments.
        let end = trak.edits.end.filter(|_| !fragmented);
        builder.track.edit = crate::packet::Edit { end, several: trak.edits.several };
        builder.finish(trak.edits.shift)
    };
    tracks.into_iter().zip(&traks).map(finish).collect()
}

/// Reads all fragments behind the table of contents; whether there were any.
fn read_fragments(
    mvex: &[u8],
    walk: TopLevel<'_>,
    tracks: &mut [Fragmented],
    limits: &Limits,
) -> Result<bool, MediaError> {
    for defaults in moof::read_trex(mvex) {
        if let Some(track) = tracks.iter_mut().find(|track| track.defaults.track == defaults.track) {
            track.defaults = defaults;
        }
    }
    let source = walk.source;
    let mut any = false;
    for found in walk.filter(|found| found.kind == *b"moof") {
        if found.size > limits.header_bytes_max {
            let (value, max) = (found.size, limits.header_bytes_max);
            return Err(MediaError::OverLimit { what: "the size of a movie fragment's header in bytes", value, max });
        }
        moof::read(&source.read(found.body, found.size)?, found.start, tracks)?;
        any = true;
    }
    Ok(any)
}

/// Movie header (section 8.2.2): ticks a second of the edit lists' durations.
fn read_mvhd(body: &[u8]) -> Option<u32> {
    let (version, _, mut bytes) = full_box(body)?;
    bytes.skip(if version == 1 { 16 } else { 8 })?;
    bytes.u32().filter(|timescale| *timescale > 0)
}

/// A box of the file's outermost level.
struct TopBox {
    kind: FourCc,
    start: u64,
    body: u64,
    /// Bytes of the body that the file has.
    size: u64,
}

/// Walks the boxes of the file without reading their bodies.
struct TopLevel<'a> {
    source: &'a Source,
    at: u64,
    left: u64,
    overrun: bool,
}

impl Iterator for TopLevel<'_> {
    type Item = TopBox;

    fn next(&mut self) -> Option<TopBox> {
        self.left = self.left.checked_sub(1)?;
        let start = self.at;
        let mut header = [0; 16];
        let got = self.source.read_some(start, &mut header).ok()?;
        if got < 8 {
            return None;
        }
        let (size, rest) = header.split_first_chunk::<4>()?;
        let (kind, wide) = rest.split_first_chunk::<4>()?;
        let (header_size, size) = match u32::from_be_bytes(*size) {
            0 => (8, self.source.bytes - start),
            1 if got == 16 => (16, u64::from_be_bytes(*wide.first_chunk()?)),
            size => (8, size.into()),
        };
        // Padding with a size that cannot be, seen in the wild: its header is all there is of it.
        let padding = matches!(kind, b"free" | b"skip" | b"wide");
        let size = if size < header_size && padding { header_size } else { size };
        let plausible = kind.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte == 0xa9);
        if size < header_size || !plausible {
            self.left = 0;
            return None;
        }
        let here = self.source.bytes - start;
        self.overrun |= size > here;
        self.at = start.saturating_add(size);
        Some(TopBox { kind: *kind, start, body: start + header_size, size: size.min(here).saturating_sub(header_size) })
    }
}
