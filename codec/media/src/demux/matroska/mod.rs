//! Matroska and WebM (RFC 9559). Only headers of blocks are read, so that indexing a film reads a few percent of it.
//! Read by hand; `docs/decisions/0030-own-container-readers.md` says why.

mod block;
mod ebml;
mod id;
mod timeline;
mod tracks;

use super::index::IndexBuilder;
use super::{IndexedTrack, Source};
use crate::{Limits, MediaError};
use ebml::{Elements, Header};

/// One track while the clusters are walked.
struct Reading {
    builder: IndexBuilder,
    codec_delay_ns: i64,
    default_duration_ns: u64,
}

/// A file while it is walked.
struct Walk<'a> {
    source: &'a Source,
    limits: &'a Limits,
    timestamp_scale_ns: u64,
    cluster_timestamp: u64,
    tracks: Vec<Reading>,
}

/// All tracks of pictures and sound.
pub(crate) fn read(source: &Source, limits: &Limits) -> Result<Vec<IndexedTrack>, MediaError> {
    let mut walk = Walk { source, limits, timestamp_scale_ns: 1_000_000, cluster_timestamp: 0, tracks: Vec::new() };
    let mut at = 0;
    for _ in 0..limits.boxes_max {
        let Some(header) = ebml::header_at(source, at)? else { break };
        match walk.element(at, header)? {
            Some(next) => at = next,
            None => break,
        }
    }
    if walk.tracks.is_empty() {
        return Err(MediaError::NoTracks);
    }
    let scale = walk.timestamp_scale_ns;
    let finish = |Reading { mut builder, default_duration_ns, .. }: Reading| {
        timeline::settle(&mut builder, scale, default_duration_ns);
        builder.finish(0)
    };
    walk.tracks.into_iter().map(finish).collect()
}

impl Walk<'_> {
    /// Takes one element; where the next one is. `None`: nothing can follow.
    fn element(&mut self, at: u64, header: Header) -> Result<Option<u64>, MediaError> {
        let body = at + header.len as u64;
        let here = self.source.bytes.saturating_sub(body);
        let size = header.size.unwrap_or(here);
        match header.id {
            // Their children come next in the file; where they end does not matter, so neither does an unknown size.
            id::SEGMENT => {
                let cut = size.saturating_sub(here);
                if cut > size / 100 {
                    return Err(MediaError::Truncated { detail: "it is shorter than its header says" });
                }
                return Ok(Some(body));
            }
            id::CLUSTER => return Ok(Some(body)),
            id::INFO => {
                let info = self.header_body(body, size.min(here))?;
                let scale = Elements(&info).unsigned(id::TIMESTAMP_SCALE).unwrap_or(1_000_000);
                self.timestamp_scale_ns = scale.clamp(1, 1_000_000_000);
            }
            id::TRACKS if self.tracks.is_empty() => self.read_tracks(body, size.min(here))?,
            id::TIMESTAMP if size <= 8 && size <= here => {
                let bytes = self.source.read(body, size)?;
                self.cluster_timestamp = ebml::unsigned(&bytes).unwrap_or(0);
            }
            id::SIMPLE_BLOCK => self.block(body, size, None)?,
            id::BLOCK_GROUP => self.block_group(body, size)?,
            _ if header.size.is_none() => return Ok(None),
            _ => {}
        }
        Ok(body.checked_add(size).filter(|next| *next < self.source.bytes))
    }

    fn header_body(&self, body: u64, size: u64) -> Result<Vec<u8>, MediaError> {
        let max = self.limits.header_bytes_max;
        if size > max {
            return Err(MediaError::OverLimit { what: "the size of a Matroska header in bytes", value: size, max });
        }
        Ok(self.source.read(body, size)?)
    }

    fn read_tracks(&mut self, body: u64, size: u64) -> Result<(), MediaError> {
        let bytes = self.header_body(body, size)?;
        let entries = Elements(&bytes).filter(|(found, _)| *found == id::TRACK_ENTRY).take(self.limits.tracks_max);
        for entry in entries.filter_map(|(_, entry)| tracks::read(entry)) {
            if entry.track.encrypted {
                return Err(MediaError::Encrypted);
            }
            let mut builder = IndexBuilder::new(entry.track, self.limits, self.source.bytes);
            builder.prefix = entry.prefix;
            let codec_delay_ns = entry.codec_delay_ns.cast_signed();
            self.tracks.push(Reading { builder, codec_delay_ns, default_duration_ns: entry.default_duration_ns });
        }
        Ok(())
    }

    /// BlockGroup (RFC 9559 section 5.1.3.5): a block, and beside it how long it lasts and whether it depends on others.
    fn block_group(&mut self, body: u64, size: u64) -> Result<(), MediaError> {
        let end = body.saturating_add(size).min(self.source.bytes);
        let (mut block, mut duration, mut depends) = (None, 0, false);
        let mut at = body;
        // A group has a handful of children; more are somebody's joke.
        for _ in 0..64 {
            if at >= end {
                break;
            }
            let Some(Header { id, size: Some(size), len }) = ebml::header_at(self.source, at)? else { break };
            let child = at + len as u64;
            match id {
                id::BLOCK => block = Some((child, size)),
                id::BLOCK_DURATION if size <= 8 && child + size <= end => {
                    duration = ebml::unsigned(&self.source.read(child, size)?).unwrap_or(0);
                }
                id::REFERENCE_BLOCK => depends = true,
                _ => {}
            }
            at = child.saturating_add(size);
        }
        let Some((body, size)) = block else { return Ok(()) };
        self.block(body, size, Some((duration, !depends)))
    }

    /// One block; `group` is what its group says: duration in timestamp units (0: nothing) and whether it is a keyframe.
    fn block(&mut self, body: u64, size: u64, group: Option<(u64, bool)>) -> Result<(), MediaError> {
        let mut head = [0; 64];
        let want = usize::try_from(size).unwrap_or(usize::MAX);
        let got = self.source.read_some(body, &mut head)?.min(want);
        let mut read = block::read(&head[..got], size);
        if read.is_none() && want > head.len() {
            let mut long = [0; block::HEAD_MAX];
            let got = self.source.read_some(body, &mut long)?.min(want);
            read = block::read(&long[..got], size);
        }
        let Some(block) = read else {
            return Ok(()); // damage in one block is not the end of a film
        };
        let Some(track) = self.tracks.iter_mut().find(|track| track.builder.track.id == block.track) else {
            return Ok(());
        };
        let ticks = i128::from(self.cluster_timestamp) + i128::from(block.timestamp);
        let ns = ticks * i128::from(self.timestamp_scale_ns) - i128::from(track.codec_delay_ns);
        let mut pts = i64::try_from(ns).unwrap_or(i64::MAX / 4);
        let (group_duration, keyframe) = group.unwrap_or((0, block.keyframe));
        let count = block.frames.len() as u64;
        let group_ns = group_duration.saturating_mul(self.timestamp_scale_ns) / count;
        for &(offset, size) in &block.frames {
            let at = body.saturating_add(offset);
            let mut start = [0; 4];
            if size > 0 && timeline::needs_payload(&track.builder.track.codec) {
                self.source.read_some(at, &mut start)?;
            }
            let by_codec = timeline::frame_ns(&track.builder.track, &track.builder.prefix, &start);
            let given = if group_ns > 0 { group_ns } else { track.default_duration_ns };
            let duration = by_codec.unwrap_or(given);
            if size > 0 {
                let size = u32::try_from(size).unwrap_or(u32::MAX);
                let stored = u32::try_from(duration).unwrap_or(u32::MAX);
                track.builder.push(at, size, pts, stored, keyframe)?;
            }
            pts = pts.saturating_add_unsigned(duration);
        }
        Ok(())
    }
}
