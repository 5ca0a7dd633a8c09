//! What is in a file: the containers we read ourselves by their index and the first bytes of their streams, the others,
//! and the streams we do not decode, by FFprobe.

use crate::bitstream::aac::AudioSpecificConfig;
use crate::bitstream::av1::{SequenceHeader, find_sequence_header};
use crate::bitstream::h264::{AvcConfig, NAL_SPS, Sps, nal_units};
use crate::demux::{self, Demuxer, Source, cadence, clean_cuts};
use crate::ffmpeg::ffprobe::{self, Report};
use crate::packet::{Codec, Colour, MediaKind, PictureFormat, RawLayout, Sample};
use crate::source_info::{AudioInfo, Chroma, Container, DecodeBy, VideoInfo};
use crate::{Limits, MediaError, SourceInfo, Tools};
use std::cmp::Reverse;
use std::path::Path;
use wire::presentation::Ratio;

/// Looks at a file: container, tracks, times, and who will decode it.
pub fn probe(path: &Path, tools: &Tools) -> Result<SourceInfo, MediaError> {
    let limits = Limits::DEFAULT;
    let source = Source::open(path)?;
    let container = source.sniff()?;
    let bytes = source.bytes();
    let asked = || ask_ffprobe(path, container, tools, &limits);
    let (video, audio) = match demux::is_native(container).then(|| demux::open(path, &limits)) {
        Some(Ok(demuxer)) => native(&demuxer, tools, asked)?,
        // What we find damaged, FFmpeg may still read.
        Some(Err(damage @ MediaError::Malformed { .. })) => match tools.both() {
            Some(_) => asked().map(|report| (report.video, report.audio)).map_err(|_| damage)?,
            None => return Err(damage),
        },
        Some(Err(error)) => return Err(error),
        None => {
            let what = || format!("The container {}", container.name());
            tools.both().ok_or_else(|| MediaError::NeedsFfmpeg { what: what() })?;
            let report = asked()?;
            (report.video, report.audio)
        }
    };
    if video.is_none() && audio.is_none() {
        return Err(MediaError::NoTracks);
    }
    if let Some(video) = &video {
        check_size(video, &limits)?;
    }
    let ends = [video.as_ref().map(|video| video.end_us), audio.as_ref().map(|audio| audio.end_us)];
    let duration_us = ends.into_iter().flatten().max().unwrap_or(0);
    if duration_us == 0 {
        return Err(MediaError::ZeroDuration);
    }
    Ok(SourceInfo { container, bytes, duration_us, video, audio })
}

fn ask_ffprobe(path: &Path, container: Container, tools: &Tools, limits: &Limits) -> Result<Report, MediaError> {
    let (_, ffprobe) = tools.both().ok_or_else(|| MediaError::NeedsFfmpeg { what: container.name().to_owned() })?;
    ffprobe::report(ffprobe, container, path, limits)
}

fn check_size(video: &VideoInfo, limits: &Limits) -> Result<(), MediaError> {
    let pixels = u64::from(video.width) * u64::from(video.height);
    if video.width == 0 || video.height == 0 {
        return Err(MediaError::Malformed { container: "media", what: "its pictures have no size" });
    }
    if pixels > limits.pixels_max {
        return Err(MediaError::OverLimit { what: "the number of pixels", value: pixels, max: limits.pixels_max });
    }
    let (side, max) = (video.width.max(video.height), limits.side_max);
    if side > max {
        return Err(MediaError::OverLimit {
            what: "the width or height in pixels",
            value: side.into(),
            max: max.into(),
        });
    }
    Ok(())
}

/// Facts from the index; FFprobe's where FFmpeg has to decode.
#[allow(clippy::type_complexity, reason = "a pair of optional facts, taken apart at once")]
fn native(
    demuxer: &Demuxer,
    tools: &Tools,
    asked: impl Fn() -> Result<Report, MediaError>,
) -> Result<(Option<VideoInfo>, Option<AudioInfo>), MediaError> {
    let mut video = choose_video(demuxer).map(|track| video(demuxer, track)).transpose()?;
    let mut audio = choose_audio(demuxer).map(|track| audio(demuxer, track));
    let foreign_video = video.as_ref().filter(|video| video.decode_by == DecodeBy::Ffmpeg);
    let foreign_audio = audio.as_ref().filter(|audio| audio.decode_by == DecodeBy::Ffmpeg);
    let what = match (foreign_video, foreign_audio) {
        (None, None) => return Ok((video, audio)),
        (Some(video), _) => describe(video),
        (None, Some(audio)) => format!("{} sound", audio.codec.name()),
    };
    tools.both().ok_or(MediaError::NeedsFfmpeg { what })?;
    let report = asked()?;
    if foreign_video.is_some() {
        video = video.zip(report.video).map(|(ours, theirs)| times_of(ours, theirs));
    }
    if foreign_audio.is_some() {
        audio = report.audio;
    }
    Ok((video, audio))
}

/// What FFprobe says about the pictures, with the times of our index where it is the same stream: FFprobe's duration of
/// a Matroska track ends where the last picture begins.
fn times_of(ours: VideoInfo, theirs: VideoInfo) -> VideoInfo {
    if ours.codec != theirs.codec {
        return theirs;
    }
    let VideoInfo { start_us, end_us, frames, frame_rate, constant_rate, bitrate, keyframes_us, .. } = ours;
    VideoInfo { start_us, end_us, frames, frame_rate, constant_rate, bitrate, keyframes_us, ..theirs }
}

fn describe(video: &VideoInfo) -> String {
    let codec = video.codec.name();
    match (video.bit_depth, video.chroma, video.interlaced) {
        (9.., ..) => format!("{}-bit {codec} video", video.bit_depth),
        (_, Chroma::C422 | Chroma::C444, _) => format!("{codec} video with full chroma"),
        (.., true) => format!("Interlaced {codec} video"),
        _ => format!("{codec} video"),
    }
}

/// The largest picture; of equals the one the file wants, then the first.
fn choose_video(demuxer: &Demuxer) -> Option<usize> {
    let pictures = demuxer.tracks().enumerate().filter(|(track, found)| {
        found.kind == MediaKind::Video && found.picture.is_some() && !demuxer.samples(*track).is_empty()
    });
    let size = |picture: Option<PictureFormat>| picture.map_or(0, |p| u64::from(p.width) * u64::from(p.height));
    pictures
        .min_by_key(|(track, found)| (Reverse((size(found.picture), found.default)), *track))
        .map(|(track, _)| track)
}

/// The one the file wants; of equals the one with most channels, then the highest rate, then the first.
fn choose_audio(demuxer: &Demuxer) -> Option<usize> {
    let sounds = demuxer.tracks().enumerate().filter(|(track, found)| {
        found.kind == MediaKind::Audio && found.sound.is_some() && !demuxer.samples(*track).is_empty()
    });
    let rank = |track: usize| {
        let track = demuxer.track(track);
        (track.default, track.sound.map_or((0, 0), |sound| (sound.channels, sound.sample_rate)))
    };
    sounds.map(|(track, _)| track).min_by_key(|track| (Reverse(rank(*track)), *track))
}

/// What the bitstream says about pictures.
struct Coded {
    profile: String,
    width: u32,
    height: u32,
    bit_depth: u8,
    chroma: Chroma,
    interlaced: bool,
    pixel_aspect: Option<(u32, u32)>,
    colour: Option<Colour>,
    decodable: bool,
}

fn video(demuxer: &Demuxer, track: usize) -> Result<VideoInfo, MediaError> {
    let source = demuxer.track(track);
    let samples = demuxer.samples(track);
    let picture = source.picture.expect("only tracks with a picture format are chosen");
    let coded = match source.codec {
        Codec::H264 => coded_h264(demuxer, track)?,
        Codec::Av1 => coded_av1(demuxer, track)?,
        Codec::RawVideo => Some(coded_raw(picture)),
        _ => None,
    };
    let startable = source.codec != Codec::H264 || samples.first().is_some_and(Sample::sync);
    let simple = !source.many_configs && !source.edit.several;
    let native = coded.as_ref().is_some_and(|coded| coded.decodable) && simple && startable;
    let coded = coded.unwrap_or_else(|| coded_unknown(picture));
    let (numerator, denominator) = picture.pixel_aspect.or(coded.pixel_aspect).unwrap_or((1, 1));
    let end = source.edit.end.unwrap_or(i64::MAX);
    let shown = samples.iter().filter(|sample| sample.pts >= 0 && sample.pts < end);
    let mut times: Vec<i64> = shown.map(|sample| sample.pts).collect();
    times.sort_unstable();
    let found = cadence::recognise(&times, source.timescale, 1, None);
    let us = |ticks: i64| source.to_us(ticks).max(0).unsigned_abs();
    let last = samples.iter().map(|sample| sample.dts.saturating_add(sample.duration.into())).max().unwrap_or(0);
    let end_us = us(last.min(end));
    let cuts: Vec<&Sample> =
        clean_cuts(samples).into_iter().map(|cut| &samples[cut]).filter(|cut| cut.pts < end).collect();
    let keyframes_us: Vec<u64> = cuts.iter().filter(|cut| cut.pts >= 0).map(|cut| us(cut.pts)).collect();
    let frames_us = times.first().map_or(0, |first| end_us.saturating_sub(us(*first)));
    let mean_rate = || cadence::reduce(times.len() as u64 * 1_000_000, frames_us.max(1));
    let info = VideoInfo {
        track: track as u32,
        ffmpeg_stream: track as u32,
        codec: source.codec.clone(),
        profile: coded.profile,
        width: coded.width,
        height: coded.height,
        pixel_aspect: cadence::reduce(numerator.into(), denominator.into()).unwrap_or(Ratio { num: 1, den: 1 }),
        rotation: picture.rotation,
        frame_rate: found.map(|found| found.rate).or_else(mean_rate).unwrap_or(Ratio { num: 25, den: 1 }),
        constant_rate: found.is_some_and(|found| found.on_grid && found.gapless),
        bit_depth: coded.bit_depth,
        chroma: coded.chroma,
        interlaced: coded.interlaced,
        colour: coded.colour.or(picture.colour),
        passthrough: false,
        decode_by: if native { DecodeBy::Native } else { DecodeBy::Ffmpeg },
        start_us: times.first().map_or(0, |first| us(*first)),
        end_us,
        frames: times.len() as u64,
        bitrate: bitrate(samples, end_us),
        keyframes_us,
    };
    let passthrough = native && source.codec == Codec::H264 && has_sets(&source.config) && can_pass(&info, samples);
    Ok(VideoInfo { passthrough, ..info })
}

/// Whether players show the samples right as they are: upright, from the first one on, with places to cut.
fn can_pass(info: &VideoInfo, samples: &[Sample]) -> bool {
    let gap_max = Limits::DEFAULT.passthrough_gap_us_max;
    let cuts = info.keyframes_us.iter().copied().chain([info.end_us]);
    let gaps = cuts.clone().zip(cuts.skip(1)).map(|(cut, next)| next.saturating_sub(cut));
    let starts_clean =
        info.keyframes_us.first() == Some(&info.start_us) && samples.iter().all(|sample| sample.pts >= 0);
    info.rotation == 0 && starts_clean && gaps.max().is_some_and(|gap| gap <= gap_max)
}

/// A configuration with both kinds of parameter sets, as a player that starts anywhere needs it.
fn has_sets(avcc: &[u8]) -> bool {
    AvcConfig::read(avcc).is_some_and(|config| !config.sps.is_empty() && !config.pps.is_empty())
}

fn bitrate(samples: &[Sample], duration_us: u64) -> u64 {
    let bytes: u64 = samples.iter().map(|sample| u64::from(sample.size())).sum();
    (u128::from(bytes) * 8_000_000).checked_div(duration_us.into()).unwrap_or(0) as u64
}

/// The largest picture OpenH264 decodes: level 5.2 has 36,864 macroblocks.
const OPENH264_PIXELS_MAX: u64 = 36_864 * 256;

fn coded_h264(demuxer: &Demuxer, track: usize) -> Result<Option<Coded>, MediaError> {
    let Some(config) = AvcConfig::read(&demuxer.track(track).config) else { return Ok(None) };
    let mut sps = config.sps.first().and_then(|nal| Sps::read(nal));
    if sps.is_none() {
        // avc3: the parameter sets are in the samples.
        let first = demuxer.read(track, 0)?;
        sps = nal_units(&first.data, config.length_size).find(|nal| nal[0] & 31 == NAL_SPS).and_then(Sps::read);
    }
    let Some(sps) = sps else { return Ok(None) };
    let chroma = match sps.chroma_format {
        0 => Chroma::Grey,
        1 => Chroma::C420,
        2 => Chroma::C422,
        _ => Chroma::C444,
    };
    let plain = sps.bit_depth == 8 && chroma == Chroma::C420 && !sps.interlaced && matches!(sps.profile, 66 | 77 | 100);
    Ok(Some(Coded {
        profile: sps.profile_name(),
        width: sps.width,
        height: sps.height,
        bit_depth: sps.bit_depth,
        chroma,
        interlaced: sps.interlaced,
        pixel_aspect: sps.pixel_aspect,
        colour: sps.colour,
        decodable: plain && u64::from(sps.width) * u64::from(sps.height) <= OPENH264_PIXELS_MAX,
    }))
}

fn coded_av1(demuxer: &Demuxer, track: usize) -> Result<Option<Coded>, MediaError> {
    let in_config = demuxer.track(track).config.get(4..).and_then(find_sequence_header);
    let header = match in_config {
        Some(header) => header,
        None => match find_sequence_header(&demuxer.read(track, 0)?.data) {
            Some(header) => header,
            None => return Ok(None),
        },
    };
    let SequenceHeader { width, height, bit_depth, monochrome, subsampled_x, subsampled_y, colour, .. } = header;
    let chroma = match (monochrome, subsampled_x, subsampled_y) {
        (true, ..) => Chroma::Grey,
        (_, true, true) => Chroma::C420,
        (_, true, false) => Chroma::C422,
        _ => Chroma::C444,
    };
    let says_something = colour.full_range || [colour.primaries, colour.transfer, colour.matrix] != [2; 3];
    let profile = ["Main", "High", "Professional"].get(usize::from(header.profile)).unwrap_or(&"reserved");
    Ok(Some(Coded {
        profile: format!("{profile}@{}.{}", 2 + header.level_index / 4, header.level_index % 4),
        width,
        height,
        bit_depth,
        chroma,
        interlaced: false,
        pixel_aspect: None,
        colour: says_something.then_some(colour),
        decodable: bit_depth == 8 && matches!(chroma, Chroma::C420 | Chroma::Grey),
    }))
}

fn coded_raw(picture: PictureFormat) -> Coded {
    let chroma = match picture.raw {
        Some(RawLayout::Grey) => Chroma::Grey,
        Some(RawLayout::I422) => Chroma::C422,
        Some(RawLayout::I444) => Chroma::C444,
        _ => Chroma::C420,
    };
    Coded { chroma, decodable: picture.raw.is_some(), ..coded_unknown(picture) }
}

fn coded_unknown(picture: PictureFormat) -> Coded {
    Coded {
        profile: String::new(),
        width: picture.width,
        height: picture.height,
        bit_depth: 8,
        chroma: Chroma::C420,
        interlaced: false,
        pixel_aspect: None,
        colour: None,
        decodable: false,
    }
}

fn audio(demuxer: &Demuxer, track: usize) -> AudioInfo {
    let source = demuxer.track(track);
    let samples = demuxer.samples(track);
    let sound = source.sound.expect("only tracks with a sound format are chosen");
    let aac = (source.codec == Codec::Aac).then(|| AudioSpecificConfig::read(&source.config)).flatten();
    let simple = !source.many_configs && !source.edit.several;
    // AAC-LC, with or without band replication on top.
    let passthrough = simple && aac.is_some_and(|config| config.object_type == 2 && config.core_rate > 0);
    let opus = source.codec == Codec::Opus && !source.config.is_empty();
    let native = simple && (passthrough || opus);
    let (sample_rate, channels) = match (aac, opus) {
        (Some(config), _) if config.channels > 0 => (config.sample_rate, config.channels),
        (Some(config), _) => (config.sample_rate, sound.channels),
        (_, true) => (48_000, source.config.get(1).map_or(sound.channels, |channels| (*channels).into())),
        _ => (sound.sample_rate, sound.channels),
    };
    let us = |ticks: i64| source.to_us(ticks).max(0).unsigned_abs();
    let last = samples.last().map_or(0, |sample| sample.pts.saturating_add(sample.duration.into()));
    let end_us = us(source.edit.end.map_or(last, |end| last.min(end)));
    AudioInfo {
        track: track as u32,
        ffmpeg_stream: track as u32,
        codec: source.codec.clone(),
        sample_rate,
        channels,
        language: source.language.clone(),
        passthrough,
        decode_by: if native { DecodeBy::Native } else { DecodeBy::Ffmpeg },
        start_us: samples.first().map_or(0, |sample| us(sample.pts)),
        end_us,
        bitrate: bitrate(samples, end_us),
    }
}
