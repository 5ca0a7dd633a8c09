//! `sidx`: an index of one segment, before its `moof` (section 8.16.3). One reference: the whole segment.

use super::{Mp4Error, Reader, put_full_box};

/// The largest `referenced_size`, 31 bits.
pub const REFERENCED_SIZE_MAX: u32 = 0x7fff_ffff;

/// Body of `sidx` with its one reference to media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sidx {
    /// `track_id` of the stream it indexes.
    pub reference_id: u32,
    /// Ticks a second.
    pub timescale: u32,
    /// Smallest presentation time in the segment, before any edit list.
    pub earliest_presentation_time: u64,
    /// Bytes of `moof` and `mdat`; at most [`REFERENCED_SIZE_MAX`].
    pub referenced_size: u32,
    /// Ticks from the earliest presentation time to the end.
    pub subsegment_duration: u32,
    /// Does it begin with a stream access point, and of which type: 1 when no picture is shown before the first one
    /// decoded, 0 when that is not known.
    pub sap_type: Option<u8>,
}

impl Sidx {
    /// Appends the box, version 1.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"sidx", 1, 0, |out| {
            out.extend_from_slice(&self.reference_id.to_be_bytes());
            out.extend_from_slice(&self.timescale.to_be_bytes());
            out.extend_from_slice(&self.earliest_presentation_time.to_be_bytes());
            out.extend_from_slice(&0u64.to_be_bytes()); // first_offset
            out.extend_from_slice(&[0, 0, 0, 1]); // reserved, reference_count
            out.extend_from_slice(&(self.referenced_size & REFERENCED_SIZE_MAX).to_be_bytes());
            out.extend_from_slice(&self.subsegment_duration.to_be_bytes());
            let sap = self.sap_type.map_or(0, |kind| 0x8000_0000 | u32::from(kind & 7) << 28);
            out.extend_from_slice(&sap.to_be_bytes());
        });
    }

    /// Reads the body; several references and references to other indexes are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"sidx", body)?;
        let (reference_id, timescale) = (r.u32()?, r.u32()?);
        let earliest_presentation_time = r.u64_or_u32(version)?;
        r.u64_or_u32(version)?;
        if r.u32()? != 1 {
            return Err(r.unsupported("not exactly one reference"));
        }
        let referenced_size = r.u32()?;
        if referenced_size > REFERENCED_SIZE_MAX {
            return Err(r.unsupported("reference to an index"));
        }
        let subsegment_duration = r.u32()?;
        let sap = r.u32()?;
        let sap_type = (sap & 0x8000_0000 != 0).then_some((sap >> 28) as u8 & 7);
        r.end()?;
        Ok(Self { reference_id, timescale, earliest_presentation_time, referenced_size, subsegment_duration, sap_type })
    }
}
