//! An upgrade without a pause: a new process takes the listening sockets of the one that serves, over a Unix socket, and that one lets its
//! connections end. The sockets themselves change hands, with the connections that wait in their queues: nobody is refused or reset.
//!
//! ```text
//! heir                          elder
//! "streamgate-handover 1"  ->
//!                          <-   {"http": 2, "https": 0, "admin": 1} and that many descriptors (SCM_RIGHTS)
//!    starts, accepts
//! "serving"                ->   stops accepting, lets go of the descriptors and of the path
//!                          <-   "over"
//!    takes the path             lets its connections end
//! purges, as lines of JSON <->  each purges what the other is told to, and says "done"
//! ```
//!
//! Until "serving" the elder serves on; an heir that fails costs nothing. [`link`] is the conversation, this file what it is about.

pub(crate) mod link;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use socket2::Socket;

use crate::limits::{HANDOVER_LOOK, HANDOVER_START, HANDOVER_STEP};
use crate::purge::thread::Purger;
use crate::rt::Mailbox;
use crate::shard::mail::Mail;
use link::{Link, Word};

/// What an heir says first; the number is that of this conversation.
const HELLO: &str = "streamgate-handover 1";

/// How many descriptors of which kind follow.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
struct Kinds {
    http: usize,
    https: usize,
    admin: usize,
}

/// What an earlier process left.
#[derive(Default)]
pub(crate) struct Heritage {
    http: Vec<Socket>,
    https: Vec<Socket>,
    admin: Option<TcpListener>,
    elder: Option<UnixStream>,
}

impl Heritage {
    /// Takes over from the process that listens on `path`; nothing, when none does.
    pub(crate) fn of(path: Option<&Path>) -> io::Result<Heritage> {
        let Some(path) = path else { return Ok(Heritage::default()) };
        let elder = match UnixStream::connect(path) {
            Ok(elder) => elder,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                return Ok(Heritage::default());
            }
            Err(e) => return Err(e),
        };
        elder.set_read_timeout(Some(HANDOVER_STEP))?;
        link::say(&elder, HELLO)?;
        let (line, fds) = link::receive_with_descriptors(&elder)?;
        let kinds: Kinds = serde_json::from_str(line.trim()).map_err(io::Error::other)?;
        if fds.len() != kinds.http + kinds.https + kinds.admin {
            return Err(io::Error::other(format!("{} descriptors came where {kinds:?} were announced", fds.len())));
        }
        let mut fds = fds.into_iter();
        let http = fds.by_ref().take(kinds.http).map(Socket::from).collect();
        let https = fds.by_ref().take(kinds.https).map(Socket::from).collect();
        tracing::info!(path = %path.display(), ?kinds, "listeners are taken over from the process that serves");
        Ok(Heritage { http, https, admin: fds.next().map(TcpListener::from), elder: Some(elder) })
    }

    /// The listeners for `addr`, when they are what is configured (port 0: any will do). Others are closed here, and the elder's end with it.
    pub(crate) fn http(&mut self, addr: SocketAddr) -> Vec<Socket> {
        fitting(std::mem::take(&mut self.http), addr)
    }

    pub(crate) fn https(&mut self, addr: SocketAddr) -> Vec<Socket> {
        fitting(std::mem::take(&mut self.https), addr)
    }

    pub(crate) fn admin(&mut self, addr: SocketAddr) -> Option<TcpListener> {
        self.admin.take().filter(|listener| listener.local_addr().is_ok_and(|bound| is_same(bound, addr)))
    }

    pub(crate) fn elder(&mut self) -> Option<UnixStream> {
        self.elder.take()
    }
}

fn fitting(sockets: Vec<Socket>, addr: SocketAddr) -> Vec<Socket> {
    let bound = |socket: &Socket| socket.local_addr().ok().and_then(|bound| bound.as_socket());
    sockets.into_iter().filter(|socket| bound(socket).is_some_and(|bound| is_same(bound, addr))).collect()
}

fn is_same(bound: SocketAddr, configured: SocketAddr) -> bool {
    bound.ip() == configured.ip() && (configured.port() == 0 || bound.port() == configured.port())
}

/// Descriptors to be handed over, doubles of those that the shards have.
#[derive(Default)]
pub(crate) struct Estate {
    pub(crate) http: Vec<OwnedFd>,
    pub(crate) https: Vec<OwnedFd>,
    pub(crate) admin: Vec<OwnedFd>,
}

/// Doubles of `sockets`.
pub(crate) fn doubles<S: AsFd>(sockets: &[S]) -> io::Result<Vec<OwnedFd>> {
    sockets.iter().map(|socket| socket.as_fd().try_clone_to_owned()).collect()
}

/// The thread that waits for an heir. Dropping it ends it, and gives the path up when it is still ours.
pub(crate) struct Offer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    handed_over: Mutex<Option<Receiver<()>>>,
}

impl Offer {
    /// Receives once when the listeners are another's; the first time it is asked for.
    pub(crate) fn handed_over(&self) -> Option<Receiver<()>> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the waiting thread needs.
struct Waiting {
    path: PathBuf,
    estate: Estate,
    shards: Vec<Mailbox<Mail>>,
    purger: Purger,
    stop: Arc<AtomicBool>,
    told: Sender<()>,
}

/// Tells the elder that this process serves, if there is one, and waits for an heir on `path` from now on.
pub(crate) fn offer(
    path: PathBuf,
    elder: Option<UnixStream>,
    estate: Estate,
    shards: Vec<Mailbox<Mail>>,
    purger: Purger,
) -> io::Result<Offer> {
    if let Some(elder) = elder {
        succeed(elder, &purger)?;
    }
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    let (told, handed_over) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let waiting = Waiting { path, estate, shards, purger, stop: stop.clone(), told };
    let thread = std::thread::Builder::new().name("edge-handover".to_owned());
    let thread = thread.spawn(move || waiting.live(listener))?;
    Ok(Offer { stop, thread: Some(thread), handed_over: Mutex::new(Some(handed_over)) })
}

/// This process serves: the elder need not any more.
fn succeed(elder: UnixStream, purger: &Purger) -> io::Result<()> {
    elder.set_read_timeout(None)?;
    let (tell, told) = channel();
    // An elder that has ended is no longer told.
    let link = Link::begin(elder, purger.clone(), move |word| tell.send(word == Word::Over).unwrap_or(()))?;
    purger.tell_too(link.clone());
    link.say("serving")?;
    match told.recv_timeout(HANDOVER_STEP) {
        Ok(true) => tracing::info!("the process before this one has let go"),
        _ => tracing::warn!("the process before this one has not said that it lets go"),
    }
    Ok(())
}

impl Waiting {
    fn live(mut self, listener: UnixListener) {
        while !self.stop.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((heir, _)) => match self.hand_over(heir) {
                    Ok(true) => return,
                    Ok(false) => tracing::warn!("a process wanted to take over and did not come to serve"),
                    Err(error) => tracing::warn!(%error, "a process wanted to take over and could not"),
                },
                Err(_) => std::thread::sleep(HANDOVER_LOOK),
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }

    /// True: `heir` serves, and this process is to let its connections end.
    fn hand_over(&mut self, heir: UnixStream) -> io::Result<bool> {
        heir.set_nonblocking(false)?;
        heir.set_read_timeout(Some(HANDOVER_STEP))?;
        if !link::is_of_this_user(&heir)? || link::hear(&heir)? != HELLO {
            return Err(io::Error::other("it is of another user, or of another version"));
        }
        let Estate { http, https, admin } = &self.estate;
        let kinds = Kinds { http: http.len(), https: https.len(), admin: admin.len() };
        let fds: Vec<_> = http.iter().chain(https).chain(admin).map(AsFd::as_fd).collect();
        link::send_with_descriptors(&heir, &serde_json::to_string(&kinds).map_err(io::Error::other)?, &fds)?;
        drop(fds);
        heir.set_read_timeout(None)?;
        let (tell, told) = channel();
        // What is purged here from now on the heir must know: it may have fetched it already.
        let link = Link::begin(heir, self.purger.clone(), move |word| tell.send(word == Word::Serving).unwrap_or(()))?;
        self.purger.tell_too(link.clone());
        if !told.recv_timeout(HANDOVER_START).unwrap_or(false) {
            link.end();
            return Ok(false);
        }
        let (done, left) = channel();
        for shard in &self.shards {
            shard.send_anyhow(Mail::HandOver(done.clone()));
        }
        drop(done);
        // Disconnected: all have. A shard that hangs is not waited for.
        let _ = left.recv_timeout(HANDOVER_STEP);
        self.estate = Estate::default();
        let _ = std::fs::remove_file(&self.path);
        link.say("over")?;
        let _ = self.told.send(());
        Ok(true)
    }
}

/// The other processes that are told of a purge: at most the one before this one and the one after.
#[derive(Clone, Default)]
pub(crate) struct Others(Arc<Mutex<Vec<Link>>>);

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Others")
    }
}

impl Others {
    pub(crate) fn add(&self, link: Link) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(Link::is_alive);
        links.push(link);
    }

    pub(crate) fn are_there(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(Link::is_alive)
    }

    /// Tells each that is still there.
    pub(crate) fn tell(&self, line: &str) {
        let links = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        links.iter().filter(|link| link.is_alive()).for_each(|link| link.ask(line));
    }
}
