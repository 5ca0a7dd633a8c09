//! FFprobe: what FFmpeg knows about a file.

use super::child::BlockReader;
use super::input;
use crate::demux::cadence;
use crate::packet::{Codec, Colour};
use crate::source_info::{AudioInfo, Chroma, Container, DecodeBy, VideoInfo};
use crate::{Limits, MediaError};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;
use wire::presentation::Ratio;

/// The streams FFmpeg would choose, on the asset's timeline.
#[derive(Debug)]
pub struct Report {
    /// The first video stream that is no cover picture.
    pub video: Option<VideoInfo>,
    /// The default audio stream, else the first.
    pub audio: Option<AudioInfo>,
}

/// Fields asked for. No tags of the file but the language: their content is anybody's.
const ENTRIES: &str = "stream=index,codec_type,codec_name,profile,level,width,height,pix_fmt,field_order,\
sample_aspect_ratio,r_frame_rate,avg_frame_rate,start_time,duration,nb_frames,nb_read_packets,bit_rate,sample_rate,\
channels,color_range,color_space,color_transfer,color_primaries,bits_per_raw_sample:stream_tags=language:\
stream_disposition=default,attached_pic:stream_side_data=rotation:format=start_time,duration,bit_rate";

/// Asks FFprobe.
pub fn report(ffprobe: &Path, container: Container, path: &Path, limits: &Limits) -> Result<Report, MediaError> {
    let answer = ask(ffprobe, container, path, limits, false)?;
    let without_time = answer.duration_us() == 0 && answer.streams.iter().any(Stream::is_picture);
    // Bare streams have no clock: counting their packets is the only way.
    let answer = if without_time { ask(ffprobe, container, path, limits, true)? } else { answer };
    let zero_us = answer.format.start_us();
    let video = answer.streams.iter().find(|stream| stream.is_picture());
    let sounds = || answer.streams.iter().filter(|stream| stream.codec_type == "audio" && stream.channels > 0);
    let audio = sounds().find(|stream| stream.disposition.default == 1).or_else(|| sounds().next());
    Ok(Report {
        video: video.map(|stream| stream.video(zero_us, &answer.format)).transpose()?,
        audio: audio.map(|stream| stream.audio(zero_us, &answer.format)),
    })
}

fn ask(ffprobe: &Path, container: Container, path: &Path, limits: &Limits, count: bool) -> Result<Answer, MediaError> {
    let mut arguments: Vec<OsString> = ["-v", "error", "-of", "json", "-show_entries", ENTRIES].map(Into::into).into();
    if count {
        arguments.push("-count_packets".into());
    }
    arguments.extend(input(container, path));
    let stall = Duration::from_secs(limits.ffprobe_seconds_max);
    let mut child = BlockReader::start(ffprobe, arguments, limits.ffprobe_bytes_max, stall)?;
    let json = child.next()?.unwrap_or_default();
    if json.len() < limits.ffprobe_bytes_max {
        while child.next()?.is_some() {}
    }
    let unreadable = |_| MediaError::Ffmpeg { detail: "its description of the file could not be read".to_owned() };
    serde_json::from_slice(&json).map_err(unreadable)
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Format {
    start_time: String,
    duration: String,
    bit_rate: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: String,
    profile: String,
    level: i32,
    width: u32,
    height: u32,
    pix_fmt: String,
    field_order: String,
    sample_aspect_ratio: String,
    r_frame_rate: String,
    avg_frame_rate: String,
    start_time: String,
    duration: String,
    nb_frames: String,
    nb_read_packets: String,
    bit_rate: String,
    sample_rate: String,
    channels: u16,
    color_range: String,
    color_space: String,
    color_transfer: String,
    color_primaries: String,
    bits_per_raw_sample: String,
    tags: Tags,
    disposition: Disposition,
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tags {
    language: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Disposition {
    default: u8,
    attached_pic: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: f64,
}

impl Answer {
    fn duration_us(&self) -> u64 {
        let streams = self.streams.iter().map(|stream| us(&stream.duration).unwrap_or(0));
        streams.chain(us(&self.format.duration)).max().unwrap_or(0).unsigned_abs()
    }
}

impl Format {
    fn start_us(&self) -> i64 {
        us(&self.start_time).unwrap_or(0)
    }
}

impl Stream {
    fn is_picture(&self) -> bool {
        self.codec_type == "video" && self.disposition.attached_pic == 0 && self.width > 0 && self.height > 0
    }

    /// Start and end on the asset's timeline.
    fn span_us(&self, zero_us: i64, format: &Format) -> (u64, u64) {
        let start = (us(&self.start_time).unwrap_or(zero_us) - zero_us).max(0).unsigned_abs();
        let duration = us(&self.duration).filter(|duration| *duration > 0);
        let end = duration.map(|duration| start + duration.unsigned_abs());
        let whole = us(&format.duration).unwrap_or(0).max(0).unsigned_abs();
        (start, end.unwrap_or(whole))
    }

    fn video(&self, zero_us: i64, format: &Format) -> Result<VideoInfo, MediaError> {
        if matches!(self.codec_name.as_str(), "" | "unknown" | "none") || self.pix_fmt.is_empty() {
            return Err(MediaError::UnsupportedCodec { codec: self.codec_name.clone() });
        }
        let frame_rate = self.frame_rate();
        let (start_us, mut end_us) = self.span_us(zero_us, format);
        let frame_us = |frames: u64| {
            let us = u128::from(frames) * 1_000_000 * u128::from(frame_rate.den) / u128::from(frame_rate.num);
            us as u64
        };
        let packets: Option<u64> = self.nb_read_packets.parse().ok();
        if let Some(packets) = packets.filter(|_| end_us == 0) {
            end_us = frame_us(packets.min(u64::from(u32::MAX)));
        }
        let (bit_depth, chroma) = pixels(&self.pix_fmt, &self.bits_per_raw_sample);
        let rotation = self.side_data_list.iter().map(|side| side.rotation).find(|angle| *angle != 0.0).unwrap_or(0.0);
        let counted = self.nb_frames.parse().ok();
        let span = end_us.saturating_sub(start_us);
        let estimate = u128::from(span) * u128::from(frame_rate.num) / u128::from(frame_rate.den) / 1_000_000;
        Ok(VideoInfo {
            track: self.index,
            ffmpeg_stream: self.index,
            codec: codec(&self.codec_name),
            profile: self.profile_name(),
            width: self.width,
            height: self.height,
            pixel_aspect: ratio(&self.sample_aspect_ratio, ':').unwrap_or(Ratio { num: 1, den: 1 }),
            // FFmpeg counts counter-clockwise.
            rotation: ((-rotation / 90.0).round() as i64).rem_euclid(4) as u16 * 90,
            frame_rate,
            constant_rate: self.r_frame_rate == self.avg_frame_rate,
            bit_depth,
            chroma,
            interlaced: matches!(self.field_order.as_str(), "tt" | "bb" | "tb" | "bt"),
            colour: self.colour(),
            passthrough: false,
            decode_by: DecodeBy::Ffmpeg,
            start_us,
            end_us,
            frames: counted.or(packets).unwrap_or(estimate as u64),
            bitrate: self.bit_rate.parse().or_else(|_| format.bit_rate.parse()).unwrap_or(0),
            keyframes_us: Vec::new(),
        })
    }

    fn audio(&self, zero_us: i64, format: &Format) -> AudioInfo {
        let (start_us, end_us) = self.span_us(zero_us, format);
        let language = Some(self.tags.language.as_str());
        let is_tag =
            |tag: &&str| (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        AudioInfo {
            track: self.index,
            ffmpeg_stream: self.index,
            codec: codec(&self.codec_name),
            sample_rate: self.sample_rate.parse().unwrap_or(48_000),
            channels: self.channels,
            language: language.filter(is_tag).unwrap_or("und").to_owned(),
            passthrough: false,
            decode_by: DecodeBy::Ffmpeg,
            start_us,
            end_us,
            bitrate: self.bit_rate.parse().unwrap_or(0),
        }
    }

    /// The average when it is a usual rate, else the lowest rate in which all times can be told, while it is sensible.
    fn frame_rate(&self) -> Ratio {
        let sensible = |rate: &Ratio| rate.num <= 240 * rate.den;
        let real = ratio(&self.r_frame_rate, '/').filter(sensible);
        let mean = ratio(&self.avg_frame_rate, '/').filter(sensible);
        let near = |a: Ratio, b: Ratio| {
            let (x, y) = (u64::from(a.num) * u64::from(b.den), u64::from(b.num) * u64::from(a.den));
            x.abs_diff(y) * 50 < x
        };
        match (real, mean) {
            (Some(real), Some(mean)) if near(real, mean) => real,
            (_, Some(mean)) => cadence::reduce(u64::from(mean.num) * 1000 / u64::from(mean.den), 1000).unwrap_or(mean),
            (Some(real), None) => real,
            (None, None) => Ratio { num: 25, den: 1 },
        }
    }

    fn profile_name(&self) -> String {
        let named = !self.profile.is_empty() && self.profile != "unknown";
        if named { self.profile.chars().take(40).collect() } else { String::new() }
    }

    fn colour(&self) -> Option<Colour> {
        let full_range = self.color_range == "pc" || self.pix_fmt.starts_with("yuvj");
        let point = |names: &[(&str, u16)], name: &str| {
            names.iter().find(|(known, _)| *known == name).map_or(2, |(_, point)| *point)
        };
        let colour = Colour {
            primaries: point(PRIMARIES, &self.color_primaries),
            transfer: point(TRANSFERS, &self.color_transfer),
            matrix: point(MATRICES, &self.color_space),
            full_range,
        };
        let says_something = full_range || [colour.primaries, colour.transfer, colour.matrix] != [2; 3];
        says_something.then_some(colour)
    }
}

/// FFmpeg's names of the code points of ISO/IEC 23091-2 (libavutil/pixdesc).
const PRIMARIES: &[(&str, u16)] = &[
    ("bt709", 1),
    ("bt470m", 4),
    ("bt470bg", 5),
    ("smpte170m", 6),
    ("smpte240m", 7),
    ("film", 8),
    ("bt2020", 9),
    ("smpte431", 11),
    ("smpte432", 12),
];
const TRANSFERS: &[(&str, u16)] = &[
    ("bt709", 1),
    ("bt470m", 4),
    ("bt470bg", 5),
    ("smpte170m", 6),
    ("smpte240m", 7),
    ("linear", 8),
    ("iec61966-2-4", 11),
    ("iec61966-2-1", 13),
    ("bt2020-10", 14),
    ("bt2020-12", 15),
    ("smpte2084", 16),
    ("arib-std-b67", 18),
];
const MATRICES: &[(&str, u16)] =
    &[("gbr", 0), ("bt709", 1), ("fcc", 4), ("bt470bg", 5), ("smpte170m", 6), ("smpte240m", 7), ("bt2020nc", 9)];

/// Bit depth and chroma of FFmpeg's pixel format names.
fn pixels(format: &str, raw_bits: &str) -> (u8, Chroma) {
    let chroma = match format {
        _ if format.contains("420") || format.starts_with("nv12") || format.starts_with("p010") => Chroma::C420,
        _ if format.contains("422") || format.starts_with("nv16") => Chroma::C422,
        _ if format.starts_with("gray") => Chroma::Grey,
        _ => Chroma::C444,
    };
    let named = [("16", 16), ("14", 14), ("12", 12), ("10", 10), ("9", 9)];
    let stem = format.trim_end_matches("le").trim_end_matches("be");
    let by_name = named.iter().find(|(end, _)| stem.ends_with(end) && !stem.starts_with("nv")).map(|(_, bits)| *bits);
    (by_name.or_else(|| raw_bits.parse().ok().filter(|bits| (8..=16).contains(bits))).unwrap_or(8), chroma)
}

fn codec(name: &str) -> Codec {
    match name {
        "h264" => Codec::H264,
        "hevc" => Codec::Hevc,
        "av1" => Codec::Av1,
        "vp8" => Codec::Vp8,
        "vp9" => Codec::Vp9,
        "rawvideo" => Codec::RawVideo,
        "aac" => Codec::Aac,
        "opus" => Codec::Opus,
        "mp3" => Codec::Mp3,
        "vorbis" => Codec::Vorbis,
        "flac" => Codec::Flac,
        _ if name.starts_with("pcm_") => Codec::Pcm,
        _ => Codec::Other(name.chars().take(32).collect()),
    }
}

/// Seconds as text in microseconds; `None` for `N/A` and what cannot be a time.
fn us(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    (seconds.is_finite() && seconds.abs() < 1e9).then(|| (seconds * 1e6).round() as i64)
}

/// Two whole numbers above zero with a sign between them.
fn ratio(text: &str, sign: char) -> Option<Ratio> {
    let (num, den) = text.split_once(sign)?;
    cadence::reduce(num.parse().ok()?, den.parse().ok()?)
}
