//! The thread that looks after the places themselves: it resolves their names again and probes the origins, and tells every shard.
//! One thread for all shards, so that an origin is probed once an interval and not once an interval and shard.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::client::ClientConnection;
use rustls::{ClientConfig, StreamOwned};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};

use super::health::{Health, Turns};
use super::places::{Level, Place};
use super::resolve::resolve;
use super::seen::Slot;
use crate::config::Config;
use crate::rt::Mailbox;
use crate::shard::mail::Mail;

/// What a shard is told of a place.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// Its name leads there now.
    Addresses(Arc<[SocketAddr]>),
    /// Probes say that it is in service, or that it is not.
    InService(bool),
}

/// The running thread. It ends when this is dropped.
pub(crate) struct Watch {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread.
pub(crate) fn start(
    config: Arc<Config>,
    tls: Arc<ClientConfig>,
    slots: Arc<[Slot]>,
    shards: Vec<Mailbox<Mail>>,
) -> io::Result<Watch> {
    // A probe and a look-up a place may wait at the same time.
    let threads = 2 * slots.iter().filter(|slot| slot.in_use).count().max(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(threads).build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("edge-upstream".to_owned()).spawn(move || {
        let all = LocalSet::new();
        all.block_on(&runtime, async move {
            let shards: Arc<[Mailbox<Mail>]> = shards.into();
            let mut watched = JoinSet::new();
            for (at, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.in_use) {
                let (place, config) = (slot.place.clone(), config.clone());
                let one = One { at, place, config, tls: tls.clone(), shards: shards.clone() };
                watched.spawn_local(one.watch());
            }
            let _ = stopped.await;
        });
        // A name server that does not answer must not hold up the end.
        runtime.shutdown_background();
    })?;
    Ok(Watch { stop: Some(stop), thread: Some(thread) })
}

/// One place under watch.
struct One {
    at: usize,
    place: Place,
    config: Arc<Config>,
    tls: Arc<ClientConfig>,
    shards: Arc<[Mailbox<Mail>]>,
}

impl One {
    async fn watch(self) {
        let addrs = RefCell::new(self.place.addrs.clone());
        tokio::join!(self.resolve_again(&addrs), self.probe(&addrs));
    }

    async fn tell(&self, news: News) {
        for shard in self.shards.iter() {
            shard.send(Mail::Upstream(self.at, news.clone())).await;
        }
    }

    async fn resolve_again(&self, addrs: &RefCell<Vec<SocketAddr>>) {
        let upstream = &self.config.upstream;
        loop {
            tokio::time::sleep(upstream.resolve_interval).await;
            let (resolver, source) = (upstream.resolver.clone(), self.place.source.clone());
            let found = tokio::task::spawn_blocking(move || resolve(&resolver, &source)).await;
            match found.unwrap_or_else(|e| Err(io::Error::other(e))) {
                // The system may turn the order round for every question: that is no news.
                Ok(new) if !same(&new, &addrs.borrow()) => {
                    tracing::info!(upstream = %self.place.source, addresses = ?new, "the name leads elsewhere now");
                    addrs.replace(new.clone());
                    self.tell(News::Addresses(new.into())).await;
                }
                Ok(_) => {}
                // What was known still stands: a name server that fails must not take an origin down.
                Err(error) => tracing::warn!(upstream = %self.place.source, %error, "the name does not resolve"),
            }
        }
    }

    async fn probe(&self, addrs: &RefCell<Vec<SocketAddr>>) {
        let policy = &self.config.upstream.health;
        let Some(path) = policy.path.as_deref().filter(|_| self.place.level == Level::Origin) else { return };
        let turns = Turns { unhealthy_after: policy.unhealthy_after, healthy_after: policy.healthy_after };
        let mut health = Health::new(turns);
        loop {
            let question = Question {
                place: self.place.clone(),
                addrs: addrs.borrow().clone(),
                path: path.to_owned(),
                limit: policy.timeout,
                tls: self.tls.clone(),
            };
            // A slow answer is given up here; its thread ends by its own limits.
            let asked = tokio::task::spawn_blocking(move || question.ask());
            let answer = tokio::time::timeout(policy.timeout, asked).await;
            let well = matches!(answer, Ok(Ok(Ok(status))) if (100..400).contains(&status));
            if let Some(up) = health.tell(well) {
                tracing::warn!(upstream = %self.place.source, up, ?answer, "probes have turned");
                self.tell(News::InService(up)).await;
            }
            tokio::time::sleep(policy.interval.max(Duration::from_millis(1))).await;
        }
    }
}

fn same(a: &[SocketAddr], b: &[SocketAddr]) -> bool {
    a.len() == b.len() && a.iter().all(|addr| b.contains(addr))
}

/// A probe: who is asked for what, within which time a step.
struct Question {
    place: Place,
    addrs: Vec<SocketAddr>,
    path: String,
    limit: Duration,
    tls: Arc<ClientConfig>,
}

impl Question {
    /// The status of the answer, from the first address that takes a connection. Blocks.
    fn ask(&self) -> io::Result<u16> {
        let mut stream = Err(io::Error::other("it has no address"));
        for addr in &self.addrs {
            stream = TcpStream::connect_timeout(addr, self.limit);
            if stream.is_ok() {
                break;
            }
        }
        let mut stream = stream?;
        stream.set_read_timeout(Some(self.limit))?;
        stream.set_write_timeout(Some(self.limit))?;
        match &self.place.tls_name {
            None => self.talk(&mut stream),
            Some(name) => {
                let session = ClientConnection::new(self.tls.clone(), name.clone()).map_err(io::Error::other)?;
                self.talk(&mut StreamOwned::new(session, stream))
            }
        }
    }

    fn talk(&self, stream: &mut (impl Read + Write)) -> io::Result<u16> {
        let mut head = format!("GET {} HTTP/1.1\r\n", self.path).into_bytes();
        head.extend_from_slice(&self.place.lines);
        head.extend_from_slice(b"User-Agent: streamgate-probe\r\nConnection: close\r\n\r\n");
        stream.write_all(&head)?;
        let mut start = [0u8; 12];
        stream.read_exact(&mut start)?;
        status(&start).ok_or_else(|| io::Error::other("the answer is no HTTP"))
    }
}

/// `HTTP/1.1 200`
fn status(start: &[u8; 12]) -> Option<u16> {
    let digits = start.strip_prefix(b"HTTP/1.1 ").or_else(|| start.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_from_the_first_twelve_bytes() {
        assert_eq!(status(b"HTTP/1.1 204"), Some(204));
        assert_eq!(status(b"HTTP/1.0 503"), Some(503));
        assert_eq!(status(b"HTTP/2.0 200"), None);
        assert_eq!(status(b"SMTP ready 2"), None);
    }
}
