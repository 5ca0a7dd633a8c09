//! The thread that looks after the places themselves: it resolves their names again and probes the origins, and tells every shard.
//! One thread for all shards, so that an origin is probed once an interval and not once an interval and shard.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};

use super::health::{Health, Turns};
use super::places::{Level, Place};
use super::resolve::resolve;
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
pub(crate) fn start(config: Arc<Config>, places: Arc<[Place]>, shards: Vec<Mailbox<Mail>>) -> io::Result<Watch> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("edge-upstream".to_owned()).spawn(move || {
        let all = LocalSet::new();
        all.block_on(&runtime, async move {
            let shards: Arc<[Mailbox<Mail>]> = shards.into();
            let mut watched = JoinSet::new();
            for at in 0..places.len() {
                let one = One { at, config: config.clone(), places: places.clone(), shards: shards.clone() };
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
    config: Arc<Config>,
    places: Arc<[Place]>,
    shards: Arc<[Mailbox<Mail>]>,
}

impl One {
    async fn watch(self) {
        let addrs = RefCell::new(self.place().addrs.clone());
        tokio::join!(self.resolve_again(&addrs), self.probe(&addrs));
    }

    fn place(&self) -> &Place {
        &self.places[self.at]
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
            let (resolver, source) = (upstream.resolver.clone(), self.place().source.clone());
            let found = tokio::task::spawn_blocking(move || resolve(&resolver, &source)).await;
            match found.unwrap_or_else(|e| Err(io::Error::other(e))) {
                // The system may turn the order round for every question: that is no news.
                Ok(new) if !same(&new, &addrs.borrow()) => {
                    tracing::info!(upstream = %self.place().source, addresses = ?new, "the name leads elsewhere now");
                    addrs.replace(new.clone());
                    self.tell(News::Addresses(new.into())).await;
                }
                Ok(_) => {}
                // What was known still stands: a name server that fails must not take an origin down.
                Err(error) => tracing::warn!(upstream = %self.place().source, %error, "the name does not resolve"),
            }
        }
    }

    async fn probe(&self, addrs: &RefCell<Vec<SocketAddr>>) {
        let policy = &self.config.upstream.health;
        let Some(path) = policy.path.as_deref().filter(|_| self.place().level == Level::Origin) else { return };
        let turns = Turns { unhealthy_after: policy.unhealthy_after, healthy_after: policy.healthy_after };
        let mut health = Health::new(turns);
        loop {
            let now = addrs.borrow().clone();
            let answer = tokio::time::timeout(policy.timeout, ask(self.place(), &now, path)).await;
            let well = matches!(answer, Ok(Ok(status)) if (100..400).contains(&status));
            if let Some(up) = health.tell(well) {
                tracing::warn!(upstream = %self.place().source, up, ?answer, "probes have turned");
                self.tell(News::InService(up)).await;
            }
            tokio::time::sleep(policy.interval.max(Duration::from_millis(1))).await;
        }
    }
}

fn same(a: &[SocketAddr], b: &[SocketAddr]) -> bool {
    a.len() == b.len() && a.iter().all(|addr| b.contains(addr))
}

/// The status of `GET path`, at the first address that takes a connection.
async fn ask(place: &Place, addrs: &[SocketAddr], path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect(addrs).await?;
    let mut head = format!("GET {path} HTTP/1.1\r\n").into_bytes();
    head.extend_from_slice(&place.lines);
    head.extend_from_slice(b"User-Agent: streamgate-probe\r\nConnection: close\r\n\r\n");
    stream.write_all(&head).await?;
    let mut start = [0u8; 12];
    stream.read_exact(&mut start).await?;
    status(&start).ok_or_else(|| io::Error::other("the answer is no HTTP"))
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
