//! Compressed samples, and the tracks they belong to: what demuxing gives and packaging takes.

use serde::{Deserialize, Serialize};

/// How samples are compressed. The framing of each is fixed, whatever the container was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Samples are NAL units, each after its length; `config` is the body of `avcC` (ISO/IEC 14496-15 section 5.3.3).
    H264,
    /// Samples are temporal units without temporal delimiters; `config` is the body of `av1C` (AV1-ISOBMFF section 2.3).
    Av1,
    /// `config` is the body of `hvcC`.
    Hevc,
    /// `config` is empty or the body of `vpcC`.
    Vp8,
    /// `config` is empty or the body of `vpcC`.
    Vp9,
    /// Samples are whole pictures in planes, top to bottom; `config` is empty.
    RawVideo,
    /// Raw AAC frames without ADTS headers; `config` is the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).
    Aac,
    /// `config` is the body of `dOps`, ISO mapping, big-endian (Opus in ISOBMFF section 4.3.2).
    Opus,
    /// MPEG-1 layer III.
    Mp3,
    /// `config` is what the container had.
    Vorbis,
    /// `config` is what the container had.
    Flac,
    /// Uncompressed sound.
    Pcm,
    /// Anything else, named as the container or FFmpeg names it. Never decoded natively.
    Other(String),
}

impl Codec {
    /// A word for people.
    pub fn name(&self) -> &str {
        match self {
            Self::H264 => "H.264",
            Self::Av1 => "AV1",
            Self::Hevc => "HEVC",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::RawVideo => "raw video",
            Self::Aac => "AAC",
            Self::Opus => "Opus",
            Self::Mp3 => "MP3",
            Self::Vorbis => "Vorbis",
            Self::Flac => "FLAC",
            Self::Pcm => "PCM",
            Self::Other(name) => name,
        }
    }
}

/// What a track shows or plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// One track of a file, as its container describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceTrack {
    /// The container's own number of it (`track_ID`, TrackNumber); 1 where there is none.
    pub id: u64,
    /// Pictures or sound; tracks of other kinds are not listed.
    pub kind: MediaKind,
    /// How it is compressed.
    pub codec: Codec,
    /// Decoder configuration, see [`Codec`].
    pub config: Vec<u8>,
    /// Ticks a second of every time of its samples.
    pub timescale: u32,
    /// ISO 639-2 or BCP 47 tag, `und` when the file does not say.
    pub language: String,
    /// The file wants it played unless somebody chooses another (`track_enabled`, FlagDefault).
    pub default: bool,
    /// What only pictures have.
    pub picture: Option<PictureFormat>,
    /// What only sound has.
    pub sound: Option<SoundFormat>,
    /// What was done to put the samples on the asset's timeline.
    pub edit: Edit,
    /// Samples with several different decoder configurations: `config` is only the first.
    pub many_configs: bool,
    /// Samples are encrypted (`encv`, `enca`, ContentEncryption).
    pub encrypted: bool,
}

/// What the container says about a track of pictures. The bitstream may know better; see [`crate::probe()`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureFormat {
    /// Coded width in pixels.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// Width of a pixel over its height, as numerator and denominator, when given.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Degrees clockwise by which the picture must be turned to stand upright: 0, 90, 180, 270.
    pub rotation: u16,
    /// Colour description of the container (`colr`, Matroska Colour).
    pub colour: Option<Colour>,
    /// Nominal duration of a picture in nanoseconds, 0 when not given (Matroska DefaultDuration).
    pub default_duration_ns: u64,
    /// Layout of [`Codec::RawVideo`].
    pub raw: Option<RawLayout>,
}

/// What the container says about a track of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundFormat {
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u16,
}

/// Code points of ISO/IEC 23091-2 (`nclx`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// `colour_primaries`.
    pub primaries: u16,
    /// `transfer_characteristics`.
    pub transfer: u16,
    /// `matrix_coefficients`.
    pub matrix: u16,
    /// Samples use 0-255 instead of 16-235.
    pub full_range: bool,
}

/// Planes of an uncompressed picture: 8-bit only, luma first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawLayout {
    /// 4:2:0 planar.
    I420,
    /// 4:2:2 planar.
    I422,
    /// 4:4:4 planar.
    I444,
    /// Luma only.
    Grey,
}

/// How a track's own times were moved onto the asset's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edit {
    /// Presentation time in ticks at which the track ends: samples from here on are cut off by the edit list.
    pub end: Option<i64>,
    /// The edit list plays several pieces of the track; only the first is on the timeline here.
    pub several: bool,
}

/// Where one sample is and when it is shown. Kept for every sample of a file: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// First byte in the file.
    pub offset: u64,
    /// Presentation time in track ticks on the asset's timeline. Negative: decoded, not shown (priming, preroll).
    pub pts: i64,
    /// Decode time in track ticks: the i-th sample in decode order has the i-th smallest presentation time, so that
    /// durations are distances between shown pictures and a run of samples lasts as long as it is shown.
    pub dts: i64,
    /// Ticks until the next `dts`.
    pub duration: u32,
    size_and_sync: u32,
}

impl Sample {
    /// `size` must be below 2^31, which [`crate::Limits::sample_bytes_max`] sees to.
    pub fn new(offset: u64, size: u32, pts: i64, duration: u32, sync: bool) -> Self {
        debug_assert!(size >> 31 == 0);
        Self { offset, pts, dts: pts, duration, size_and_sync: size | u32::from(sync) << 31 }
    }

    /// Bytes.
    pub fn size(&self) -> u32 {
        self.size_and_sync & (u32::MAX >> 1)
    }

    /// Decoding can start here.
    pub fn sync(&self) -> bool {
        self.size_and_sync >> 31 != 0
    }

    pub(crate) fn set_sync(&mut self, sync: bool) {
        self.size_and_sync = self.size() | u32::from(sync) << 31;
    }
}

/// One compressed sample with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Framing as said at [`Codec`].
    pub data: Vec<u8>,
    /// See [`Sample::pts`].
    pub pts: i64,
    /// See [`Sample::dts`].
    pub dts: i64,
    /// See [`Sample::duration`].
    pub duration: u32,
    /// Decoding can start here.
    pub sync: bool,
}
