//! `elst`: where the presentation begins in the media (section 8.6.6). One edit at rate 1; an edit that lasts for ever
//! (duration zero) is how a fragmented file says "skip the priming, then play on".

use super::{Mp4Error, Reader, put_full_box};

/// Body of `elst` with its one edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elst {
    /// Length in the movie's timescale; zero: all that follows.
    pub segment_duration: u64,
    /// Media time, in the track's timescale, that is presented at zero.
    pub media_time: u64,
}

impl Elst {
    /// Appends the box, version 0 when the times fit it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let small = self.segment_duration <= u64::from(u32::MAX) && self.media_time <= i32::MAX as u64;
        put_full_box(out, b"elst", u8::from(!small), 0, |out| {
            out.extend_from_slice(&1u32.to_be_bytes());
            if small {
                out.extend_from_slice(&(self.segment_duration as u32).to_be_bytes());
                out.extend_from_slice(&(self.media_time as u32).to_be_bytes());
            } else {
                out.extend_from_slice(&self.segment_duration.to_be_bytes());
                out.extend_from_slice(&self.media_time.to_be_bytes());
            }
            out.extend_from_slice(&0x0001_0000u32.to_be_bytes()); // media_rate 1.0
        });
    }

    /// Reads the body; empty edits (negative media time), several edits and other rates are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"elst", body)?;
        if r.u32()? != 1 {
            return Err(r.unsupported("not exactly one edit"));
        }
        let segment_duration = r.u64_or_u32(version)?;
        let media_time = r.u64_or_u32(version)?;
        let limit = if version == 1 { i64::MAX as u64 } else { i32::MAX as u64 };
        if media_time > limit {
            return Err(r.unsupported("empty edit"));
        }
        if r.u32()? != 0x0001_0000 {
            return Err(r.unsupported("rate"));
        }
        r.end()?;
        Ok(Self { segment_duration, media_time })
    }
}
