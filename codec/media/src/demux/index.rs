//! From the samples as a container lists them to the index: on the asset's timeline, with decode times, and with
//! everything left out that is never shown nor needed to show something.

use super::IndexedTrack;
use crate::packet::{MediaKind, Sample, SourceTrack};
use crate::{Limits, MediaError};

/// Collects the samples of one track while a container is read. `pts` is still on the track's own clock.
#[derive(Debug)]
pub(crate) struct IndexBuilder {
    pub track: SourceTrack,
    pub prefix: Vec<u8>,
    samples: Vec<Sample>,
    samples_max: usize,
    sample_bytes_max: u32,
    file_bytes: u64,
    /// Bytes of all samples so far: they cannot be more than the file has, or samples lie over each other.
    bytes: u64,
    /// Samples that the container lists and the file does not hold.
    missing: u64,
}

/// Share of the samples that may lie behind the end of the file: recorders that were switched off lose that much.
const MISSING_SHARE_MAX: u64 = 100;

/// Sound kept from before the start of the timeline, to fill a decoder: 100 ms.
const AUDIO_PREROLL_US: i64 = 100_000;

impl IndexBuilder {
    pub fn new(track: SourceTrack, limits: &Limits, file_bytes: u64) -> Self {
        Self {
            track,
            prefix: Vec::new(),
            samples: Vec::new(),
            samples_max: limits.samples_max,
            sample_bytes_max: limits.sample_bytes_max,
            file_bytes,
            bytes: 0,
            missing: 0,
        }
    }

    /// Adds the next sample in decode order. `Ok(false)`: it lies outside the file and only counts as missing.
    pub fn push(&mut self, offset: u64, size: u32, pts: i64, duration: u32, sync: bool) -> Result<bool, MediaError> {
        if size > self.sample_bytes_max {
            let (value, max) = (size.into(), self.sample_bytes_max.into());
            return Err(MediaError::OverLimit { what: "the size of one sample in bytes", value, max });
        }
        if offset.checked_add(size.into()).is_none_or(|end| end > self.file_bytes) {
            self.missing += 1;
            return Ok(false);
        }
        self.bytes += u64::from(size);
        if self.bytes > self.file_bytes {
            return Err(MediaError::Malformed { container: "media", what: "its samples lie over each other" });
        }
        if self.samples.len() >= self.samples_max {
            let (value, max) = (self.samples.len() as u64 + 1, self.samples_max as u64);
            return Err(MediaError::OverLimit { what: "the number of samples in a track", value, max });
        }
        // Times far from any real clock would overflow sums later; half the range is 73,000 years at 1 MHz.
        let pts = pts.clamp(i64::MIN / 4, i64::MAX / 4);
        self.samples.push(Sample::new(offset, size, pts, duration, sync));
        Ok(true)
    }

    /// Counts samples that are known to lie behind the end of the file.
    pub fn miss(&mut self, count: u64) {
        self.missing = self.missing.saturating_add(count);
    }

    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn samples_mut(&mut self) -> &mut [Sample] {
        &mut self.samples
    }

    /// Moves the track by its edit list: `shift` ticks are added to every time, `track.edit.end` cuts the end.
    pub fn finish(mut self, shift: i64) -> Result<IndexedTrack, MediaError> {
        let total = self.samples.len() as u64 + self.missing;
        if self.missing > total / MISSING_SHARE_MAX {
            return Err(MediaError::Truncated { detail: "its tables list samples behind the end of the file" });
        }
        for sample in &mut self.samples {
            sample.pts = sample.pts.saturating_add(shift);
        }
        match self.track.kind {
            MediaKind::Video => trim_video(&mut self.samples, self.track.edit.end),
            MediaKind::Audio => {
                let preroll = self.track.to_ticks(AUDIO_PREROLL_US);
                let end = self.track.edit.end.unwrap_or(i64::MAX);
                self.samples.retain(|s| s.pts.saturating_add(s.duration.into()) > -preroll && s.pts < end);
            }
        }
        rank_decode_times(&mut self.samples, self.track.kind);
        self.samples.shrink_to_fit();
        Ok(IndexedTrack { track: self.track, samples: self.samples, prefix: self.prefix })
    }
}

/// Leaves out what stands before the keyframe that is needed for time zero, and what stands after everything shown.
fn trim_video(samples: &mut Vec<Sample>, end: Option<i64>) {
    let end = end.unwrap_or(i64::MAX);
    let shown = |sample: &Sample| sample.pts >= 0 && sample.pts < end;
    let keep_to = samples.iter().rposition(shown).map_or(0, |last| last + 1);
    samples.truncate(keep_to);
    let first_shown = samples.iter().position(shown).unwrap_or(0);
    let keep_from = samples[..(first_shown + 1).min(samples.len())].iter().rposition(Sample::sync).unwrap_or(0);
    samples.drain(..keep_from);
}

/// Gives the i-th sample the i-th smallest presentation time as its decode time, and durations that fill the gaps.
fn rank_decode_times(samples: &mut [Sample], kind: MediaKind) {
    let Some(last) = samples.iter().max_by_key(|sample| sample.pts).copied() else { return };
    let in_order = samples.is_sorted_by_key(|sample| sample.pts);
    if in_order {
        samples.iter_mut().for_each(|sample| sample.dts = sample.pts);
    } else {
        let mut times: Vec<i64> = samples.iter().map(|sample| sample.pts).collect();
        times.sort_unstable();
        for (sample, time) in samples.iter_mut().zip(times) {
            sample.dts = time;
        }
    }
    if kind == MediaKind::Audio {
        return; // a frame of sound lasts as long as it has samples, whatever the clock of the container rounds to
    }
    for i in 1..samples.len() {
        samples[i - 1].duration = u32::try_from(samples[i].dts - samples[i - 1].dts).unwrap_or(u32::MAX);
    }
    if let Some(sample) = samples.last_mut() {
        sample.duration = last.duration;
    }
}

/// Moves all tracks together so that the earliest thing shown or heard is at zero: FFmpeg's `start_time`, taken off.
pub(crate) fn start_at_zero(tracks: &mut [IndexedTrack]) {
    let start_us = |indexed: &IndexedTrack| {
        let start = indexed.samples.iter().map(|sample| sample.pts).min()?;
        Some(indexed.track.to_us(start).max(0))
    };
    let Some(zero_us) = tracks.iter().filter_map(start_us).min() else { return };
    if zero_us == 0 {
        return;
    }
    for IndexedTrack { track, samples, .. } in tracks {
        let shift = track.to_ticks(zero_us);
        track.edit.end = track.edit.end.map(|end| end.saturating_sub(shift));
        for sample in samples {
            sample.pts = sample.pts.saturating_sub(shift);
            sample.dts = sample.dts.saturating_sub(shift);
        }
    }
}
