//! `tfhd`: what holds for all samples of a fragment that do not say otherwise (section 8.8.7).

use super::{Mp4Error, Reader, put_full_box};

const BASE_DATA_OFFSET: u32 = 0x01;
const SAMPLE_DESCRIPTION: u32 = 0x02;
const DURATION: u32 = 0x08;
const SIZE: u32 = 0x10;
const FLAGS: u32 = 0x20;
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

/// Body of `tfhd`; data offsets count from the `moof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tfhd {
    /// The track of `tkhd`.
    pub track_id: u32,
    /// Duration of samples that have none of their own.
    pub duration: Option<u32>,
    /// Size of samples that have none of their own.
    pub size: Option<u32>,
    /// Flags of samples that have none of their own.
    pub flags: Option<u32>,
}

impl Tfhd {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        let fields = [(self.duration, DURATION), (self.size, SIZE), (self.flags, FLAGS)];
        let flags =
            fields.iter().filter(|(field, _)| field.is_some()).fold(DEFAULT_BASE_IS_MOOF, |f, (_, bit)| f | bit);
        put_full_box(out, b"tfhd", 0, flags, |out| {
            out.extend_from_slice(&self.track_id.to_be_bytes());
            fields.iter().filter_map(|(field, _)| *field).for_each(|v| out.extend_from_slice(&v.to_be_bytes()));
        });
    }

    /// Reads the body; fragments whose data stands elsewhere are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, flags) = Reader::full(b"tfhd", body)?;
        if flags & DEFAULT_BASE_IS_MOOF == 0 || flags & BASE_DATA_OFFSET != 0 {
            return Err(r.unsupported("data offsets not from the moof"));
        }
        let track_id = r.u32()?;
        if flags & SAMPLE_DESCRIPTION != 0 && r.u32()? != 1 {
            return Err(r.unsupported("sample description"));
        }
        let mut field = |bit| if flags & bit != 0 { r.u32().map(Some) } else { Ok(None) };
        let (duration, size, flags) = (field(DURATION)?, field(SIZE)?, field(FLAGS)?);
        r.end()?;
        Ok(Self { track_id, duration, size, flags })
    }
}
