//! What probing found out about a source. Stored with the asset and the job, so all of it is serde.

use crate::packet::{Codec, Colour};
use serde::{Deserialize, Serialize};
use wire::presentation::Ratio;

/// What a file is wrapped in, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MP4, MOV, M4A, 3GP, fragmented or not (ISO/IEC 14496-12).
    Mp4,
    /// Matroska or WebM.
    Matroska,
    /// YUV4MPEG2.
    Y4m,
    /// IVF.
    Ivf,
    /// MPEG transport stream.
    MpegTs,
    /// MPEG program stream.
    MpegPs,
    /// AVI.
    Avi,
    /// Flash video.
    Flv,
    /// ASF, WMV, WMA.
    Asf,
    /// Ogg.
    Ogg,
    /// RIFF WAVE.
    Wav,
    /// MPEG audio, with or without ID3.
    Mp3,
    /// AAC in ADTS.
    Adts,
    /// FLAC.
    Flac,
    /// A bare MPEG-1/2 video stream.
    MpegVideo,
    /// A bare H.264 stream in Annex B.
    H264AnnexB,
    /// A bare HEVC stream in Annex B.
    HevcAnnexB,
}

impl Container {
    /// A word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::Matroska => "Matroska",
            Self::Y4m => "YUV4MPEG2",
            Self::Ivf => "IVF",
            Self::MpegTs => "MPEG transport stream",
            Self::MpegPs => "MPEG program stream",
            Self::Avi => "AVI",
            Self::Flv => "FLV",
            Self::Asf => "ASF/WMV",
            Self::Ogg => "Ogg",
            Self::Wav => "WAV",
            Self::Mp3 => "MP3",
            Self::Adts => "AAC (ADTS)",
            Self::Flac => "FLAC",
            Self::MpegVideo => "MPEG video stream",
            Self::H264AnnexB => "H.264 byte stream",
            Self::HevcAnnexB => "HEVC byte stream",
        }
    }

    /// FFmpeg's demuxer for it, forced with `-f` so that content cannot choose another.
    pub fn ffmpeg_demuxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mov",
            Self::Matroska => "matroska",
            Self::Y4m => "yuv4mpegpipe",
            Self::Ivf => "ivf",
            Self::MpegTs => "mpegts",
            Self::MpegPs => "mpeg",
            Self::Avi => "avi",
            Self::Flv => "flv",
            Self::Asf => "asf",
            Self::Ogg => "ogg",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Adts => "aac",
            Self::Flac => "flac",
            Self::MpegVideo => "mpegvideo",
            Self::H264AnnexB => "h264",
            Self::HevcAnnexB => "hevc",
        }
    }
}

/// Who decodes a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecodeBy {
    /// This crate, in the process.
    Native,
    /// FFmpeg, as a child process.
    Ffmpeg,
}

/// How chroma is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chroma {
    /// Luma only.
    Grey,
    /// 4:2:0.
    C420,
    /// 4:2:2.
    C422,
    /// 4:4:4, RGB and everything else.
    C444,
}

/// A source: one video track, one audio track, the rest is ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// What it is wrapped in.
    pub container: Container,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// End of the later track on the asset's timeline, which starts at zero, in microseconds.
    pub duration_us: u64,
    /// The chosen video track.
    pub video: Option<VideoInfo>,
    /// The chosen audio track.
    pub audio: Option<AudioInfo>,
}

/// The chosen video track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoInfo {
    /// Index into [`crate::demux::Demuxer::tracks`] when the container is read natively, else FFmpeg's stream index.
    pub track: u32,
    /// FFmpeg's index of the stream, when FFmpeg decodes it.
    pub ffmpeg_stream: u32,
    /// How it is compressed.
    pub codec: Codec,
    /// Profile and level for people: `High@4.0`; empty when unknown.
    pub profile: String,
    /// Width of a decoded picture in pixels, before pixel aspect and rotation.
    pub width: u32,
    /// Height of a decoded picture in pixels.
    pub height: u32,
    /// Width of a pixel over its height.
    pub pixel_aspect: Ratio,
    /// Degrees clockwise by which the decoded picture is turned to stand upright: 0, 90, 180, 270.
    pub rotation: u16,
    /// Mean frame rate, recognised (30000/1001, 25/1, ...) where it is a usual one.
    pub frame_rate: Ratio,
    /// All pictures last equally long (within the precision of the container).
    pub constant_rate: bool,
    /// Bits of a luma sample.
    pub bit_depth: u8,
    /// Chroma sampling.
    pub chroma: Chroma,
    /// Fields instead of frames.
    pub interlaced: bool,
    /// Colour description, of the bitstream, else of the container.
    pub colour: Option<Colour>,
    /// H.264 that can be published as it is: 4:2:0, 8 bits, progressive, natively demuxed, upright, one configuration,
    /// starting with a keyframe at the start of the presentation.
    pub passthrough: bool,
    /// Who decodes it.
    pub decode_by: DecodeBy,
    /// Presentation time of the first shown picture in microseconds.
    pub start_us: u64,
    /// Presentation time at which the last picture ends in microseconds.
    pub end_us: u64,
    /// Pictures that are shown; an estimate where FFmpeg decodes.
    pub frames: u64,
    /// Mean bits a second; 0 when unknown.
    pub bitrate: u64,
    /// Presentation times of the keyframes in microseconds, ascending; empty where FFmpeg demuxes.
    pub keyframes_us: Vec<u64>,
}

impl VideoInfo {
    /// Size of the picture as [`crate::FrameSource`] gives it: rotated, pixels not yet square.
    pub fn upright_size(&self) -> (u32, u32) {
        match self.rotation {
            90 | 270 => (self.height, self.width),
            _ => (self.width, self.height),
        }
    }

    /// Size of the picture as it is seen: upright, square pixels, not yet even. Never larger than the source in
    /// the direction that is kept: wide pixels widen the picture, narrow ones heighten it.
    pub fn display_size(&self) -> (u32, u32) {
        let Ratio { num, den } = self.pixel_aspect;
        let scale = |side: u32, num: u32, den: u32| {
            (u64::from(side) * u64::from(num) + u64::from(den) / 2) / u64::from(den.max(1))
        };
        let (width, height) = if num >= den {
            (scale(self.width, num, den), u64::from(self.height))
        } else {
            (u64::from(self.width), scale(self.height, den, num))
        };
        let (width, height) = (width.clamp(1, 1 << 16) as u32, height.clamp(1, 1 << 16) as u32);
        match self.rotation {
            90 | 270 => (height, width),
            _ => (width, height),
        }
    }
}

/// The chosen audio track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// Index into [`crate::demux::Demuxer::tracks`] when the container is read natively, else FFmpeg's stream index.
    pub track: u32,
    /// FFmpeg's index of the stream, when FFmpeg decodes it.
    pub ffmpeg_stream: u32,
    /// How it is compressed.
    pub codec: Codec,
    /// Samples a second of the decoded sound.
    pub sample_rate: u32,
    /// Channels of the decoded sound.
    pub channels: u16,
    /// BCP 47 tag, `und` when the file does not say.
    pub language: String,
    /// AAC-LC that can be published as it is.
    pub passthrough: bool,
    /// Native: AAC and Opus in containers that are read natively; packets come from [`crate::demux::Demuxer`].
    pub decode_by: DecodeBy,
    /// Presentation time of the first heard sample in microseconds.
    pub start_us: u64,
    /// Presentation time at which the sound ends in microseconds.
    pub end_us: u64,
    /// Mean bits a second; 0 when unknown.
    pub bitrate: u64,
}
