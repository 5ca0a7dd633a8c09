//! H.264 as it is: samples are copied out of the source's container into segments, not one bit of them is changed.

use super::{Output, Sink, header, not_a_segment};
use crate::demux::{self, Demuxer};
use crate::error::MediaError;
use crate::limits::Limits;
use crate::packet::{Codec, Packet, Sample};
use crate::plan::{Passthrough, Plan, grid};
use crate::source_info::{SourceInfo, VideoInfo};
use std::ops::Range;
use std::path::Path;
use wire::cmaf::{self, CodecConfig, TrackInit};
use wire::presentation::{Segment, TrackKind};

/// Largest passed-through segment in bytes: it is made in memory. Sources with one keyframe an hour are above it.
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// Writes the rendition `plan.passthrough`; nothing when there is none.
///
/// # Errors
/// [`MediaError::CannotPassThrough`] when the pictures must be encoded after all; found out before the first segment goes
/// out, except for parameter sets that change inside the stream.
pub fn repackage_video(path: &Path, source: &SourceInfo, plan: &Plan, out: Sink<'_>) -> Result<(), MediaError> {
    let (Some(passthrough), Some(video)) = (&plan.passthrough, &source.video) else {
        return Ok(());
    };
    let demuxer = demux::open(path, &Limits::DEFAULT)?;
    let track = video.track as usize;
    if track >= demuxer.tracks().len() || demuxer.track(track).codec != Codec::H264 {
        return Err(MediaError::CannotPassThrough { why: "the file is not the one that was probed" });
    }
    let segments = segments(&demuxer, track, passthrough)?;
    let parameter_sets = ParameterSets::of(&demuxer.track(track).config)?;
    out(init(&demuxer, video, passthrough)?)?;
    for (index, samples) in (0..).zip(segments) {
        let packets = samples.map(|sample| demuxer.read(track, sample)).collect::<Result<Vec<_>, _>>()?;
        for packet in packets.iter().filter(|packet| packet.sync) {
            parameter_sets.check(&packet.data)?;
        }
        out(segment(index, demuxer.track(track).timescale, &packets)?)?;
    }
    Ok(())
}

/// Ranges of samples, in decode order, one for each segment of the plan.
fn segments(demuxer: &Demuxer, track: usize, passthrough: &Passthrough) -> Result<Vec<Range<usize>>, MediaError> {
    let refuse = |why| Err(MediaError::CannotPassThrough { why });
    let samples = demuxer.samples(track);
    let shown = shown(samples, demuxer.track(track).edit.end);
    let wanted = passthrough.cuts_us.len() - 1;
    let mut starts = Vec::new();
    for index in shown.clone() {
        let sample = &samples[index];
        let time_us = demuxer.track(track).to_us(sample.pts).max(0) as u64;
        let due = starts.len() < wanted && time_us + grid::SLACK_US >= passthrough.cuts_us[starts.len()];
        if starts.is_empty() || (due && sample.sync()) {
            // A keyframe after which something is shown that comes before it is not a place to cut.
            if !sample.sync() || sample.dts != sample.pts {
                return refuse("a picture refers across its keyframe (open GOP)");
            }
            starts.push(index);
        }
    }
    if starts.len() != wanted {
        return refuse("the keyframes are not where the index says");
    }
    let ends = starts.iter().skip(1).copied().chain([shown.end]);
    let segments: Vec<_> = starts.iter().zip(ends).map(|(&start, end)| start..end).collect();
    let bytes = |segment: &Range<usize>| samples[segment.clone()].iter().map(|s| u64::from(s.size())).sum::<u64>();
    if segments.iter().any(|segment| bytes(segment) > SEGMENT_BYTES_MAX) {
        return refuse("its keyframes are too far apart to make segments");
    }
    Ok(segments)
}

/// From the first shown sample to the last one in decode order that is shown before the edit list's end.
fn shown(samples: &[Sample], end: Option<i64>) -> Range<usize> {
    let start = samples.iter().position(|sample| sample.pts >= 0).unwrap_or(samples.len());
    let last = samples.iter().rposition(|sample| sample.pts >= 0 && end.is_none_or(|end| sample.pts < end));
    start..last.map_or(start, |last| last + 1)
}

fn init(demuxer: &Demuxer, video: &VideoInfo, passthrough: &Passthrough) -> Result<Output, MediaError> {
    let track = demuxer.track(video.track as usize);
    let VideoInfo { width, height, frame_rate, pixel_aspect, .. } = *video;
    let init = TrackInit {
        timescale: track.timescale,
        config: CodecConfig::Avc { avcc: track.config.clone() },
        kind: TrackKind::Video { width, height, frame_rate, pixel_aspect },
        colour: video.colour.map(header::colour),
        skip: 0,
        duration: track.to_ticks(video.end_us as i64).max(0) as u64,
    };
    let (track, bytes) = header::header(&passthrough.name, &init)?;
    Ok(Output::Init { track, bytes })
}

/// Decode times of a source are in step with its presentation times (see [`Sample::dts`]), so the first sample's is the
/// segment's start and the sum of the durations is its length.
fn segment(index: u32, timescale: u32, packets: &[Packet]) -> Result<Output, MediaError> {
    let base = packets[0].dts as u64;
    // The first picture of all is shown from zero on, so that no player waits for it.
    let start = if index == 0 { 0 } else { base };
    let early = u32::try_from(base - start).unwrap_or(u32::MAX);
    let samples: Vec<cmaf::Sample> = packets
        .iter()
        .enumerate()
        .map(|(position, packet)| cmaf::Sample {
            data: &packet.data,
            duration: packet.duration.saturating_add(if position == 0 { early } else { 0 }),
            composition_offset: (packet.pts - packet.dts).clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            sync: packet.sync,
        })
        .collect();
    let duration = samples.iter().map(|sample| u64::from(sample.duration)).sum();
    let bytes = cmaf::media_segment(index + 1, timescale, start, &samples).map_err(not_a_segment)?;
    Ok(Output::Segment { index, segment: Segment { start, duration, bytes: bytes.len() as u64 }, bytes })
}

/// The parameter sets of the header: a segment that brings others would not decode after a switch.
struct ParameterSets {
    sets: Vec<Vec<u8>>,
    length_bytes: usize,
}

impl ParameterSets {
    /// Reads the body of an `avcC` (ISO/IEC 14496-15 section 5.3.3.1).
    fn of(avcc: &[u8]) -> Result<Self, MediaError> {
        let read = || {
            let length_bytes = usize::from(avcc.get(4)? & 3) + 1;
            let mut sets = Vec::new();
            let mut rest = avcc.get(5..)?;
            for count_mask in [31u8, 255] {
                let (count, mut tail) = rest.split_first()?;
                for _ in 0..count & count_mask {
                    let (size, body) = tail.split_at_checked(2)?;
                    let (set, after) = body.split_at_checked(u16::from_be_bytes([size[0], size[1]]).into())?;
                    sets.push(set.to_vec());
                    tail = after;
                }
                rest = tail;
            }
            Some(Self { sets, length_bytes })
        };
        read().ok_or(MediaError::CannotPassThrough { why: "its decoder configuration is damaged" })
    }

    /// Parameter sets inside a sample are those of the header, or there are none.
    fn check(&self, sample: &[u8]) -> Result<(), MediaError> {
        let mut rest = sample;
        while rest.len() > self.length_bytes {
            let (length, body) = rest.split_at(self.length_bytes);
            let length = length.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
            let Some((nal, after)) = body.split_at_checked(length) else {
                return Err(MediaError::CannotPassThrough { why: "a picture is damaged" });
            };
            let is_set = matches!(nal.first().map(|header| header & 31), Some(7 | 8));
            if is_set && !self.sets.iter().any(|set| set == nal) {
                return Err(MediaError::CannotPassThrough { why: "its parameter sets change on the way" });
            }
            rest = after;
        }
        Ok(())
    }
}
