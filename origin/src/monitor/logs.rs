//! The last lines of the log, in memory: for operators who have the API and no shell. The log itself goes where the process writes it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use durable::UnixMs;
use tracing::Level;

use crate::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_KEPT};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Of this process, from 1.
    pub(crate) seq: u64,
    pub(crate) at_ms: UnixMs,
    pub(crate) level: Level,
    /// The part of the program that says it.
    pub(crate) target: String,
    /// The sentence and what belongs to it.
    pub(crate) text: String,
}

/// The last lines of a process. Whoever writes the log adds them.
#[derive(Debug, Default)]
pub struct Logs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    lines: VecDeque<Line>,
}

impl Logs {
    /// Adds a line, said at `at_ms` (milliseconds since 1970 UTC); the oldest leaves when there are enough. A longer text is cut.
    pub fn add(&self, level: Level, target: &str, mut text: String, at_ms: i64) {
        text.truncate(text.floor_char_boundary(LOG_LINE_BYTES_MAX));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        let line = Line { seq: kept.last, at_ms, level, target: target.to_owned(), text };
        if kept.lines.len() >= LOG_LINES_KEPT {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
    }

    /// Lines before `before` that are at least as grave as `level`, youngest first.
    pub(crate) fn before(&self, before: u64, level: Level, limit: u32) -> Vec<Line> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = kept.lines.iter().rev().filter(|line| line.seq < before && line.level <= level);
        lines.take(limit as usize).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_by_number_and_cut_where_they_are_long() {
        let logs = Logs::default();
        for n in 0..=LOG_LINES_KEPT as i64 {
            let level = if n % 2 == 0 { Level::INFO } else { Level::WARN };
            logs.add(level, "origin::x", format!("line {n}"), n);
        }
        logs.add(Level::ERROR, "origin::y", "é".repeat(LOG_LINE_BYTES_MAX), 0);
        let grave = logs.before(u64::MAX, Level::WARN, 2);
        assert_eq!(grave.iter().map(|line| line.level).collect::<Vec<_>>(), [Level::ERROR, Level::WARN]);
        assert!(grave[0].text.len() <= LOG_LINE_BYTES_MAX && grave[0].text.ends_with('é'));
        assert_eq!(logs.before(grave[1].seq, Level::WARN, 1)[0].seq, grave[1].seq - 2);
        let all = logs.before(u64::MAX, Level::TRACE, u32::MAX);
        assert_eq!((all.len(), all.last().unwrap().seq), (LOG_LINES_KEPT, 3));
    }
}
