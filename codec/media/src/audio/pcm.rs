//! Samples of any sound FFmpeg can decode, at the rate and with the channels that are wanted, on the asset's timeline.

use crate::error::MediaError;
use crate::limits::Limits;
use crate::source_info::{Container, SourceInfo};
use crate::tools::Tools;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Reads planes of samples from zero to the end of the sound.
pub struct PcmSource {
    child: Option<Child>,
    blocks: Receiver<io::Result<Vec<u8>>>,
    /// What is left of the last block.
    rest: Vec<u8>,
    channels: usize,
    /// Samples of silence before the sound begins, still to give out.
    silence: u64,
    /// Samples of sound at most still to give out.
    left: u64,
    heard: bool,
}

/// Bytes of a block read from FFmpeg, and blocks it may be ahead.
const BLOCK_BYTES: usize = 1 << 16;
const BLOCKS_AHEAD: usize = 8;

impl PcmSource {
    /// Starts FFmpeg.
    ///
    /// # Errors
    /// [`MediaError::NeedsFfmpeg`] when it is not installed.
    pub fn open(
        path: &Path,
        source: &SourceInfo,
        sample_rate: u32,
        channels: u16,
        tools: &Tools,
    ) -> Result<Self, MediaError> {
        let audio = source.audio.as_ref().ok_or(MediaError::NoTracks)?;
        let missing = || MediaError::NeedsFfmpeg { what: format!("{} sound", audio.codec.name()) };
        let ffmpeg = tools.ffmpeg.as_deref().ok_or_else(missing)?;
        let samples = |us: u64| (u128::from(us) * u128::from(sample_rate) / 1_000_000) as u64;
        let mut input = OsString::from("file:");
        input.push(path);
        let mut child = Command::new(ffmpeg)
            .args(["-nostdin", "-hide_banner", "-loglevel", "error"])
            // Sniffed by us, not by FFmpeg: an upload that is a playlist would otherwise read the files of others.
            .args(["-protocol_whitelist", "file", "-f", demuxer(source.container), "-i"])
            .arg(&input)
            .args(["-map", &format!("0:{}", audio.ffmpeg_stream), "-vn", "-sn", "-dn"])
            // Holes in the sound become silence, overlaps are cut; the start is ours to place.
            .args(["-af", "aresample=async=1"])
            .args(["-ar", &sample_rate.to_string(), "-ac", &channels.to_string()])
            .args(["-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let (sender, blocks) = sync_channel(BLOCKS_AHEAD);
        std::thread::Builder::new().name("pcm".into()).spawn(move || {
            loop {
                let mut block = vec![0; BLOCK_BYTES];
                let result = stdout.read(&mut block).map(|count| {
                    block.truncate(count);
                    block
                });
                let last = result.as_ref().map_or(true, Vec::is_empty);
                if sender.send(result).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(Self {
            child: Some(child),
            blocks,
            rest: Vec::new(),
            channels: channels.into(),
            silence: samples(audio.start_us),
            left: samples(audio.end_us.saturating_sub(audio.start_us)).max(1),
            heard: false,
        })
    }

    /// Up to `count` samples of each channel, at least one; `None` at the end.
    pub fn read(&mut self, count: usize) -> Result<Option<Vec<Vec<f32>>>, MediaError> {
        if self.silence > 0 {
            let count = self.silence.min(count as u64);
            self.silence -= count;
            return Ok(Some(vec![vec![0.0; count as usize]; self.channels]));
        }
        let wanted = self.left.min(count as u64) as usize * self.channels * 4;
        while self.rest.len() < wanted {
            let block = self.block()?;
            if block.is_empty() {
                break;
            }
            self.rest.extend_from_slice(&block);
        }
        let frame = self.channels * 4;
        let taken = self.rest.len().min(wanted) / frame * frame;
        if taken == 0 {
            return self.end().map(|()| None);
        }
        let mut planes = vec![Vec::with_capacity(taken / frame); self.channels];
        for (index, sample) in self.rest.drain(..taken).collect::<Vec<u8>>().chunks_exact(4).enumerate() {
            let sample = f32::from_le_bytes(sample.try_into().expect("a chunk of four has four bytes"));
            planes[index % self.channels].push(sample);
        }
        self.left -= (taken / frame) as u64;
        self.heard = true;
        Ok(Some(planes))
    }

    fn block(&mut self) -> Result<Vec<u8>, MediaError> {
        let seconds = Limits::DEFAULT.ffmpeg_stall_seconds_max;
        match self.blocks.recv_timeout(Duration::from_secs(seconds)) {
            Ok(block) => Ok(block?),
            Err(RecvTimeoutError::Timeout) => Err(MediaError::FfmpegTimeout { seconds }),
            Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
        }
    }

    /// FFmpeg may give up in the middle of a damaged stream; what was heard until then is kept.
    fn end(&mut self) -> Result<(), MediaError> {
        if self.heard {
            return Ok(());
        }
        Err(MediaError::Ffmpeg { detail: "no sound came out of the audio track".into() })
    }
}

/// FFmpeg's name for a container.
fn demuxer(container: Container) -> &'static str {
    match container {
        Container::Mp4 => "mov",
        Container::Matroska => "matroska",
        Container::Y4m => "yuv4mpegpipe",
        Container::Ivf => "ivf",
        Container::MpegTs => "mpegts",
        Container::MpegPs => "mpeg",
        Container::Avi => "avi",
        Container::Flv => "flv",
        Container::Asf => "asf",
        Container::Ogg => "ogg",
        Container::Wav => "wav",
        Container::Mp3 => "mp3",
        Container::Adts => "aac",
        Container::Flac => "flac",
        Container::MpegVideo => "mpegvideo",
        Container::H264AnnexB => "h264",
        Container::HevcAnnexB => "hevc",
    }
}

impl Drop for PcmSource {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
