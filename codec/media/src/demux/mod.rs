//! Containers to compressed samples. A container is read once into an index of its samples; from then on all
//! containers are the same: a list of tracks, and for each a list of where its samples are and when they are shown.

pub(crate) mod bytes;
pub(crate) mod cadence;
mod index;
mod ivf;
mod keyframes;
mod matroska;
mod mp4;
mod y4m;

pub use keyframes::clean_cuts;

use crate::packet::{Packet, Sample, SourceTrack};
use crate::sniff;
use crate::source_info::Container;
use crate::{Limits, MediaError};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// An opened file of which every sample is known. Reading takes `&self` and a position, so several readers can share it.
#[derive(Debug)]
pub struct Demuxer {
    source: Source,
    container: Container,
    tracks: Vec<IndexedTrack>,
}

/// One track with its samples in decode order.
#[derive(Debug)]
pub(crate) struct IndexedTrack {
    pub track: SourceTrack,
    pub samples: Vec<Sample>,
    /// Bytes that stand before every sample but were left out of the file (Matroska header stripping).
    pub prefix: Vec<u8>,
}

/// The bytes of a file, by position.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    bytes: u64,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Recognises the file by its start.
    pub fn sniff(&self) -> Result<Container, MediaError> {
        let mut start = [0; sniff::SNIFF_BYTES];
        let got = self.read_some(0, &mut start)?;
        sniff::sniff(&start[..got])
    }

    /// Fills as much of `into` as the file has; the number of bytes.
    pub fn read_some(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while got < into.len() {
            match self.file.read_at(&mut into[got..], at.saturating_add(got as u64)) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }

    /// Exactly `size` bytes, which the caller has checked to be in the file.
    pub fn read(&self, at: u64, size: u64) -> io::Result<Vec<u8>> {
        if at.checked_add(size).is_none_or(|end| end > self.bytes) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; size as usize];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

/// Whether [`open`] reads such files itself.
pub fn is_native(container: Container) -> bool {
    matches!(container, Container::Mp4 | Container::Matroska | Container::Y4m | Container::Ivf)
}

/// Opens a file whose container is read natively; [`MediaError::NeedsFfmpeg`] for the others.
pub fn open(path: &Path, limits: &Limits) -> Result<Demuxer, MediaError> {
    let source = Source::open(path)?;
    let container = source.sniff()?;
    let mut tracks = match container {
        Container::Mp4 => mp4::read(&source, limits)?,
        Container::Matroska => matroska::read(&source, limits)?,
        Container::Y4m => y4m::read(&source, limits)?,
        Container::Ivf => ivf::read(&source, limits)?,
        other => return Err(MediaError::NeedsFfmpeg { what: format!("The container {}", other.name()) }),
    };
    if tracks.is_empty() {
        return Err(MediaError::NoTracks);
    }
    if tracks.iter().all(|indexed| indexed.samples.is_empty()) {
        return Err(MediaError::NoSamples);
    }
    for indexed in &mut tracks {
        keyframes::correct(&source, indexed)?;
    }
    index::start_at_zero(&mut tracks);
    Ok(Demuxer { source, container, tracks })
}

impl Demuxer {
    /// What the file is wrapped in.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Size of the file.
    pub fn bytes(&self) -> u64 {
        self.source.bytes
    }

    /// Tracks of pictures and sound in the file's order.
    pub fn tracks(&self) -> impl ExactSizeIterator<Item = &SourceTrack> {
        self.tracks.iter().map(|indexed| &indexed.track)
    }

    /// One track. Panics when `track` is not below the number of tracks.
    pub fn track(&self, track: usize) -> &SourceTrack {
        &self.tracks[track].track
    }

    /// All samples of a track in decode order, without reading them.
    pub fn samples(&self, track: usize) -> &[Sample] {
        &self.tracks[track].samples
    }

    /// Reads sample `index` (in decode order) of a track.
    pub fn read(&self, track: usize, index: usize) -> Result<Packet, MediaError> {
        let IndexedTrack { samples, prefix, .. } = &self.tracks[track];
        let sample = samples[index];
        let mut data = vec![0; prefix.len() + sample.size() as usize];
        let (head, body) = data.split_at_mut(prefix.len());
        head.copy_from_slice(prefix);
        self.source.file.read_exact_at(body, sample.offset)?;
        Ok(Packet { data, pts: sample.pts, dts: sample.dts, duration: sample.duration, sync: sample.sync() })
    }

    /// The sample at which decoding must start so that everything shown from `pts` on is right: the last keyframe in
    /// decode order that is shown at or before `pts`, else the first sample.
    pub fn keyframe_before(&self, track: usize, pts: i64) -> usize {
        self.samples(track).iter().rposition(|sample| sample.sync() && sample.pts <= pts).unwrap_or(0)
    }
}

impl SourceTrack {
    /// Ticks of this track in microseconds, rounded to the nearest, exact for 64-bit times.
    pub fn to_us(&self, ticks: i64) -> i64 {
        let scale = i128::from(self.timescale.max(1));
        let us = (i128::from(ticks) * 1_000_000 + scale / 2).div_euclid(scale);
        us.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// Microseconds in ticks of this track, rounded to the nearest.
    pub fn to_ticks(&self, us: i64) -> i64 {
        let ticks = (i128::from(us) * i128::from(self.timescale) + 500_000).div_euclid(1_000_000);
        ticks.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}
