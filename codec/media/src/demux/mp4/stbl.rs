//! Sample tables (ISO/IEC 14496-12 section 8.6 and 8.7) to samples. The tables are read in place; a count in a header
//! only ends a walk early, it never makes one long or large.

use super::boxes::{Boxes, full_box};
use crate::MediaError;
use crate::demux::bytes::Bytes;
use crate::demux::index::IndexBuilder;
use crate::packet::{Codec, MediaKind};

/// Pushes the samples of a track, in decode order.
pub(crate) fn read(stbl: &[u8], builder: &mut IndexBuilder) -> Result<(), MediaError> {
    let boxes = Boxes(stbl);
    let table = |kind| boxes.find(kind).and_then(full_box);
    let Some((mut sizes, mut chunks)) = Sizes::read(boxes).zip(Chunks::read(boxes)) else { return Ok(()) };
    let mut times = Times::new(table(b"stts").map(|(.., bytes)| bytes), table(b"ctts").map(|(.., bytes)| bytes));
    let mut syncs = Syncs::new(table(b"stss").map(|(.., bytes)| bytes));
    let all_sync = builder.track.kind == MediaKind::Audio;
    let by_chunk = builder.track.codec == Codec::Pcm && sizes.constant > 0;
    while let Some(chunk) = chunks.next() {
        if by_chunk {
            // Uncompressed sound has a "sample" for every few bytes: a chunk of them is one packet here.
            let count = chunk.samples.min(sizes.left);
            let (pts, duration) = times.run(count);
            sizes.left -= count;
            let size = u64::from(sizes.constant) * u64::from(count);
            if count > 0 {
                let size = u32::try_from(size).unwrap_or(u32::MAX >> 1);
                builder.push(chunk.offset, size, pts, duration, true)?;
            }
            continue;
        }
        let mut offset = chunk.offset;
        for _ in 0..chunk.samples {
            let Some(size) = sizes.next() else { return Ok(()) };
            let (pts, duration) = times.next();
            let sync = syncs.next() || all_sync;
            if size > 0 && !builder.push(offset, size, pts, duration, sync)? && sizes.constant > 0 {
                // The rest of the table is a number, not bytes: do not count to it.
                builder.miss(sizes.left.into());
                return Ok(());
            }
            offset = offset.saturating_add(size.into());
        }
    }
    // Samples that no chunk holds.
    builder.miss(if sizes.constant > 0 { sizes.left.into() } else { sizes.rest() });
    Ok(())
}

/// `stsz` (section 8.7.3.2) or `stz2` (8.7.3.3).
struct Sizes<'a> {
    constant: u32,
    left: u32,
    field_bits: u8,
    table: Bytes<'a>,
    half: Option<u8>,
}

impl<'a> Sizes<'a> {
    fn read(stbl: Boxes<'a>) -> Option<Self> {
        if let Some((.., mut table)) = stbl.find(b"stsz").and_then(full_box) {
            let (constant, left) = (table.u32()?, table.u32()?);
            return Some(Self { constant, left, field_bits: 32, table, half: None });
        }
        let (.., mut table) = full_box(stbl.find(b"stz2")?)?;
        let field_bits = (table.u32()? & 0xff) as u8;
        let left = table.u32()?;
        Some(Self { constant: 0, left, field_bits, table, half: None })
    }

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        if self.constant > 0 {
            return Some(self.constant);
        }
        match self.field_bits {
            4 => match self.half.take() {
                Some(low) => Some(low.into()),
                None => {
                    let byte = self.table.u8()?;
                    self.half = Some(byte & 15);
                    Some((byte >> 4).into())
                }
            },
            8 => self.table.u8().map(Into::into),
            16 => self.table.u16().map(Into::into),
            32 => self.table.u32(),
            _ => None,
        }
    }

    /// Sizes that are really in the table and were not asked for.
    fn rest(&mut self) -> u64 {
        let in_table = self.table.0.len() as u64 * 8 / u64::from(self.field_bits.max(1));
        in_table.min(self.left.into())
    }
}

/// A run of samples that lie one after the other.
struct Chunk {
    offset: u64,
    samples: u32,
}

/// `stsc` (section 8.7.4) over `stco` or `co64` (8.7.5).
struct Chunks<'a> {
    offsets: Bytes<'a>,
    wide: bool,
    left: u32,
    runs: Bytes<'a>,
    runs_left: u32,
    number: u32,
    samples: u32,
    next_run: Option<(u32, u32)>,
}

impl<'a> Chunks<'a> {
    fn read(stbl: Boxes<'a>) -> Option<Self> {
        let (wide, offsets) = match stbl.find(b"co64") {
            Some(co64) => (true, co64),
            None => (false, stbl.find(b"stco")?),
        };
        let (.., mut offsets) = full_box(offsets)?;
        let left = offsets.u32()?;
        let (.., mut runs) = full_box(stbl.find(b"stsc")?)?;
        let runs_left = runs.u32()?;
        let mut chunks = Self { offsets, wide, left, runs, runs_left, number: 0, samples: 0, next_run: None };
        chunks.next_run = chunks.read_run();
        Some(chunks)
    }

    fn read_run(&mut self) -> Option<(u32, u32)> {
        self.runs_left = self.runs_left.checked_sub(1)?;
        let run = (self.runs.u32()?, self.runs.u32()?);
        self.runs.skip(4)?;
        Some(run)
    }

    fn next(&mut self) -> Option<Chunk> {
        self.left = self.left.checked_sub(1)?;
        let offset = if self.wide { self.offsets.u64()? } else { self.offsets.u32()?.into() };
        self.number = self.number.saturating_add(1);
        while let Some((first, samples)) = self.next_run.filter(|(first, _)| *first <= self.number) {
            let _ = first;
            self.samples = samples;
            self.next_run = self.read_run();
        }
        Some(Chunk { offset, samples: self.samples })
    }
}

/// `stts` (section 8.6.1.2) and `ctts` (8.6.1.3), run-length decoded.
struct Times<'a> {
    deltas: Runs<'a>,
    offsets: Runs<'a>,
    dts: i64,
}

impl<'a> Times<'a> {
    fn new(stts: Option<Bytes<'a>>, ctts: Option<Bytes<'a>>) -> Self {
        Self { deltas: Runs::new(stts), offsets: Runs::new(ctts), dts: 0 }
    }

    /// Composition time and duration of the next sample. Offsets are signed whatever the version says: QuickTime does so.
    fn next(&mut self) -> (i64, u32) {
        // A table that ends early goes on with its last duration, but not with its last offset.
        let delta = self.deltas.next(true);
        // Negative durations are an old way to say "almost none".
        let delta = if delta > i32::MAX as u32 { 1 } else { delta };
        let offset = self.offsets.next(false).cast_signed();
        let pts = self.dts.saturating_add(offset.into());
        self.dts = self.dts.saturating_add(delta.into());
        (pts, delta)
    }

    /// Time of the first of `count` samples and the duration of all.
    fn run(&mut self, count: u32) -> (i64, u32) {
        let start = self.dts;
        let delta = self.deltas.skip(count);
        self.dts = self.dts.saturating_add_unsigned(delta);
        (start, u32::try_from(delta).unwrap_or(u32::MAX))
    }
}

/// Pairs of count and value.
struct Runs<'a> {
    table: Bytes<'a>,
    entries: u32,
    count: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    fn new(table: Option<Bytes<'a>>) -> Self {
        let mut table = table.unwrap_or(Bytes(&[]));
        let entries = table.u32().unwrap_or(0);
        Self { table, entries, count: 0, value: 0 }
    }

    /// Makes `count` at least 1, or says that the table is at its end.
    fn fill(&mut self) -> bool {
        while self.count == 0 {
            if self.entries == 0 {
                return false;
            }
            self.entries -= 1;
            let Some((count, value)) = self.table.u32().zip(self.table.u32()) else { return false };
            (self.count, self.value) = (count, value);
        }
        true
    }

    fn next(&mut self, go_on: bool) -> u32 {
        if self.fill() {
            self.count -= 1;
            return self.value;
        }
        if go_on { self.value } else { 0 }
    }

    /// Sum of the next `count` values, run by run.
    fn skip(&mut self, mut count: u32) -> u64 {
        let mut sum = 0;
        while count > 0 {
            let run = if self.fill() { self.count.min(count) } else { count };
            self.count = self.count.saturating_sub(run);
            sum += u64::from(run) * u64::from(self.value);
            count -= run;
        }
        sum
    }
}

/// `stss` (section 8.6.2): absent means that every sample is a sync sample.
struct Syncs<'a> {
    table: Option<Bytes<'a>>,
    number: u32,
    next: Option<u32>,
}

impl<'a> Syncs<'a> {
    fn new(table: Option<Bytes<'a>>) -> Self {
        let mut syncs = Self { table, number: 0, next: None };
        if let Some(table) = &mut syncs.table {
            let _entries = table.u32();
            syncs.next = table.u32();
        }
        syncs
    }

    fn next(&mut self) -> bool {
        let Some(table) = &mut self.table else { return true };
        self.number = self.number.saturating_add(1);
        while self.next.is_some_and(|next| next < self.number) {
            self.next = table.u32();
        }
        self.next == Some(self.number)
    }
}
