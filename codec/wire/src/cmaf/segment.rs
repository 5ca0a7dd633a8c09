//! A CMAF segment of one fragment: `styp sidx moof mdat` (ISO/IEC 23000-19 section 7.3.2).

use super::init::need;
use super::{CmafError, TRACK_ID};
use crate::limits::SEGMENT_BYTES_MAX;
use crate::mp4::ftyp::Ftyp;
use crate::mp4::mfhd::Mfhd;
use crate::mp4::senc::{self, Senc};
use crate::mp4::sidx::Sidx;
use crate::mp4::tfdt::Tfdt;
use crate::mp4::tfhd::Tfhd;
use crate::mp4::trun::{IS_NON_SYNC, NOT_SYNC, Row, SYNC, Trun};
use crate::mp4::{FourCc, Mp4Error, boxes, mdat, put_box};

/// One access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// The coded picture or frame of sound.
    pub data: &'a [u8],
    /// Ticks until the next sample is decoded.
    pub duration: u32,
    /// Presentation time less decode time, in ticks.
    pub composition_offset: i32,
    /// Can a decoder begin here?
    pub sync: bool,
}

/// A segment as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSegment<'a> {
    /// `mfhd`.
    pub sequence: u32,
    /// Ticks a second, from `sidx`.
    pub timescale: u32,
    /// Smallest presentation time before any edit list, from `sidx`.
    pub earliest_presentation_time: u64,
    /// `tfdt`.
    pub base_decode_time: u64,
    /// In decode order.
    pub samples: Vec<Sample<'a>>,
}

/// Writes a segment whose first sample is decoded at `base_decode_time`.
///
/// `sidx` says the earliest presentation time before the track's edit list (`base_decode_time` + the smallest offset).
pub fn media_segment(
    sequence: u32,
    timescale: u32,
    base_decode_time: u64,
    samples: &[Sample<'_>],
) -> Result<Vec<u8>, CmafError> {
    write(sequence, timescale, base_decode_time, samples, None)
}

/// As [`media_segment`], with what is said of each sample's encryption, when something has to be.
pub(super) fn write(
    sequence: u32,
    timescale: u32,
    base_decode_time: u64,
    samples: &[Sample<'_>],
    senc: Option<&Senc>,
) -> Result<Vec<u8>, CmafError> {
    let data_bytes: usize = samples.iter().map(|s| s.data.len()).sum();
    let span = Span::of(base_decode_time, samples).ok_or(CmafError::Empty)?;
    let bytes_max = data_bytes as u64 + 17 * samples.len() as u64 + 512 + senc.map_or(0, |senc| senc.bytes() as u64);
    if bytes_max > SEGMENT_BYTES_MAX {
        return Err(CmafError::TooLarge(bytes_max));
    }
    let moof = moof(sequence, base_decode_time, samples, senc);
    let mut out = Vec::with_capacity(bytes_max as usize);
    let msdh = FourCc(*b"msdh");
    Ftyp { major: msdh, compatible: vec![msdh, FourCc(*b"msix"), FourCc(*b"cmfs")] }.write(&mut out, b"styp");
    Sidx {
        reference_id: TRACK_ID,
        timescale,
        earliest_presentation_time: span.earliest,
        referenced_size: (moof.len() + mdat::HEADER_BYTES + data_bytes) as u32,
        subsegment_duration: u32::try_from(span.ticks).map_err(|_| CmafError::TooLong(span.ticks))?,
        sap_type: samples[0].sync.then_some(u8::from(span.first_is_earliest)),
    }
    .write(&mut out);
    out.extend_from_slice(&moof);
    mdat::write(&mut out, samples.iter().map(|s| s.data));
    Ok(out)
}

/// When a segment is shown.
struct Span {
    earliest: u64,
    ticks: u64,
    first_is_earliest: bool,
}

impl Span {
    fn of(base: u64, samples: &[Sample<'_>]) -> Option<Self> {
        let mut decode = i128::from(base);
        let first = decode + i128::from(samples.first()?.composition_offset);
        let mut earliest = first;
        for sample in samples {
            earliest = earliest.min(decode + i128::from(sample.composition_offset));
            decode += i128::from(sample.duration);
        }
        let ticks = samples.iter().map(|s| u64::from(s.duration)).sum();
        let clamped = u64::try_from(earliest.max(0)).unwrap_or(u64::MAX);
        Some(Self { earliest: clamped, ticks, first_is_earliest: earliest == first })
    }
}

fn moof(sequence: u32, base_decode_time: u64, samples: &[Sample<'_>], senc: Option<&Senc>) -> Vec<u8> {
    let (defaults, trun) = rows(samples);
    let mut out = Vec::with_capacity(128 + 16 * samples.len());
    let mut data_offset_at = 0;
    put_box(&mut out, b"moof", |out| {
        Mfhd { sequence_number: sequence }.write(out);
        put_box(out, b"traf", |out| {
            defaults.write(out);
            Tfdt { base_media_decode_time: base_decode_time }.write(out);
            data_offset_at = out.len() + Trun::DATA_OFFSET_AT;
            trun.write(out);
            if let Some(senc) = senc {
                senc.write_sizes(out);
                let offset_at = out.len() + senc::SAIO_OFFSET_AT;
                senc::write_offset(out);
                let first_at = (out.len() + Senc::FIRST_AT) as u32;
                out[offset_at..offset_at + 4].copy_from_slice(&first_at.to_be_bytes());
                senc.write(out);
            }
        });
    });
    let data_offset = (out.len() + mdat::HEADER_BYTES) as u32;
    out[data_offset_at..data_offset_at + 4].copy_from_slice(&data_offset.to_be_bytes());
    out
}

/// What all samples share goes to `tfhd`, the rest to columns of `trun`.
fn rows(samples: &[Sample<'_>]) -> (Tfhd, Trun) {
    let flags = |s: &Sample<'_>| if s.sync { SYNC } else { NOT_SYNC };
    let duration = shared(samples.iter().map(|s| s.duration));
    let size = shared(samples.iter().map(|s| s.data.len() as u32)).filter(|size| *size > 0);
    let rest_flags = shared(samples.iter().skip(1).map(flags)).or((samples.len() == 1).then(|| flags(&samples[0])));
    let first_differs = rest_flags.is_some_and(|rest| rest != flags(&samples[0]));
    let has_offsets = samples.iter().any(|s| s.composition_offset != 0);
    let row = |s: &Sample<'_>| Row {
        duration: duration.is_none().then_some(s.duration),
        size: size.is_none().then_some(s.data.len() as u32),
        flags: rest_flags.is_none().then(|| flags(s)),
        composition_offset: has_offsets.then_some(s.composition_offset),
    };
    (
        Tfhd { track_id: TRACK_ID, duration, size, flags: rest_flags },
        Trun {
            data_offset: 0,
            first_sample_flags: first_differs.then(|| flags(&samples[0])),
            rows: samples.iter().map(row).collect(),
        },
    )
}

fn shared<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|v| v == first).then_some(first)
}

/// Reads a segment of one fragment with one `trun`, as [`media_segment`] writes it; samples point into `bytes`.
pub fn read_segment(bytes: &[u8]) -> Result<MediaSegment<'_>, Mp4Error> {
    let styp = Ftyp::read(need(b"file", bytes, b"styp")?)?;
    if styp.compatible.is_empty() {
        return Err(Mp4Error::Missing(FourCc(*b"styp")));
    }
    let sidx = Sidx::read(need(b"file", bytes, b"sidx")?)?;
    let moof = need(b"file", bytes, b"moof")?;
    let mdat = need(b"file", bytes, b"mdat")?;
    let moof_at = offset_of(bytes, b"moof")?;
    if (bytes.len() - moof_at) as u64 != u64::from(sidx.referenced_size) {
        return Err(Mp4Error::Unsupported(FourCc(*b"sidx"), "does not index the whole segment"));
    }
    let mfhd = Mfhd::read(need(b"moof", moof, b"mfhd")?)?;
    let traf = need(b"moof", moof, b"traf")?;
    let tfhd = Tfhd::read(need(b"traf", traf, b"tfhd")?)?;
    let tfdt = Tfdt::read(need(b"traf", traf, b"tfdt")?)?;
    let rows_max = mdat.len() / tfhd.size.unwrap_or(1).max(1) as usize;
    let trun = Trun::read(need(b"traf", traf, b"trun")?, rows_max)?;
    let offset =
        usize::try_from(trun.data_offset).map_err(|_| Mp4Error::Unsupported(FourCc(*b"trun"), "data offset"))?;
    let data = bytes.get(moof_at + offset..).ok_or(Mp4Error::Truncated(FourCc(*b"trun")))?;
    Ok(MediaSegment {
        sequence: mfhd.sequence_number,
        timescale: sidx.timescale,
        earliest_presentation_time: sidx.earliest_presentation_time,
        base_decode_time: tfdt.base_media_decode_time,
        samples: samples(&tfhd, &trun, data)?,
    })
}

fn offset_of(bytes: &[u8], kind: &[u8; 4]) -> Result<usize, Mp4Error> {
    for item in boxes(b"file", bytes) {
        let (found, _, at) = item?;
        if found == *kind {
            return Ok(at);
        }
    }
    Err(Mp4Error::Missing(FourCc(*kind)))
}

fn samples<'a>(tfhd: &Tfhd, trun: &Trun, mut data: &'a [u8]) -> Result<Vec<Sample<'a>>, Mp4Error> {
    let trun_kind = FourCc(*b"trun");
    let mut samples = Vec::with_capacity(trun.rows.len());
    for (i, row) in trun.rows.iter().enumerate() {
        let size = row.size.or(tfhd.size).ok_or(Mp4Error::Unsupported(trun_kind, "no sample size"))?;
        let duration = row.duration.or(tfhd.duration).ok_or(Mp4Error::Unsupported(trun_kind, "no sample duration"))?;
        let first = if i == 0 { trun.first_sample_flags } else { None };
        let flags = first.or(row.flags).or(tfhd.flags).ok_or(Mp4Error::Unsupported(trun_kind, "no sample flags"))?;
        let (head, rest) = data.split_at_checked(size as usize).ok_or(Mp4Error::Truncated(trun_kind))?;
        data = rest;
        samples.push(Sample {
            data: head,
            duration,
            composition_offset: row.composition_offset.unwrap_or(0),
            sync: flags & IS_NON_SYNC == 0,
        });
    }
    Ok(samples)
}
