//! Edit lists (ISO/IEC 14496-12 section 8.6.6): which part of a track is played when.

use super::boxes::full_box;

/// What an edit list does to a track, in the track's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EditList {
    /// Added to every composition time: the delay of empty edits less the media time at which playing starts.
    pub shift: i64,
    /// Presentation time at which the edit ends; `None` when it lasts as long as the media.
    pub end: Option<i64>,
    /// More pieces follow that do not continue the first.
    pub several: bool,
}

struct Entry {
    duration: u64,
    media_time: i64,
    rate: u32,
}

/// Empty edits and one piece of media are what real files have; pieces that continue each other count as one.
pub(crate) fn read(elst: &[u8], movie_timescale: u32, timescale: u32) -> EditList {
    let ticks = |movie: u64| -> i64 {
        let ticks = u128::from(movie) * u128::from(timescale) / u128::from(movie_timescale.max(1));
        i64::try_from(ticks).unwrap_or(i64::MAX).min(i64::MAX / 4)
    };
    let mut delay = 0_i64;
    let mut piece: Option<(i64, i64)> = None; // media time, and the media time at which it ends
    let mut list = EditList::default();
    for entry in entries(elst).unwrap_or_default() {
        let length = ticks(entry.duration);
        match piece {
            None if entry.media_time == -1 => delay = delay.saturating_add(length).min(i64::MAX / 4),
            None => {
                let start = entry.media_time.clamp(0, i64::MAX / 4);
                list.several |= entry.rate != 0x0001_0000;
                // Zero means: all of it (fragmented files, and muxers that did not know yet).
                let end = if length == 0 { i64::MAX } else { start.saturating_add(length) };
                piece = Some((start, end));
            }
            Some((start, end)) => {
                // One tick of the movie's clock may be lost to rounding.
                let continues = entry.media_time.abs_diff(end) <= ticks(1).unsigned_abs() + 1;
                match continues && entry.rate == 0x0001_0000 {
                    true => piece = Some((start, end.saturating_add(length))),
                    false => list.several |= entry.duration > 0,
                }
            }
        }
    }
    if let Some((start, end)) = piece {
        list.shift = delay - start;
        list.end = (end < i64::MAX).then(|| end.saturating_sub(start).saturating_add(delay));
    }
    list
}

fn entries(elst: &[u8]) -> Option<Vec<Entry>> {
    let (version, _, mut bytes) = full_box(elst)?;
    let count = bytes.u32()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = match version {
            1 => bytes.u64().zip(bytes.i64()),
            _ => bytes.u32().zip(bytes.i32()).map(|(duration, time)| (duration.into(), time.into())),
        };
        let Some(((duration, media_time), rate)) = entry.zip(bytes.u32()) else { break };
        entries.push(Entry { duration, media_time, rate });
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[(u32, i32)], expected: EditList) {
        let mut elst = vec![0; 4];
        elst.extend((entries.len() as u32).to_be_bytes());
        for (duration, media_time) in entries {
            elst.extend(duration.to_be_bytes());
            elst.extend(media_time.to_be_bytes());
            elst.extend(0x0001_0000_u32.to_be_bytes());
        }
        assert_eq!(read(&elst, 1000, 90_000), expected);
    }

    #[test]
    fn b_frame_delay_is_taken_off() {
        check(&[(2000, 6000)], EditList { shift: -6000, end: Some(180_000), several: false });
    }

    #[test]
    fn an_empty_edit_delays() {
        check(&[(500, -1), (1000, 0)], EditList { shift: 45_000, end: Some(135_000), several: false });
    }

    #[test]
    fn zero_duration_is_all_of_it() {
        check(&[(0, 1024)], EditList { shift: -1024, end: None, several: false });
    }

    #[test]
    fn pieces_that_continue_are_one() {
        check(&[(1000, 0), (1000, 90_000)], EditList { shift: 0, end: Some(180_000), several: false });
    }

    #[test]
    fn pieces_that_jump_are_several() {
        check(&[(1000, 0), (1000, 900_000)], EditList { shift: 0, end: Some(90_000), several: true });
    }

    #[test]
    fn a_count_from_nowhere_reads_what_is_there() {
        assert_eq!(read(&[0, 0, 0, 0, 255, 255, 255, 255, 1], 1000, 1000), EditList::default());
    }
}
