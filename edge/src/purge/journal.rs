//! Purges on disk: one JSON object a line, synced before anyone is told that the purge is done. `docs/formats/purge-journal.md`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::{Turn, What};
use crate::limits::PURGE_JOURNAL_LINES_MAX;

/// Name of the journal in a disk's folder.
const NAME: &str = "purges.jsonl";

/// The journal, open at its end.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
}

impl Journal {
    /// Opens the journal in `folder`, and reads what it holds. A last line that was cut off by a crash was never confirmed to anyone:
    /// it is taken away.
    pub(crate) fn open(folder: &Path) -> io::Result<(Journal, Vec<Turn>)> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(NAME);
        // Appending: the process that this one takes over from may write a last line of its own.
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut turns: Vec<Turn> = Vec::new();
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        let mut line = String::new();
        loop {
            line.clear();
            let count = reader.read_line(&mut line).unwrap_or(0);
            let Some(turn) = line.strip_suffix('\n').and_then(|line| serde_json::from_str(line).ok()) else { break };
            whole += count as u64;
            turns.push(turn);
        }
        if file.metadata()?.len() > whole {
            file.set_len(whole)?;
        }
        let lines = turns.len();
        Ok((Journal { path, file, lines }, turns))
    }

    /// Writes a turn down. When it returns, the turn survives a crash.
    pub(crate) fn write(&mut self, turn: &Turn) -> io::Result<()> {
        // A hard purge of everything makes every earlier line needless.
        if turn.purge.what == What::All && !turn.purge.soft {
            return self.begin_anew(turn);
        }
        self.file.write_all(line(turn).as_bytes())?;
        self.lines += 1;
        self.file.sync_data()
    }

    /// A journal of this line alone.
    fn begin_anew(&mut self, turn: &Turn) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(line(turn).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.lines = 1;
        Ok(())
    }

    /// Whether it has all the lines it may have: only a hard purge of everything can follow.
    pub(crate) fn is_full(&self) -> bool {
        self.lines >= PURGE_JOURNAL_LINES_MAX
    }
}

fn line(turn: &Turn) -> String {
    serde_json::to_string(turn).expect("numbers and strings are JSON") + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::Purge;
    use super::*;

    fn turn(seq: u64, what: What) -> Turn {
        Turn { seq, purge: Purge { what, soft: false } }
    }

    #[test]
    fn what_was_written_is_read_back_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, none) = Journal::open(folder.path()).expect("opens");
        assert!(none.is_empty());
        let turns = [turn(1, What::Url("/a\n\"b".into())), turn(2, What::Tag("x".into()))];
        turns.iter().for_each(|turn| journal.write(turn).expect("written"));
        let path = folder.path().join(NAME);
        std::fs::OpenOptions::new().append(true).open(&path).expect("there").write_all(b"{\"seq\":3,").expect("torn");
        let (mut journal, read) = Journal::open(folder.path()).expect("opens");
        assert_eq!(read, turns);
        journal.write(&turn(3, What::Prefix("/p".into()))).expect("written");
        assert_eq!(Journal::open(folder.path()).expect("opens").1.len(), 3);
        journal.write(&turn(4, What::All)).expect("written");
        assert_eq!(Journal::open(folder.path()).expect("opens").1, [turn(4, What::All)]);
    }
}
