//! Targets that count up: after segment 7 comes segment 8. Learnt from what is asked for, whatever the names look like.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::http::target;
use crate::limits::{SEQUENCE_REST_MS, SEQUENCES_MAX};

/// A target around the number it counts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Counted<'a> {
    before: &'a [u8],
    number: u64,
    /// Digits it is written with: leading zeros are kept.
    width: usize,
    after: &'a [u8],
}

/// The last number in the file's name, without its extension: the 7 of `/v/a/av1/7.m4s`, not the 4.
fn counted(target: &[u8]) -> Option<Counted<'_>> {
    let path = target::path(target);
    let file = path.iter().rposition(|b| *b == b'/')? + 1;
    let stem = path[file..].iter().rposition(|b| *b == b'.').map_or(path.len(), |dot| file + dot);
    let to = file + path[file..stem].iter().rposition(u8::is_ascii_digit)? + 1;
    let from = path[file..to].iter().rposition(|b| !b.is_ascii_digit()).map_or(file, |at| file + at + 1);
    let digits = &path[from..to];
    // No segment's number is longer, and times in nanoseconds do not count up by one.
    let number = (digits.len() <= 12).then(|| digits.iter().fold(0u64, |n, d| n * 10 + u64::from(d - b'0')))?;
    Some(Counted { before: &target[..from], number, width: digits.len(), after: &target[to..] })
}

impl Counted<'_> {
    fn next(&self) -> Vec<u8> {
        let number = format!("{:0width$}", self.number + 1, width = self.width);
        [self.before, number.as_bytes(), self.after].concat()
    }
}

/// What will be asked for next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    pub(crate) target: Vec<u8>,
    row: u64,
    number: u64,
}

/// The sequences one shard's clients follow.
pub(crate) struct Sequences {
    seed: u64,
    rows: HashMap<u64, Row, FixedState>,
}

/// Numbers of one sequence: several clients are at different places of it.
#[derive(Default)]
struct Row {
    asked: Recent,
    ahead: Recent,
    /// There is nothing from this number on, as of this time.
    end: Option<(u64, u64)>,
    rests_until_ms: u64,
}

/// The last few numbers.
#[derive(Default)]
struct Recent {
    numbers: [Option<u64>; 8],
    at: usize,
}

impl Recent {
    fn has(&self, number: u64) -> bool {
        self.numbers.contains(&Some(number))
    }

    fn add(&mut self, number: u64) {
        if !self.has(number) {
            self.numbers[self.at] = Some(number);
            self.at = (self.at + 1) % self.numbers.len();
        }
    }
}

impl Sequences {
    pub(crate) fn new(seed: u64) -> Sequences {
        Sequences { seed, rows: HashMap::default() }
    }

    /// `target` was asked for. The one after it, when the one before it was asked for too and that one has not been fetched already.
    pub(crate) fn note(&mut self, target: &[u8], now_ms: u64) -> Option<Due> {
        let counted = counted(target)?;
        let at =
            xxh3_64_with_seed(counted.before, self.seed).rotate_left(1) ^ xxh3_64_with_seed(counted.after, self.seed);
        if self.rows.len() >= SEQUENCES_MAX && !self.rows.contains_key(&at) {
            // Learnt again from two requests each.
            self.rows.clear();
        }
        let row = self.rows.entry(at).or_default();
        row.asked.add(counted.number);
        let next = counted.number + 1;
        let follows = counted.number.checked_sub(1).is_some_and(|before| row.asked.has(before));
        let ended = row.end.is_some_and(|(end, until_ms)| next >= end && now_ms < until_ms);
        let is_due = follows && !ended && now_ms >= row.rests_until_ms && !row.ahead.has(next);
        is_due.then(|| Due { target: counted.next(), row: at, number: next })
    }

    /// It is being fetched.
    pub(crate) fn set_out(&mut self, due: &Due) {
        if let Some(row) = self.rows.get_mut(&due.row) {
            row.ahead.add(due.number);
        }
    }

    /// It is not there: the sequence ends before it, or has not come so far yet.
    pub(crate) fn ended(&mut self, due: &Due, now_ms: u64) {
        if let Some(row) = self.rows.get_mut(&due.row) {
            row.end = Some((due.number, now_ms + SEQUENCE_REST_MS));
            row.ahead = Recent::default();
        }
    }

    /// It could not be had, or not be kept: the sequence is left alone for a while.
    pub(crate) fn rest(&mut self, due: &Due, now_ms: u64) {
        if let Some(row) = self.rows.get_mut(&due.row) {
            row.rests_until_ms = now_ms + SEQUENCE_REST_MS;
            row.ahead = Recent::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(target: &str) -> Option<String> {
        counted(target.as_bytes()).map(|counted| String::from_utf8(counted.next()).expect("ASCII"))
    }

    #[test]
    fn the_number_is_the_last_one_before_the_extension() {
        for (target, want) in [
            ("/v/a/av1-360/9.m4s", Some("/v/a/av1-360/10.m4s")),
            ("/s/chunk_2_00009.m4s?x=4", Some("/s/chunk_2_00010.m4s?x=4")),
            ("/s/seg99", Some("/s/seg100")),
            ("/s/7a.ts", Some("/s/8a.ts")),
            ("/v/a/init.mp4", None),
            ("/v/a/?n=1", None),
            ("/s/1234567890123.ts", None),
        ] {
            assert_eq!(next(target).as_deref(), want, "{target}");
        }
    }

    #[test]
    fn two_in_a_row_make_the_third_due_and_players_do_not_disturb_each_other() {
        let mut known = Sequences::new(7);
        let mut note = |n: u64| known.note(format!("/a/{n}.m4s").as_bytes(), 0).map(|due| due.number);
        // Two players, at 5 and at 90.
        assert_eq!([5, 90, 6, 91, 7].map(&mut note), [None, None, Some(7), Some(92), Some(8)]);
        assert_eq!(note(40), None, "whoever jumps is not followed");
    }

    #[test]
    fn what_was_fetched_is_not_due_and_an_end_is_believed_for_a_while() {
        let mut known = Sequences::new(7);
        known.note(b"/a/1", 0);
        let due = known.note(b"/a/2", 0).expect("due");
        known.set_out(&due);
        assert_eq!(known.note(b"/a/2", 0), None);
        known.ended(&due, 0);
        assert_eq!(known.note(b"/a/2", SEQUENCE_REST_MS - 1), None);
        assert!(known.note(b"/a/2", SEQUENCE_REST_MS).is_some());
        known.rest(&due, 0);
        assert_eq!(known.note(b"/a/3", SEQUENCE_REST_MS - 1), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut known = Sequences::new(7);
        for n in 0..3 * SEQUENCES_MAX {
            known.note(format!("/{n}/1").as_bytes(), 0);
        }
        assert!(known.rows.len() <= SEQUENCES_MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_target_makes_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            let mut known = Sequences::new(7);
            let _ = known.note(&bytes, 0);
            let _ = known.note(&[b"/", &bytes[..]].concat(), 0);
        }
    }
}
