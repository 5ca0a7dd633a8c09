//! What a track costs a network, measured from its segments: the peak and the mean, in bits a second, rounded up.

use crate::presentation::{Segment, Track};

/// Peak segment bit rate (RFC 8216bis section 4.4.6.2): the largest of any run of segments that lasts between 0.5 and 1.5
/// times the track's target duration. A last segment of two frames therefore does not count on its own.
pub fn peak(track: &Track) -> u64 {
    let target = u128::from(target_duration_s(track.longest_segment_us())) * u128::from(track.timescale);
    let mut peak = 0;
    for first in 0..track.segments.len() {
        let (mut bytes, mut ticks) = (0, 0);
        for segment in &track.segments[first..] {
            bytes += u128::from(segment.bytes);
            ticks += u128::from(segment.duration);
            if 2 * ticks > 3 * target {
                break;
            }
            if 2 * ticks >= target {
                peak = peak.max(rate(bytes, ticks, track.timescale));
            }
        }
    }
    if peak == 0 { average(track) } else { peak }
}

/// Average segment bit rate: all bytes over all time.
pub fn average(track: &Track) -> u64 {
    let sum = |f: fn(&Segment) -> u64| track.segments.iter().map(|s| u128::from(f(s))).sum();
    rate(sum(|s| s.bytes), sum(|s| s.duration), track.timescale)
}

/// `EXT-X-TARGETDURATION`: the longest segment to the nearest second (RFC 8216 section 4.3.3.1), at least 1.
pub fn target_duration_s(longest_segment_us: u64) -> u64 {
    ((longest_segment_us + 500_000) / 1_000_000).max(1)
}

fn rate(bytes: u128, ticks: u128, timescale: u32) -> u64 {
    if ticks == 0 {
        return 0;
    }
    u64::try_from((bytes * 8 * u128::from(timescale)).div_ceil(ticks)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presentation::TrackKind;

    /// Segments of `(milliseconds, bytes)`.
    fn check(segments: &[(u64, u64)], expected_peak: u64, expected_average: u64) {
        let mut start = 0;
        let segments = segments.iter().map(|&(duration, bytes)| {
            start += duration;
            Segment { start: start - duration, duration, bytes }
        });
        let kind = TrackKind::Audio { sample_rate: 1000, channels: 1, language: "und".into() };
        let segments = segments.collect();
        let track = Track { name: "a".into(), codec: "opus".into(), timescale: 1000, kind, segments };
        assert_eq!((peak(&track), average(&track)), (expected_peak, expected_average));
    }

    #[test]
    fn peak_is_the_dearest_segment() {
        check(&[(4000, 500), (4000, 1500), (4000, 1000)], 3000, 2000);
    }

    #[test]
    fn a_stub_at_the_end_counts_with_its_neighbour_only() {
        check(&[(4000, 1000), (40, 1000)], 3961, 3961); // 2000 bytes in 4.04 s, not 1000 in 0.04
    }

    #[test]
    fn short_assets_and_empty_ones_have_their_mean() {
        check(&[(400, 100)], 2000, 2000);
        check(&[], 0, 0);
    }
}
