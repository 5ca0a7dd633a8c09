//! What becomes of the sound: passed through or encoded, and where it is cut.

use super::grid;
use crate::packet::Codec;
use crate::source_info::{AudioInfo, DecodeBy};
use serde::{Deserialize, Serialize};
use wire::presentation::Ratio;

/// The rendition of the sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// Track name: the codec and the language, `aac-und`.
    pub name: String,
    /// What is done.
    pub mode: AudioMode,
    /// BCP 47 tag, `und` when the source does not say.
    pub language: String,
    /// Samples a second of the result.
    pub sample_rate: u32,
    /// Channels of the result.
    pub channels: u16,
    /// Bits a second to encode at; of a passed-through track what the source says, 0 when it does not.
    pub bitrate: u32,
    /// Cuts in microseconds, from 0 to the end of the sound; the cuts of the pictures' grid as far as both go, regular ones
    /// beyond it.
    pub cuts_us: Vec<u64>,
}

/// How the sound gets into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioMode {
    /// AAC as it is.
    CopyAac,
    /// Opus as it is.
    CopyOpus,
    /// Decoded and encoded as AAC-LC.
    EncodeAac,
}

/// Sample rates with an index of their own in an AudioSpecificConfig (ISO/IEC 14496-3 table 1.18) that browsers also play.
const AAC_RATES: [u32; 10] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
const FALLBACK_RATE: u32 = 48_000;
/// A last piece shorter than this is part of the one before: it may not hold a single frame.
const TAIL_US_MIN: u64 = 100_000;

pub(super) fn plan(audio: &AudioInfo, grid_us: &[u64]) -> AudioPlan {
    let mode = mode(audio);
    let (sample_rate, channels) = match mode {
        AudioMode::EncodeAac => (encoded_rate(audio.sample_rate), audio.channels.clamp(1, 2)),
        AudioMode::CopyAac | AudioMode::CopyOpus => (audio.sample_rate, audio.channels),
    };
    let bitrate = match mode {
        AudioMode::EncodeAac => encoded_bitrate(sample_rate, channels),
        AudioMode::CopyAac | AudioMode::CopyOpus => u32::try_from(audio.bitrate).unwrap_or(0),
    };
    let codec = if mode == AudioMode::CopyOpus { "opus" } else { "aac" };
    AudioPlan {
        name: format!("{codec}-{}", name_of(&audio.language)),
        mode,
        language: audio.language.clone(),
        sample_rate,
        channels,
        bitrate,
        cuts_us: cuts(audio, grid_us),
    }
}

/// Frames a second, for a grid of whole frames.
pub(super) fn frame_rate(audio: &AudioInfo) -> Ratio {
    match mode(audio) {
        AudioMode::CopyOpus => Ratio { num: 50, den: 1 },
        AudioMode::CopyAac => Ratio { num: audio.sample_rate.max(1), den: 1024 },
        AudioMode::EncodeAac => Ratio { num: encoded_rate(audio.sample_rate), den: 1024 },
    }
}

fn mode(audio: &AudioInfo) -> AudioMode {
    match (&audio.codec, audio.decode_by) {
        (Codec::Aac, DecodeBy::Native) if audio.passthrough => AudioMode::CopyAac,
        (Codec::Opus, DecodeBy::Native) => AudioMode::CopyOpus,
        _ => AudioMode::EncodeAac,
    }
}

fn encoded_rate(source: u32) -> u32 {
    if AAC_RATES.contains(&source) { source } else { FALLBACK_RATE }
}

/// 64 kbit/s a channel, less where the rate does not carry it (6144 bits a channel and frame is the format's limit; a third
/// of it is plenty).
fn encoded_bitrate(sample_rate: u32, channels: u16) -> u32 {
    u32::from(channels) * 64_000.min(sample_rate * 2)
}

fn cuts(audio: &AudioInfo, grid_us: &[u64]) -> Vec<u64> {
    let end = audio.end_us.max(1);
    let last = grid_us.len() - 1;
    let mut cuts: Vec<u64> =
        grid_us[..last].iter().copied().filter(|&cut| cut == 0 || cut + TAIL_US_MIN <= end).collect();
    let pictures_end = grid_us[last];
    if end > pictures_end + grid::SEGMENT_US / 2 {
        let beyond = grid::regular(end - pictures_end, frame_rate(audio));
        cuts.extend(beyond.iter().map(|cut| cut + pictures_end));
    } else {
        cuts.push(end);
    }
    cuts
}

/// The language as it may stand in a track name.
fn name_of(language: &str) -> String {
    let name: String =
        language.to_ascii_lowercase().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(16).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "und".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(end_us: u64) -> AudioInfo {
        AudioInfo {
            track: 1,
            ffmpeg_stream: 1,
            codec: Codec::Aac,
            sample_rate: 48_000,
            channels: 2,
            language: "und".into(),
            passthrough: true,
            decode_by: DecodeBy::Native,
            start_us: 0,
            end_us,
            bitrate: 0,
        }
    }

    #[test]
    fn sound_is_cut_with_the_pictures_and_on_its_own_beyond_them() {
        let grid = [0, 4_000_000, 8_000_000, 10_000_000];
        let check = |end, expected: &[u64]| assert_eq!(cuts(&sound(end), &grid), expected, "{end}");
        check(10_020_000, &[0, 4_000_000, 8_000_000, 10_020_000]);
        check(6_000_000, &[0, 4_000_000, 6_000_000]);
        check(4_050_000, &[0, 4_050_000]);
        check(30_000, &[0, 30_000]);
        check(16_000_000, &[0, 4_000_000, 8_000_000, 10_000_000, 14_010_666, 16_000_000]);
    }

    #[test]
    fn names_keep_to_the_grammar_of_urls() {
        assert_eq!(name_of("und"), "und");
        assert_eq!(name_of("pt-BR"), "pt-br");
        assert_eq!(name_of("../x y"), "xy");
        assert_eq!(name_of("語"), "und");
    }
}
