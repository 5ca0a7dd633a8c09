//! Where decoding can start: what the container says, checked against the stream where it is known to lie.

use super::{IndexedTrack, Source};
use crate::bitstream::h264::{AvcConfig, NAL_IDR};
use crate::packet::{Codec, MediaKind, Sample};
use std::io;

/// NAL units of a sample looked at before its first slice; real ones have fewer than ten.
const NALS_MAX: usize = 64;

/// Leaves only IDR pictures marked in H.264. Some muxers mark every sample; others mark the pictures at which open GOPs
/// begin, from which OpenH264 cannot start and a segment cannot be played alone.
pub(crate) fn correct(source: &Source, indexed: &mut IndexedTrack) -> io::Result<()> {
    if indexed.track.kind != MediaKind::Video || indexed.track.codec != Codec::H264 {
        return Ok(());
    }
    let Some(config) = AvcConfig::read(&indexed.track.config) else { return Ok(()) };
    for sample in indexed.samples.iter_mut().filter(|sample| sample.sync()) {
        let idr = is_idr(source, sample, config.length_size)?;
        sample.set_sync(idr);
    }
    Ok(())
}

/// Whether the first slice of a sample is of an IDR picture; reads NAL headers only.
fn is_idr(source: &Source, sample: &Sample, length_size: usize) -> io::Result<bool> {
    let (mut at, end) = (sample.offset, sample.offset + u64::from(sample.size()));
    for _ in 0..NALS_MAX {
        let mut head = [0; 5];
        let head = &mut head[..=length_size];
        if source.read_some(at, head)? < head.len() || at >= end {
            break;
        }
        let (length, header) = head.split_at(length_size);
        match header[0] & 31 {
            NAL_IDR => return Ok(true),
            1..=4 => return Ok(false),
            _ => {}
        }
        let length = length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        at += length_size as u64 + length;
    }
    Ok(false)
}

/// Keyframes at which a film can be cut: nothing that is decoded after one is shown before it. Indices, ascending.
pub fn clean_cuts(samples: &[Sample]) -> Vec<usize> {
    let mut earliest = i64::MAX;
    let mut cuts: Vec<usize> = Vec::new();
    for (i, sample) in samples.iter().enumerate().rev() {
        if sample.sync() && sample.pts <= earliest {
            cuts.push(i);
        }
        earliest = earliest.min(sample.pts);
    }
    cuts.reverse();
    cuts
}
