//! Every bound of this crate, with its why.

/// What a source may be. All counts are checked before anything of that size is allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Samples in one track. 32 bytes each in memory; 4 Mi are 19 hours at 60 pictures a second.
    pub samples_max: usize,
    /// Tracks looked at; the rest is ignored. Real files have fewer than ten.
    pub tracks_max: usize,
    /// Bytes of one sample. A lossless 4K picture has 12 MiB; larger claims are damage.
    pub sample_bytes_max: u32,
    /// Bytes of an MP4's table of contents (`moov`). Ten hours of film with sound have about 20 MiB.
    pub moov_bytes_max: u64,
    /// Bytes of any other header kept in memory (`moof`, EBML track entries, codec configuration).
    pub header_bytes_max: u64,
    /// Boxes or elements walked in one file, against files that are all headers.
    pub boxes_max: u64,
    /// Pixels of a picture: width times height. 8192 x 4352; a decoder needs about 20 times this in bytes.
    pub pixels_max: u64,
    /// Width or height of a picture in pixels.
    pub side_max: u32,
    /// Microseconds between two places where a passed-through film can be cut. Its segments are at least that long, and
    /// players and caches hold whole segments; beyond this the film is encoded again.
    pub passthrough_gap_us_max: u64,
    /// Pictures in a row that may fail to decode before the stream is given up.
    pub corrupt_in_a_row_max: u32,
    /// Bytes of FFprobe's answer.
    pub ffprobe_bytes_max: usize,
    /// Seconds FFprobe may take.
    pub ffprobe_seconds_max: u64,
    /// Seconds FFmpeg may take between two pictures; seeking in a long file without an index is slow.
    pub ffmpeg_stall_seconds_max: u64,
}

impl Limits {
    /// The limits used by [`crate::probe()`] and [`crate::FrameSource`].
    pub const DEFAULT: Self = Self {
        samples_max: 4 << 20,
        tracks_max: 64,
        sample_bytes_max: 64 << 20,
        moov_bytes_max: 256 << 20,
        header_bytes_max: 16 << 20,
        boxes_max: 8 << 20,
        pixels_max: 8192 * 4352,
        side_max: 16_384,
        passthrough_gap_us_max: 60_000_000,
        corrupt_in_a_row_max: 250,
        ffprobe_bytes_max: 1 << 20,
        ffprobe_seconds_max: 30,
        ffmpeg_stall_seconds_max: 60,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
