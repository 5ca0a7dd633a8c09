//! The thread that looks whether files of certificates and of the ticket secret have changed, and hands every shard the new ones. A pair that cannot be used
//! changes nothing: what is there goes on being shown.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::ProducesTickets;

use super::{CertificateError, server, tickets};
use crate::config::Https;
use crate::rt::Mailbox;
use crate::shard::mail::Mail;

/// Longest wait for a shard to take new certificates.
const CONFIRM: Duration = Duration::from_secs(5);

/// Other files, or the same ones, and whom to tell.
type Asked = (Option<Https>, Sender<Result<(), CertificateError>>);

/// The running thread. Dropping it ends it.
pub(crate) struct Reloader {
    now: Option<Sender<Asked>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread; the shards have what `https` names already, as `stamps` describes it.
pub(crate) fn start(
    https: Https,
    tickets: Arc<dyn ProducesTickets>,
    stamps: Stamps,
    shards: Vec<Mailbox<Mail>>,
) -> std::io::Result<Reloader> {
    let (now, asked) = channel();
    let mut watched = Watched { https, tickets, stamps, shards };
    let thread = std::thread::Builder::new().name("edge-tls".to_owned()).spawn(move || watched.live(&asked))?;
    Ok(Reloader { now: Some(now), thread: Some(thread) })
}

impl Reloader {
    /// Reads the files now. Returns when every shard shows them.
    pub(crate) fn reload(&self) -> Result<(), CertificateError> {
        self.ask(None)
    }

    /// Reads the files that `https` names and looks after them from now on. An error leaves everything as it was.
    pub(crate) fn change(&self, https: Https) -> Result<(), CertificateError> {
        self.ask(Some(https))
    }

    fn ask(&self, https: Option<Https>) -> Result<(), CertificateError> {
        let (reply, done) = channel();
        let sent = self.now.as_ref().is_some_and(|now| now.send((https, reply)).is_ok());
        if sent { done.recv().unwrap_or(Err(CertificateError::Ended)) } else { Err(CertificateError::Ended) }
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        drop(self.now.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What tells a file from a later one of the same name: inode, length, time of change in nanoseconds.
pub(crate) type Stamps = Vec<Option<(u64, u64, i64, i64)>>;

/// The stamps of all files of `https`. Take them before the files are read: a change in between is then seen.
pub(crate) fn stamps(https: &Https) -> Stamps {
    let files = https.certificates.iter().flat_map(|pair| [Some(&pair.cert), Some(&pair.key), pair.ocsp.as_ref()]);
    files.flatten().chain(&https.ticket_secret).map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<(u64, u64, i64, i64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
}

struct Watched {
    https: Https,
    tickets: Arc<dyn ProducesTickets>,
    stamps: Stamps,
    shards: Vec<Mailbox<Mail>>,
}

impl Watched {
    fn live(&mut self, asked: &Receiver<Asked>) {
        loop {
            match asked.recv_timeout(self.https.look_every) {
                Ok((new, reply)) => {
                    let old = new.map(|new| (std::mem::replace(&mut self.https, new), self.stamps.clone()));
                    let result = self.reload(stamps(&self.https));
                    if let (Err(_), Some((https, stamps))) = (&result, old) {
                        (self.https, self.stamps) = (https, stamps);
                    }
                    let _ = reply.send(result);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let stamps = stamps(&self.https);
                    if stamps != self.stamps {
                        // Logged and counted there.
                        let _ = self.reload(stamps);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn read(&mut self) -> Result<Arc<ServerConfig>, CertificateError> {
        // A random secret stays: sessions would end for nothing.
        if let Some(path) = &self.https.ticket_secret {
            self.tickets = tickets::tickets(Some(path))?;
        }
        server(&self.https, &self.tickets)
    }

    fn reload(&mut self, stamps: Stamps) -> Result<(), CertificateError> {
        self.stamps = stamps;
        let config = match self.read() {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "the new certificates cannot be used; the old ones stay");
                if let Some(first) = self.shards.first() {
                    first.send_anyhow(Mail::CertificatesUnusable);
                }
                return Err(error);
            }
        };
        let (done, taken) = channel();
        for shard in &self.shards {
            shard.send_anyhow(Mail::Certificates(config.clone(), done.clone()));
        }
        drop(done);
        for _ in &self.shards {
            let _ = taken.recv_timeout(CONFIRM);
        }
        tracing::info!("certificates are read again");
        Ok(())
    }
}
