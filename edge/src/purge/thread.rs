//! One purge after the other, in one order for all shards: numbered, written down, told to every shard, confirmed.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::journal::Journal;
use super::table::Table;
use super::{Purge, Turn, What};
use crate::handover::Others;
use crate::handover::link::Link;
use crate::rt::Mailbox;
use crate::shard::mail::Mail;

/// Longest wait for a shard to confirm: one that hangs must not stop the purges of the others.
const CONFIRM: Duration = Duration::from_secs(5);

/// Why a purge is not done.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// It was done in memory, and could not be written down: after a restart the disk tier may know what was purged.
    #[error(
        "the purge journal cannot be written ({0}); what is in memory is purged, what is on disk may come back after a restart"
    )]
    Journal(String),
    /// A shard did not confirm in time.
    #[error("{0} of the shards did not confirm the purge within 5 s")]
    Shards(usize),
    /// The edge is shutting down.
    #[error("the edge is shutting down")]
    Ended,
}

type Reply = oneshot::Sender<Result<u64, PurgeError>>;

/// A purge on its way to the thread. `here`: it was asked of this process, which writes it down and tells the others.
struct Asked {
    purge: Purge,
    here: bool,
    reply: Reply,
}

/// Hands purges to their thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Purger {
    to: Sender<Asked>,
    /// Processes that this one takes over from, or is taken over by.
    others: Others,
}

impl Purger {
    /// Purges. Returns its number once no shard gives out what it covers.
    pub async fn purge(&self, purge: Purge) -> Result<u64, PurgeError> {
        self.ask(purge, true)?.await.unwrap_or(Err(PurgeError::Ended))
    }

    /// As [`Self::purge`], for a thread without a runtime.
    pub fn purge_blocking(&self, purge: Purge) -> Result<u64, PurgeError> {
        self.ask(purge, true)?.blocking_recv().unwrap_or(Err(PurgeError::Ended))
    }

    /// Purges what another process was asked to, which has written it down. Blocks.
    pub(crate) fn purge_for_another(&self, purge: Purge) {
        if let Ok(done) = self.ask(purge, false) {
            let _ = done.blocking_recv();
        }
    }

    /// What is asked of this process from now on is told to another as well.
    pub(crate) fn tell_too(&self, link: Link) {
        self.others.add(link);
    }

    fn ask(&self, purge: Purge, here: bool) -> Result<oneshot::Receiver<Result<u64, PurgeError>>, PurgeError> {
        let (reply, done) = oneshot::channel();
        self.to.send(Asked { purge, here, reply }).map_err(|_| PurgeError::Ended)?;
        Ok(done)
    }
}

/// What was purged before this start, and where purges are written down.
pub(crate) struct Past {
    journal: Option<Journal>,
    turns: Vec<Turn>,
}

impl Past {
    /// Reads the journal in `folder`; without a folder nothing outlives the process, and nothing need. What cannot be read may have
    /// been anything: then everything from before counts as purged.
    pub(crate) fn read(folder: Option<&Path>, now_ms: u64) -> Past {
        let Some(folder) = folder else { return Past { journal: None, turns: Vec::new() } };
        match Journal::open(folder) {
            Ok((journal, turns)) => Past { journal: Some(journal), turns },
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "the purge journal cannot be read: what is on disk is not used");
                // Larger than any number of purges.
                let everything = Turn { seq: now_ms, purge: Purge { what: What::All, soft: false } };
                Past { journal: None, turns: vec![everything] }
            }
        }
    }

    /// A shard's table as it was.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::default();
        self.turns.iter().for_each(|turn| table.take(turn));
        table
    }
}

/// What the thread is started with.
pub(crate) struct Way {
    from: Receiver<Asked>,
    others: Others,
}

/// The way in, to be filled with shards once they are there.
pub(crate) fn way() -> (Purger, Way) {
    let (to, from) = channel();
    let others = Others::default();
    (Purger { to, others: others.clone() }, Way { from, others })
}

/// Starts the thread. It ends when every [`Purger`] is gone or the shards are.
pub(crate) fn start(way: Way, past: Past, shards: Vec<Mailbox<Mail>>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("edge-purge".to_owned()).spawn(move || {
        let mut seq = past.turns.last().map_or(0, |turn| turn.seq);
        let mut journal = past.journal;
        while let Ok(Asked { purge, here, reply }) = way.from.recv() {
            seq += 1;
            let line = here.then(|| serde_json::to_string(&purge).unwrap_or_default());
            let done = one(Turn { seq, purge }, journal.as_mut().filter(|_| here), &shards);
            let is_over = matches!(done, Err(PurgeError::Ended));
            match line {
                // Apart: the other process may be asking this one at the same time.
                Some(line) if way.others.are_there() => {
                    let others = way.others.clone();
                    std::thread::spawn(move || {
                        others.tell(&line);
                        let _ = reply.send(done);
                    });
                }
                _ => drop(reply.send(done)),
            }
            if is_over {
                return;
            }
        }
    })
}

fn one(mut turn: Turn, journal: Option<&mut Journal>, shards: &[Mailbox<Mail>]) -> Result<u64, PurgeError> {
    if journal.as_ref().is_some_and(|journal| journal.is_full()) {
        // The journal begins anew with a purge of everything: so does every table.
        turn.purge = Purge { what: What::All, soft: false };
    }
    let written = journal.map_or(Ok(()), |journal| journal.write(&turn));
    let seq = turn.seq;
    let turn = Arc::new(turn);
    let (done, confirmed) = channel();
    let told = shards.iter().filter(|shard| shard.send_anyhow(Mail::Purge(turn.clone(), done.clone()))).count();
    drop(done);
    if told == 0 {
        return Err(PurgeError::Ended);
    }
    let missing = (0..told).filter(|_| confirmed.recv_timeout(CONFIRM).is_err()).count();
    match (written, missing) {
        (Err(error), _) => Err(PurgeError::Journal(error.to_string())),
        (Ok(()), 0) => Ok(seq),
        (Ok(()), missing) => Err(PurgeError::Shards(missing)),
    }
}
