//! The rendition of the sound: frames, copied or encoded, cut on the grid.

use super::{Output, Sink, header};
use crate::audio::copy::CopiedSound;
use crate::audio::cut::Cutter;
use crate::audio::encode::EncodedSound;
use crate::audio::{SoundFrame, SoundTrack};
use crate::demux;
use crate::error::MediaError;
use crate::limits::Limits;
use crate::plan::{AudioMode, AudioPlan, Plan};
use crate::source_info::SourceInfo;
use crate::tools::Tools;
use std::path::Path;
use wire::cmaf::TrackInit;
use wire::presentation::TrackKind;

/// Writes the rendition `plan.audio`; nothing when there is none.
pub fn package_audio(
    path: &Path,
    source: &SourceInfo,
    plan: &Plan,
    tools: &Tools,
    out: Sink<'_>,
) -> Result<(), MediaError> {
    let (Some(audio), Some(info)) = (&plan.audio, &source.audio) else {
        return Ok(());
    };
    match audio.mode {
        AudioMode::CopyAac | AudioMode::CopyOpus => {
            let demuxer = demux::open(path, &Limits::DEFAULT)?;
            let mut sound = CopiedSound::open(&demuxer, info.track as usize)?;
            let track = sound.track(audio.bitrate);
            write(audio, &track, &mut || sound.next_frame(), out)
        }
        AudioMode::EncodeAac => {
            let mut sound = EncodedSound::open(path, source, audio, tools)?;
            let track = sound.track();
            write(audio, &track, &mut || sound.next_frame(), out)
        }
    }
}

type Frames<'a> = &'a mut dyn FnMut() -> Result<Option<SoundFrame>, MediaError>;

fn write(audio: &AudioPlan, track: &SoundTrack, next: Frames<'_>, out: Sink<'_>) -> Result<(), MediaError> {
    let SoundTrack { timescale, skip, .. } = *track;
    let kind =
        TrackKind::Audio { sample_rate: audio.sample_rate, channels: audio.channels, language: audio.language.clone() };
    let end_us = audio.cuts_us.last().copied().unwrap_or(0);
    let duration = (u128::from(end_us) * u128::from(timescale) / 1_000_000) as u64 + skip;
    let init = TrackInit { timescale, config: track.config.clone(), kind, colour: None, skip, duration };
    let (track, bytes) = header::header(&audio.name, &init)?;
    out(Output::Init { track, bytes })?;
    let mut cutter = Cutter::new(timescale, skip, &audio.cuts_us);
    let mut frames = 0u64;
    while let Some(frame) = next()? {
        frames += 1;
        if let Some(segment) = cutter.push(frame)? {
            out(segment)?;
        }
    }
    if frames == 0 {
        return Err(MediaError::NoSamples);
    }
    cutter.finish()?.map_or(Ok(()), out)
}
