//! The marks of a shard, and what they mean for an object.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::{Turn, What};
use crate::limits::{PURGE_MARKS_MAX, PURGE_PREFIXES_MAX};

/// Hash of something an object can be purged by: its kind and its name.
pub(crate) type Mark = u64;

const URL: u8 = b'u';
const TAG: u8 = b't';
const GROUP: u8 = b'g';

/// The mark of a target.
pub(crate) fn url(name: &[u8]) -> Mark {
    mark(URL, name)
}

/// The mark of a cache tag.
pub(crate) fn tag(name: &[u8]) -> Mark {
    mark(TAG, name)
}

/// The mark of a cache group.
pub(crate) fn group(name: &[u8]) -> Mark {
    mark(GROUP, name)
}

fn mark(kind: u8, name: &[u8]) -> Mark {
    xxh3_64(&[&[kind], name].concat())
}

/// The last turns, hard and soft, in which something was purged; 0: never.
#[derive(Clone, Copy, Default)]
struct Turns {
    hard: u64,
    soft: u64,
}

impl Turns {
    fn note(&mut self, seq: u64, soft: bool) {
        *(if soft { &mut self.soft } else { &mut self.hard }) = seq;
    }

    fn verdict(self, since: u64) -> Verdict {
        if self.hard > since {
            Verdict::Gone
        } else if self.soft > since {
            Verdict::Soft
        } else {
            Verdict::Clean
        }
    }
}

/// What the marks mean for an object; the worst of several counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Verdict {
    /// Nothing has been purged that it belongs to.
    Clean,
    /// It may be used once the origin has confirmed it.
    Soft,
    /// It may not be used.
    Gone,
}

/// The marks of a shard. Bounded: when there are too many of a kind, everything that is older than now counts as purged, which costs
/// fetches and never gives anyone what was purged.
#[derive(Clone, Default)]
pub(crate) struct Table {
    seq: u64,
    all: Turns,
    marks: HashMap<Mark, Turns, foldhash::fast::FixedState>,
    prefixes: Vec<(Box<[u8]>, Turns)>,
}

impl Table {
    /// Number of the last turn.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Takes a turn in. One that is older than the last is known already.
    pub(crate) fn take(&mut self, turn: &Turn) {
        if turn.seq <= self.seq {
            return;
        }
        self.seq = turn.seq;
        let soft = turn.purge.soft;
        let mark = match &turn.purge.what {
            What::Url(name) => url(name.as_bytes()),
            What::Tag(name) => tag(name.as_bytes()),
            What::Group(name) => group(name.as_bytes()),
            What::Prefix(prefix) => return self.take_prefix(prefix.as_bytes(), soft),
            What::All => return self.take_all(soft),
        };
        if self.marks.len() >= PURGE_MARKS_MAX && !self.marks.contains_key(&mark) {
            return self.take_all(false);
        }
        self.marks.entry(mark).or_default().note(self.seq, soft);
    }

    fn take_prefix(&mut self, prefix: &[u8], soft: bool) {
        let known = self.prefixes.iter().position(|(known, _)| **known == *prefix);
        match known {
            Some(at) => self.prefixes[at].1.note(self.seq, soft),
            None if self.prefixes.len() >= PURGE_PREFIXES_MAX => self.take_all(false),
            None => {
                let mut turns = Turns::default();
                turns.note(self.seq, soft);
                self.prefixes.push((prefix.into(), turns));
            }
        }
    }

    fn take_all(&mut self, soft: bool) {
        self.all.note(self.seq, soft);
        if !soft {
            self.marks.clear();
            self.prefixes.clear();
        }
    }

    /// What became of an object under `name` with these marks, fetched or last compared in turn `since`.
    pub(crate) fn verdict(&self, name: &[u8], marks: &[Mark], since: u64) -> Verdict {
        let by_mark = marks.iter().filter_map(|mark| self.marks.get(mark));
        let by_prefix = self.prefixes.iter().filter(|(prefix, _)| name.starts_with(prefix)).map(|(_, turns)| turns);
        let worst = by_mark.chain(by_prefix).chain([&self.all]).map(|turns| turns.verdict(since)).max();
        worst.unwrap_or(Verdict::Clean)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Purge;
    use super::*;

    fn table(purges: &[(What, bool)]) -> Table {
        let mut table = Table::default();
        for (i, (what, soft)) in purges.iter().enumerate() {
            table.take(&Turn { seq: i as u64 + 1, purge: Purge { what: what.clone(), soft: *soft } });
        }
        table
    }

    #[test]
    fn a_mark_covers_what_was_there_before_it() {
        let purges = [
            (What::Url("/a".into()), false),
            (What::Tag("x".into()), true),
            (What::Prefix("/v/".into()), false),
            (What::Group("x".into()), true),
        ];
        let table = table(&purges);
        let check = |name: &str, marks: &[Mark], since: u64| {
            let marks: Vec<Mark> = marks.iter().copied().chain([url(name.as_bytes())]).collect();
            table.verdict(name.as_bytes(), &marks, since)
        };
        assert_eq!(check("/a", &[], 0), Verdict::Gone);
        assert_eq!(check("/a", &[], 1), Verdict::Clean, "fetched after the purge");
        assert_eq!(check("/b", &[tag(b"y"), tag(b"x")], 1), Verdict::Soft);
        assert_eq!(check("/v/1", &[tag(b"x")], 0), Verdict::Gone, "the worst counts");
        assert_eq!(check("/b", &[group(b"x")], 3), Verdict::Soft);
        assert_eq!(check("/b", &[tag(b"x")], 2), Verdict::Clean, "a tag is no group");
        assert_eq!(check("/c", &[], 0), Verdict::Clean);
    }

    #[test]
    fn too_many_marks_purge_too_much_and_never_too_little() {
        let purges: Vec<_> = (0..PURGE_PREFIXES_MAX + 1).map(|n| (What::Prefix(format!("/{n}/")), false)).collect();
        let table = table(&purges);
        assert_eq!(table.verdict(b"/other", &[], 0), Verdict::Gone);
        assert_eq!(table.verdict(b"/0/x", &[], 0), Verdict::Gone);
        assert_eq!(table.verdict(b"/other", &[], table.seq()), Verdict::Clean);
    }

    #[test]
    fn a_turn_that_is_known_changes_nothing() {
        let mut table = table(&[(What::All, false)]);
        table.take(&Turn { seq: 1, purge: Purge { what: What::Url("/a".into()), soft: false } });
        assert_eq!((table.seq(), table.verdict(b"/a", &[url(b"/a")], 1)), (1, Verdict::Clean));
    }
}
