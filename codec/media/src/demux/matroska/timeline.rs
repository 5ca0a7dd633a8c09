//! Matroska rounds its timestamps, mostly to milliseconds. Sound is put back on the grid of its samples and pictures on
//! the grid of their rate, where they were on one: otherwise every segment of a repackaged film would jitter.

use crate::demux::cadence::{self, Cadence};
use crate::demux::index::IndexBuilder;
use crate::packet::{Codec, MediaKind, Sample, SourceTrack};
use wire::presentation::Ratio;

/// Ticks a second while a file is read.
pub(crate) const NANOSECONDS: u32 = 1_000_000_000;

/// Gives the track its final timescale and moves its samples onto it.
pub(crate) fn settle(builder: &mut IndexBuilder, precision_ns: u64, default_duration_ns: u64) {
    match builder.track.kind {
        MediaKind::Audio => settle_sound(builder, precision_ns),
        MediaKind::Video => settle_pictures(builder, precision_ns, default_duration_ns),
    }
}

fn settle_sound(builder: &mut IndexBuilder, precision_ns: u64) {
    let rate = match builder.track.codec {
        Codec::Opus => 48_000,
        _ => builder.track.sound.map_or(0, |sound| sound.sample_rate),
    };
    let timescale = if (1000..=768_000).contains(&rate) { rate } else { 48_000 };
    let ticks = |ns: i64| scale(ns, timescale);
    let tolerance = ticks((2 * precision_ns).min(50_000_000).cast_signed()) + 1;
    let mut follows: Option<i64> = None;
    for sample in builder.samples_mut() {
        let pts = ticks(sample.pts);
        // While it stays near what the samples before add up to, that sum is the truth and the timestamp the rounding.
        let pts = follows.filter(|expected| (pts - expected).abs() <= tolerance).unwrap_or(pts);
        sample.pts = pts;
        sample.duration = ticks(sample.duration.into()) as u32;
        follows = Some(pts + i64::from(sample.duration));
    }
    builder.track.timescale = timescale;
}

fn settle_pictures(builder: &mut IndexBuilder, precision_ns: u64, default_duration_ns: u64) {
    let mut times: Vec<i64> = builder.samples_mut().iter().map(|sample| sample.pts).collect();
    times.sort_unstable();
    let hint = (default_duration_ns > 0).then(|| hint(default_duration_ns)).flatten();
    let found = cadence::recognise(&times, NANOSECONDS, precision_ns, hint);
    let start = times.first().copied().unwrap_or(0);
    let change: Box<dyn Fn(&mut Sample)> = match found {
        Some(Cadence { rate, on_grid: true, .. }) => {
            // At least some thousand ticks a second, so that the start of the track is not rounded much.
            let factor = 10_000_u32.div_ceil(rate.num);
            let (timescale, step) = (rate.num * factor, rate.den * factor);
            builder.track.timescale = timescale;
            let first = scale(start, timescale);
            Box::new(move |sample| {
                let place = cadence::place(sample.pts, start, NANOSECONDS, rate);
                sample.pts = first + place * i64::from(step);
                sample.duration = step;
            })
        }
        _ => {
            let timescale = u32::try_from(u64::from(NANOSECONDS) / precision_ns.max(1_000)).unwrap_or(1000).max(1);
            let timescale = if timescale < 1000 { 1_000_000 } else { timescale };
            builder.track.timescale = timescale;
            Box::new(move |sample| {
                sample.pts = scale(sample.pts, timescale);
                sample.duration = scale(sample.duration.into(), timescale) as u32;
            })
        }
    };
    builder.samples_mut().iter_mut().for_each(change);
}

/// The rate that a nominal duration means; 33,366,667 ns are 30000/1001.
fn hint(default_duration_ns: u64) -> Option<Ratio> {
    let times: Vec<i64> = (0..100).map(|i| i * default_duration_ns.min(NANOSECONDS.into()).cast_signed()).collect();
    let found = cadence::recognise(&times, NANOSECONDS, 1000, None)?;
    (found.on_grid && found.rate.num <= 1_000_000).then_some(found.rate)
}

/// Nanoseconds in ticks, to the nearest.
fn scale(ns: i64, timescale: u32) -> i64 {
    let second = i128::from(NANOSECONDS);
    (i128::from(ns) * i128::from(timescale) + second / 2).div_euclid(second) as i64
}

/// Whether [`frame_ns`] looks into the frame.
pub(crate) fn needs_payload(codec: &Codec) -> bool {
    *codec == Codec::Opus
}

/// How long a frame lasts when its codec says so.
pub(crate) fn frame_ns(track: &SourceTrack, prefix: &[u8], start: &[u8; 4]) -> Option<u64> {
    let rate = u64::from(track.sound?.sample_rate).max(1);
    let samples = match track.codec {
        Codec::Aac => {
            let is_960 = track.config.get(1).is_some_and(|byte| byte & 4 != 0); // frameLengthFlag of AAC-LC
            if is_960 { 960 } else { 1024 }
        }
        Codec::Opus => return prefix.is_empty().then(|| opus_frame_ns(start[0], start[1])),
        _ => return None,
    };
    Some(samples * u64::from(NANOSECONDS) / rate)
}

/// Duration of an Opus packet from its table of contents (RFC 6716 section 3.1).
fn opus_frame_ns(toc: u8, count: u8) -> u64 {
    let config = toc >> 3;
    let frame_us = match config {
        0..=11 => [10_000, 20_000, 40_000, 60_000][usize::from(config & 3)],
        12..=15 => [10_000, 20_000][usize::from(config & 1)],
        _ => [2_500, 5_000, 10_000, 20_000][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(count & 63),
    };
    frame_us * frames * 1000
}
