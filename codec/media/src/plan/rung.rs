//! Renditions that are encoded: which, how large, how well.

use crate::ladder::Ladder;
use crate::source_info::VideoInfo;
use serde::{Deserialize, Serialize};
use wire::presentation::Ratio;

/// Codecs we encode pictures with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// rav1e.
    Av1,
    /// openh264.
    H264,
}

impl VideoCodec {
    /// A word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Av1 => "AV1",
            Self::H264 => "H.264",
        }
    }
}

/// One encoded rendition. Square pixels, upright.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Track name: the codec and the shorter side in pixels, `av1-720`.
    pub name: String,
    /// How it is encoded.
    pub codec: VideoCodec,
    /// Pixels in a row, even.
    pub width: u32,
    /// Rows, even.
    pub height: u32,
    /// Mean frame rate, at most 60.
    pub frame_rate: Ratio,
    /// Ticks a second of the track.
    pub timescale: u32,
    /// Mean bits a second to aim at; H.264 only, 0 for AV1.
    pub bitrate: u32,
    /// Base quantizer, 1 to 255; AV1 only, 0 for H.264.
    pub quantizer: u8,
    /// Encoder speed, 0 to 10; AV1 only.
    pub speed: u8,
}

/// Least side in pixels: rav1e and openh264 take no less.
const SIDE_MIN: u32 = 16;
/// openh264 takes no more (level 5.2), in either direction.
const H264_LONG_SIDE_MAX: u32 = 3840;
const H264_SHORT_SIDE_MAX: u32 = 2160;
/// AV1 level 6 ends at 16384; nobody decodes that.
const AV1_LONG_SIDE_MAX: u32 = 8192;
const FRAME_RATE_MAX: u64 = 60;

/// What to encode for this source: an H.264 rendition if its own cannot be published, and AV1 at each step of the ladder
/// that is not above the source, or at the source's own size if all steps are.
pub fn rungs(video: &VideoInfo, ladder: &Ladder) -> Vec<Rung> {
    let size = video.display_size();
    let short = size.0.min(size.1);
    let mut steps: Vec<u32> = ladder.heights.iter().copied().filter(|&step| step >= SIDE_MIN).collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    steps.dedup();
    let h264 = (!video.passthrough).then(|| {
        let cap = steps.first().copied().unwrap_or(short).min(H264_SHORT_SIDE_MAX);
        rung(video, ladder, VideoCodec::H264, scaled(size, short.min(cap), H264_LONG_SIDE_MAX))
    });
    let fitting: Vec<u32> = steps.iter().copied().filter(|&step| step <= short).collect();
    let av1 = match (fitting.is_empty(), steps.is_empty()) {
        (_, true) => Vec::new(),
        (true, false) => vec![short],
        (false, false) => fitting,
    };
    let av1 = av1.into_iter().map(|step| rung(video, ladder, VideoCodec::Av1, scaled(size, step, AV1_LONG_SIDE_MAX)));
    let mut rungs: Vec<Rung> = h264.into_iter().chain(av1).collect();
    // Two steps become one where the long side is capped.
    rungs.dedup_by(|a, b| a.name == b.name);
    rungs
}

fn rung(video: &VideoInfo, ladder: &Ladder, codec: VideoCodec, (width, height): (u32, u32)) -> Rung {
    let short = width.min(height);
    let frame_rate = halved(video.frame_rate);
    let name = match codec {
        VideoCodec::Av1 => format!("av1-{short}"),
        VideoCodec::H264 => format!("h264-{short}"),
    };
    let (bitrate, quantizer, speed) = match codec {
        VideoCodec::H264 => (h264_bitrate(width, height, frame_rate), 0, 0),
        VideoCodec::Av1 => (0, av1_quantizer(ladder, short), ladder.av1_speed.min(10)),
    };
    let timescale = super::timescale(frame_rate, video.constant_rate);
    Rung { name, codec, width, height, frame_rate, timescale, bitrate, quantizer, speed }
}

/// The size whose shorter side is `short`, even, with the aspect ratio of `size`, the longer side at most `long_max`.
fn scaled((width, height): (u32, u32), short: u32, long_max: u32) -> (u32, u32) {
    let (source_long, source_short) = (u64::from(width.max(height)), u64::from(width.min(height)).max(1));
    let long = u64::from(short) * source_long / source_short;
    let (short, long) = match long > u64::from(long_max) {
        true => (u64::from(long_max) * source_short / source_long, u64::from(long_max)),
        false => (short.into(), (u64::from(short) * source_long + source_short / 2) / source_short),
    };
    // The shorter side is rounded down, never above the source; the longer one to the nearest even number.
    let short = (short as u32 & !1).max(SIDE_MIN);
    let long = ((long as u32 + 1) & !1).min(source_long.max(2) as u32 & !1).max(short);
    if width >= height { (long, short) } else { (short, long) }
}

/// Halved until at most sixty a second.
fn halved(frame_rate: Ratio) -> Ratio {
    let Ratio { num, mut den } = frame_rate;
    while u64::from(num) > FRAME_RATE_MAX * u64::from(den) {
        den *= 2;
    }
    if num.is_multiple_of(2) && den.is_multiple_of(2) && num > 0 {
        let twos = num.trailing_zeros().min(den.trailing_zeros());
        return Ratio { num: num >> twos, den: den >> twos };
    }
    Ratio { num, den }
}

/// A tenth of a bit a pixel: what constrained baseline needs to look decent.
fn h264_bitrate(width: u32, height: u32, Ratio { num, den }: Ratio) -> u32 {
    let pixels_a_second = u64::from(width) * u64::from(height) * u64::from(num) / u64::from(den.max(1));
    (pixels_a_second / 10).clamp(200_000, 12_000_000) as u32
}

/// Large pictures are seen from further away, pixel for pixel, and hide more.
fn av1_quantizer(ladder: &Ladder, short: u32) -> u8 {
    match (ladder.av1_quantizer, short) {
        (0, 1080..) => 120,
        (0, 720..) => 112,
        (0, 480..) => 104,
        (0, _) => 96,
        (quantizer, _) => quantizer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: (u32, u32), short: u32, expected: (u32, u32)) {
        assert_eq!(scaled(size, short, H264_LONG_SIDE_MAX), expected, "{size:?} at {short}");
    }

    #[test]
    fn sizes_are_even_keep_the_aspect_and_never_grow() {
        check((1920, 1080), 480, (854, 480));
        check((1920, 1080), 360, (640, 360));
        check((1080, 1920), 480, (480, 854));
        check((1024, 576), 576, (1024, 576));
        check((321, 241), 241, (320, 240));
        check((853, 480), 480, (852, 480));
        check((9000, 900), 900, (3840, 384));
        check((3, 3), 3, (16, 16));
    }

    #[test]
    fn high_frame_rates_are_halved() {
        let rate = |num, den| halved(Ratio { num, den });
        assert_eq!(rate(60, 1), Ratio { num: 60, den: 1 });
        assert_eq!(rate(120, 1), Ratio { num: 60, den: 1 });
        assert_eq!(rate(120_000, 1001), Ratio { num: 60_000, den: 1001 });
        assert_eq!(rate(144, 1), Ratio { num: 36, den: 1 });
    }
}
