//! `trun`: the samples of a fragment, one row each (section 8.8.8). Composition offsets are signed (version 1).

use super::{Mp4Error, Reader, put_full_box};

const DATA_OFFSET: u32 = 0x001;
const FIRST_SAMPLE_FLAGS: u32 = 0x004;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;
const FLAGS: u32 = 0x400;
const COMPOSITION_OFFSET: u32 = 0x800;

/// Sample flags of a picture that any decoder can begin with: depends on no other.
pub const SYNC: u32 = 0x0200_0000;
/// Sample flags of one that depends on others.
pub const NOT_SYNC: u32 = 0x0101_0000;
/// The bit that tells them apart, `sample_is_non_sync_sample`.
pub const IS_NON_SYNC: u32 = 0x0001_0000;

/// A sample's row; columns that are absent come from `tfhd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Ticks until the next sample is decoded.
    pub duration: Option<u32>,
    /// Bytes.
    pub size: Option<u32>,
    /// Flags (section 8.8.3.1).
    pub flags: Option<u32>,
    /// Presentation time less decode time, in ticks.
    pub composition_offset: Option<i32>,
}

/// Body of `trun`. All rows have the same columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trun {
    /// From the first byte of the `moof` to the first sample.
    pub data_offset: i32,
    /// Flags of the first sample, where the rest goes by the default.
    pub first_sample_flags: Option<u32>,
    /// One a sample.
    pub rows: Vec<Row>,
}

impl Trun {
    /// Where in the written box the data offset stands.
    pub const DATA_OFFSET_AT: usize = 16;

    /// Appends the box, version 1. The first row says which columns there are.
    pub fn write(&self, out: &mut Vec<u8>) {
        let first = self.rows.first().copied().unwrap_or_default();
        let bit = |present: bool, bit| if present { bit } else { 0 };
        let flags = DATA_OFFSET
            | bit(self.first_sample_flags.is_some(), FIRST_SAMPLE_FLAGS)
            | bit(first.duration.is_some(), DURATION)
            | bit(first.size.is_some(), SIZE)
            | bit(first.flags.is_some(), FLAGS)
            | bit(first.composition_offset.is_some(), COMPOSITION_OFFSET);
        put_full_box(out, b"trun", 1, flags, |out| {
            out.extend_from_slice(&(self.rows.len() as u32).to_be_bytes());
            out.extend_from_slice(&self.data_offset.to_be_bytes());
            self.first_sample_flags.iter().for_each(|v| out.extend_from_slice(&v.to_be_bytes()));
            for row in &self.rows {
                let columns = [row.duration, row.size, row.flags, row.composition_offset.map(i32::cast_unsigned)];
                columns.into_iter().flatten().for_each(|v| out.extend_from_slice(&v.to_be_bytes()));
            }
        });
    }

    /// Reads the body. Rows without any column would let a count in the header allocate without bytes behind it, so
    /// there may be at most `rows_max` of those (the caller knows how many samples the data can hold).
    pub fn read(body: &[u8], rows_max: usize) -> Result<Self, Mp4Error> {
        let (mut r, version, flags) = Reader::full(b"trun", body)?;
        let count = r.u32()? as usize;
        if flags & DATA_OFFSET == 0 {
            return Err(r.unsupported("no data offset"));
        }
        let data_offset = r.u32()?.cast_signed();
        let first_sample_flags = if flags & FIRST_SAMPLE_FLAGS != 0 { Some(r.u32()?) } else { None };
        let columns = (flags & (DURATION | SIZE | FLAGS | COMPOSITION_OFFSET)).count_ones() as usize;
        let rows_fit = r.rest().len().checked_div(4 * columns).unwrap_or(rows_max);
        if count > rows_fit {
            return Err(r.unsupported("more samples than bytes"));
        }
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let mut column = |bit| if flags & bit != 0 { r.u32().map(Some) } else { Ok(None) };
            let (duration, size, flags) = (column(DURATION)?, column(SIZE)?, column(FLAGS)?);
            let composition_offset = column(COMPOSITION_OFFSET)?.map(u32::cast_signed);
            if version == 0 && composition_offset.is_some_and(|v| v < 0) {
                return Err(r.unsupported("composition offset"));
            }
            rows.push(Row { duration, size, flags, composition_offset });
        }
        r.end()?;
        Ok(Self { data_offset, first_sample_flags, rows })
    }
}
