//! Track entries (RFC 9559 section 5.1.4): which codec, what its decoder needs, how the picture is shown.

use super::ebml::Elements;
use super::id;
use crate::demux::bytes::Bytes;
use crate::packet::{Codec, Colour, Edit, MediaKind, PictureFormat, SoundFormat, SourceTrack};

/// A track and what is needed to time and read its blocks.
#[derive(Debug)]
pub(crate) struct Entry {
    pub track: SourceTrack,
    /// Bytes to put before every frame (header stripping, section 5.1.4.1.31.6).
    pub prefix: Vec<u8>,
    /// Taken off every timestamp (section 5.1.4.1.25).
    pub codec_delay_ns: u64,
    /// Nominal duration of a frame, 0 when not given (section 5.1.4.1.13).
    pub default_duration_ns: u64,
}

/// `None` for tracks that are neither pictures nor sound.
pub(crate) fn read(entry: &[u8]) -> Option<Entry> {
    let elements = Elements(entry);
    let kind = match elements.unsigned(id::TRACK_TYPE)? {
        1 => MediaKind::Video,
        2 => MediaKind::Audio,
        _ => return None,
    };
    let codec_id = elements.text(id::CODEC_ID).unwrap_or_default();
    let private = elements.find(id::CODEC_PRIVATE).unwrap_or_default();
    let (codec, config) = codec(&codec_id, private);
    let encoding = Encoding::read(elements);
    let codec = if encoding.compressed { Codec::Other(format!("{} (compressed)", codec.name())) } else { codec };
    let flag = |id, default| elements.unsigned(id).unwrap_or(default) != 0;
    let language = elements.text(id::LANGUAGE_BCP47).or_else(|| elements.text(id::LANGUAGE));
    let default_duration_ns = elements.unsigned(id::DEFAULT_DURATION).unwrap_or(0);
    let picture = elements.find(id::VIDEO).map(|video| picture(Elements(video), default_duration_ns));
    let track = SourceTrack {
        id: elements.unsigned(id::TRACK_NUMBER)?,
        kind,
        codec,
        config,
        timescale: super::timeline::NANOSECONDS,
        language: language.filter(|tag| is_tag(tag)).unwrap_or_else(|| "und".to_owned()),
        default: flag(id::FLAG_DEFAULT, 1) && flag(id::FLAG_ENABLED, 1),
        picture: picture.filter(|_| kind == MediaKind::Video),
        sound: elements.find(id::AUDIO).map(|audio| sound(Elements(audio))).filter(|_| kind == MediaKind::Audio),
        edit: Edit::default(),
        many_configs: false,
        encrypted: encoding.encrypted,
    };
    let codec_delay_ns = elements.unsigned(id::CODEC_DELAY).unwrap_or(0).min(1_000_000_000);
    Some(Entry { track, prefix: encoding.prefix, codec_delay_ns, default_duration_ns })
}

fn is_tag(tag: &str) -> bool {
    (2..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Codec mappings (Matroska Codec Specifications). A codec without the configuration it needs is left to FFmpeg.
fn codec(codec_id: &str, private: &[u8]) -> (Codec, Vec<u8>) {
    let codec = match codec_id {
        "V_MPEG4/ISO/AVC" if private.len() >= 7 => Codec::H264,
        "V_AV1" => Codec::Av1,
        "V_MPEGH/ISO/HEVC" => Codec::Hevc,
        "V_VP8" => Codec::Vp8,
        "V_VP9" => Codec::Vp9,
        "A_AAC" if private.len() >= 2 => Codec::Aac,
        "A_OPUS" => match opus_head_to_dops(private) {
            Some(dops) => return (Codec::Opus, dops),
            None => Codec::Other("Opus without a header".to_owned()),
        },
        "A_MPEG/L3" => Codec::Mp3,
        "A_VORBIS" => Codec::Vorbis,
        "A_FLAC" => Codec::Flac,
        "A_PCM/INT/LIT" | "A_PCM/INT/BIG" | "A_PCM/FLOAT/IEEE" => Codec::Pcm,
        "A_AC3" => Codec::Other("AC-3".to_owned()),
        "A_EAC3" => Codec::Other("E-AC-3".to_owned()),
        other => Codec::Other(other.chars().filter(char::is_ascii_graphic).take(32).collect()),
    };
    (codec, private.to_vec())
}

/// The identification header of Ogg (RFC 7845 section 5.1, little-endian) as the body of `dOps` (big-endian).
fn opus_head_to_dops(head: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes(head.strip_prefix(b"OpusHead")?);
    let version = bytes.u8()?;
    let channels = bytes.u8()?;
    let pre_skip = u16::from_le_bytes(bytes.array()?);
    let input_rate = u32::from_le_bytes(bytes.array()?);
    let gain = i16::from_le_bytes(bytes.array()?);
    let family = bytes.u8()?;
    let mut dops = vec![0, channels];
    dops.extend(pre_skip.to_be_bytes());
    dops.extend(input_rate.to_be_bytes());
    dops.extend(gain.to_be_bytes());
    dops.push(family);
    if family != 0 {
        dops.extend(bytes.take(2 + usize::from(channels))?);
    }
    (version >> 4 == 0 && channels > 0).then_some(dops)
}

fn picture(video: Elements, default_duration_ns: u64) -> PictureFormat {
    let side = |id| video.unsigned(id).map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let (width, height) = (side(id::PIXEL_WIDTH).unwrap_or(0), side(id::PIXEL_HEIGHT).unwrap_or(0));
    let shown =
        side(id::DISPLAY_WIDTH).zip(side(id::DISPLAY_HEIGHT)).filter(|(width, height)| *width > 0 && *height > 0);
    let (shown_width, shown_height) = shown.unwrap_or((width.max(1), height.max(1)));
    // Units 0 (pixels), 1 and 2 (lengths) and 3 (aspect) all give the same ratio; 4 is unknown (section 5.1.4.1.28.14).
    let pixel_aspect = match video.unsigned(id::DISPLAY_UNIT).unwrap_or(0) {
        0..=3 => {
            reduce(u64::from(shown_width) * u64::from(height.max(1)), u64::from(shown_height) * u64::from(width.max(1)))
        }
        _ => None,
    };
    let pixel_aspect = pixel_aspect.filter(|_| shown.is_some());
    let roll = video.find(id::PROJECTION).and_then(|projection| Elements(projection).float(id::PROJECTION_POSE_ROLL));
    // Roll turns the picture counter-clockwise.
    let rotation = match roll.unwrap_or(0.0).round() as i64 {
        90 | -270 => 270,
        180 | -180 => 180,
        -90 | 270 => 90,
        _ => 0,
    };
    let colour = video.find(id::COLOUR).and_then(|colour| {
        let colour = Elements(colour);
        let point = |id| u16::try_from(colour.unsigned(id).unwrap_or(2)).unwrap_or(2);
        let full_range = colour.unsigned(id::RANGE) == Some(2);
        let found = Colour {
            primaries: point(id::PRIMARIES),
            transfer: point(id::TRANSFER),
            matrix: point(id::MATRIX_COEFFICIENTS),
            full_range,
        };
        let says_something = full_range || [found.primaries, found.transfer, found.matrix] != [2; 3];
        says_something.then_some(found)
    });
    PictureFormat { width, height, pixel_aspect, rotation, colour, default_duration_ns, raw: None }
}

/// A fraction in lowest terms. Display sizes are whole pixels, so a ratio within half a pixel of square is square.
fn reduce(num: u64, den: u64) -> Option<(u32, u32)> {
    let ratio = crate::demux::cadence::reduce(num, den)?;
    let square = num.abs_diff(den) * 500 < num;
    Some(if square { (1, 1) } else { (ratio.num, ratio.den) })
}

fn sound(audio: Elements) -> SoundFormat {
    let sample_rate = audio.float(id::SAMPLING_FREQUENCY).unwrap_or(8000.0).clamp(0.0, 1e7) as u32;
    let channels = audio.unsigned(id::CHANNELS).unwrap_or(1).min(u16::MAX.into()) as u16;
    SoundFormat { sample_rate, channels }
}

/// What was done to the frames of a track (section 5.1.4.1.31).
#[derive(Default)]
struct Encoding {
    prefix: Vec<u8>,
    compressed: bool,
    encrypted: bool,
}

impl Encoding {
    fn read(entry: Elements) -> Self {
        let mut all = Self::default();
        let encodings = Elements(entry.find(id::CONTENT_ENCODINGS).unwrap_or_default());
        for (_, encoding) in encodings.filter(|(found, _)| *found == id::CONTENT_ENCODING) {
            let encoding = Elements(encoding);
            if encoding.unsigned(id::CONTENT_ENCODING_TYPE) == Some(1) {
                all.encrypted = true;
                continue;
            }
            let compression = Elements(encoding.find(id::CONTENT_COMPRESSION).unwrap_or_default());
            match compression.unsigned(id::CONTENT_COMP_ALGO).unwrap_or(0) {
                3 => all.prefix = compression.find(id::CONTENT_COMP_SETTINGS).unwrap_or_default().to_vec(),
                _ => all.compressed = true,
            }
        }
        // A prefix multiplies with the number of frames; real ones have a few bytes.
        all.compressed |= all.prefix.len() > 256;
        all
    }
}
