//! What can go wrong with a source, each with a stable code and a sentence for the person who uploaded it.

use std::io;

/// Why a source could not be used. [`MediaError::code`] is stable and goes into the API; the `Display` sentence
/// is for a person and says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file has no bytes.
    #[error("The file is empty. Check that the upload was complete and try again.")]
    Empty,
    /// The bytes are something else: text, a web page, a picture, zeros.
    #[error("This is not a video or audio file: it looks like {looks_like}. Upload the media file itself.")]
    NotMedia {
        /// What it seems to be, with its article: `an HTML page`.
        looks_like: &'static str,
    },
    /// A playlist or manifest: it names media but holds none.
    #[error(
        "This is {kind}, a list of addresses and not the media itself. Download the video it points to and upload that."
    )]
    Playlist {
        /// Which one, with its article: `an HLS playlist (m3u8)`.
        kind: &'static str,
    },
    /// The file ends before what its own tables promise.
    #[error("The file is cut off ({detail}). The upload or the recording was interrupted; upload the whole file.")]
    Truncated {
        /// Where it ends and what is missing.
        detail: &'static str,
    },
    /// An MP4 without its table of contents (ISO/IEC 14496-12 section 8.2.1).
    #[error(
        "The MP4 file has no table of contents (moov box): the recording was probably not finished. Repair it with the program that recorded it, or export it again."
    )]
    NoMoov,
    /// Tracks are there, samples are not.
    #[error("The file describes tracks but holds no pictures and no sound. Export it again from the source.")]
    NoSamples,
    /// Neither pictures nor sound.
    #[error("The file has neither a video nor an audio track that could be played.")]
    NoTracks,
    /// All samples last no time at all.
    #[error("The video has a length of zero seconds. Export it again from the source.")]
    ZeroDuration,
    /// Bytes that contradict the container's specification.
    #[error(
        "The {container} file is damaged: {what}. Export it again, or remux it with FFmpeg, and upload the result."
    )]
    Malformed {
        /// `MP4`, `Matroska`, ...
        container: &'static str,
        /// What does not fit.
        what: &'static str,
    },
    /// A number above what this server accepts.
    #[error("The file is beyond a limit of this server: {what} is {value}, at most {max} is allowed.")]
    OverLimit {
        /// What is counted: `the number of samples in a track`.
        what: &'static str,
        /// What the file has.
        value: u64,
        /// The limit.
        max: u64,
    },
    /// Encrypted samples (ISO/IEC 23001-7): there is no key.
    #[error("The file is encrypted (DRM). Upload a version without copy protection.")]
    Encrypted,
    /// Neither we nor the installed FFmpeg can decode it.
    #[error("The codec {codec} cannot be decoded here. Convert the file to H.264 and AAC in MP4 and upload that.")]
    UnsupportedCodec {
        /// As the container or FFmpeg calls it.
        codec: String,
    },
    /// It would work if FFmpeg was installed.
    #[error(
        "{what} needs FFmpeg, which is not installed on this server. Install it (Debian: apt install ffmpeg) or upload H.264 or AV1 with AAC or Opus in MP4, MKV or WebM."
    )]
    NeedsFfmpeg {
        /// The container or codec: `HEVC video`.
        what: String,
    },
    /// FFmpeg ran and gave up.
    #[error("FFmpeg could not read the file: {detail}")]
    Ffmpeg {
        /// The last line it wrote, bounded.
        detail: String,
    },
    /// FFmpeg made no progress.
    #[error(
        "FFmpeg made no progress for {seconds} s while reading the file and was stopped. The file may be damaged; try to export it again."
    )]
    FfmpegTimeout {
        /// How long it was given.
        seconds: u64,
    },
    /// The stream is so broken that what comes out would not be the film.
    #[error(
        "The {codec} video is damaged: {failed} pictures in a row could not be decoded. Export it again from the source."
    )]
    CorruptVideo {
        /// Codec of the stream.
        codec: &'static str,
        /// Pictures that failed.
        failed: u32,
    },
    /// The sound cannot be decoded.
    #[error("The {codec} sound is damaged: {detail}. Export it again from the source.")]
    CorruptAudio {
        /// Codec of the stream.
        codec: &'static str,
        /// What the decoder said, bounded.
        detail: String,
    },
    /// An encoder refused; ours to fix.
    #[error("The {codec} encoder failed: {detail}")]
    Encode {
        /// Which encoder.
        codec: &'static str,
        /// What it said.
        detail: String,
    },
    /// The source's H.264 cannot be published as it is after all; encode it ([`crate::Plan::without_passthrough`]).
    #[error("The H.264 video cannot be published without encoding it: {why}.")]
    CannotPassThrough {
        /// What is in the way.
        why: &'static str,
    },
    /// A codec panicked; the process lives on.
    #[error(
        "A codec crashed on this file ({detail}). Try to export it again from the source, or convert it to H.264 in MP4."
    )]
    CodecCrashed {
        /// What it said, bounded.
        detail: String,
    },
    /// The caller asked to stop.
    #[error("The work was cancelled.")]
    Cancelled,
    /// What the caller does with the output failed (a full disk, a lost catalogue).
    #[error("The result could not be stored: {0}")]
    Output(Box<dyn std::error::Error + Send + Sync>),
    /// The disk under the source.
    #[error("The file could not be read: {0}")]
    Io(#[from] io::Error),
}

impl MediaError {
    /// Stable word for the API, the counters and the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::NotMedia { .. } => "not_media",
            Self::Playlist { .. } => "is_playlist",
            Self::Truncated { .. } => "truncated",
            Self::NoMoov => "no_moov",
            Self::NoSamples => "no_samples",
            Self::NoTracks => "no_tracks",
            Self::ZeroDuration => "zero_duration",
            Self::Malformed { .. } => "malformed",
            Self::OverLimit { .. } => "over_limit",
            Self::Encrypted => "encrypted",
            Self::UnsupportedCodec { .. } => "unsupported_codec",
            Self::NeedsFfmpeg { .. } => "needs_ffmpeg",
            Self::Ffmpeg { .. } => "ffmpeg_failed",
            Self::FfmpegTimeout { .. } => "ffmpeg_timeout",
            Self::CorruptVideo { .. } => "corrupt_video",
            Self::CorruptAudio { .. } => "corrupt_audio",
            Self::Encode { .. } => "encode_failed",
            Self::CannotPassThrough { .. } => "cannot_pass_through",
            Self::CodecCrashed { .. } => "codec_crashed",
            Self::Cancelled => "cancelled",
            Self::Output(_) => "output_failed",
            Self::Io(_) => "io",
        }
    }
}
