//! What an object can be purged by, and how far that has been looked at.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sfparse::{Parser, Value};

use super::Stored;
use crate::http::fields::fields;
use crate::limits::MARKS_MAX;
use crate::purge::table::{self, Mark, Table, Verdict};

/// The purge side of a stored head.
#[derive(Default)]
pub(crate) struct Purged {
    marks: Box<[Mark]>,
    /// More tags and groups than are kept: every purge counts.
    is_of_many: bool,
    /// Number of the last purge that it has been compared with.
    seen: AtomicU64,
    soft: AtomicBool,
}

impl Purged {
    /// Of a head whose name, tags and fields are there.
    pub(crate) fn of(stored: &Stored) -> Purged {
        let tags = stored.tags.iter().flat_map(|tags| tags.split(|b| *b == b' ')).filter(|tag| !tag.is_empty());
        let groups =
            groups(fields(&stored.head).filter(|(n, _)| n.eq_ignore_ascii_case(b"cache-groups")).map(|(_, v)| v));
        let mut marks: Vec<Mark> = tags.map(table::tag).collect();
        marks.extend(groups.iter().map(|group| table::group(group.as_bytes())));
        let is_of_many = marks.len() > MARKS_MAX;
        marks.truncate(MARKS_MAX);
        marks.push(table::url(&stored.name));
        Purged { marks: marks.into(), is_of_many, seen: AtomicU64::new(0), soft: AtomicBool::new(false) }
    }

    /// Memory it costs.
    pub(crate) fn cost(&self) -> usize {
        size_of_val(&*self.marks)
    }

    /// A purge wants the origin to confirm it first.
    pub(crate) fn is_soft(&self) -> bool {
        self.soft.load(Ordering::Relaxed)
    }
}

impl Stored {
    /// Whether a purge has ended it. Compares it with what came since it was last compared.
    pub(crate) fn is_purged(&self, table: &Table) -> bool {
        // A marker is no answer: what it leads to is compared.
        let Some(fetched) = self.freshness.map(|f| f.purges) else { return false };
        if fetched > table.seq() {
            // Of an earlier life whose journal is lost: nobody knows what was purged since.
            return true;
        }
        let since = fetched.max(self.purged.seen.load(Ordering::Relaxed));
        if since >= table.seq() {
            return false;
        }
        match table.verdict(&self.name, &self.purged.marks, since) {
            Verdict::Gone => return true,
            Verdict::Clean if self.purged.is_of_many => return true,
            Verdict::Soft => self.purged.soft.store(true, Ordering::Relaxed),
            Verdict::Clean => {}
        }
        self.purged.seen.store(table.seq(), Ordering::Relaxed);
        false
    }
}

/// The members of `Cache-Groups` or `Cache-Group-Invalidation`, a list of strings (RFC 9875 section 2). A field that does not parse is
/// none at all.
pub(crate) fn groups<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let field = lines.collect::<Vec<_>>().join(&b", "[..]);
    let mut parser = Parser::new(&field);
    let mut groups = Vec::new();
    loop {
        match parser.parse_list() {
            Ok(Some(Value::String { range, escape })) => {
                let text = String::from_utf8_lossy(&field[range]).into_owned();
                groups.push(if escape { text.replace("\\\"", "\"").replace("\\\\", "\\") } else { text });
            }
            Ok(None) => return groups,
            Ok(Some(_)) | Err(_) => return Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_strings_or_nothing() {
        let check = |lines: &[&str]| groups(lines.iter().map(|line| line.as_bytes()));
        assert_eq!(check(&["\"a\", \"b c\"; x=1", "\"d\""]), ["a", "b c", "d"]);
        assert_eq!(check(&["\"a\\\"b\\\\\""]), ["a\"b\\"]);
        for void in ["a", "\"a\", 1", "\"a", "(\"a\")"] {
            assert!(check(&[void]).is_empty(), "{void}");
        }
    }
}
