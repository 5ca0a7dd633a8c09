//! The conversation of two processes of which one takes over from the other: lines over a Unix socket, descriptors beside the first answer.

use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use crate::limits::{HANDOVER_DESCRIPTORS_MAX, HANDOVER_LINE_BYTES_MAX, HANDOVER_STEP};
use crate::purge::Purge;
use crate::purge::thread::Purger;

/// What the other says besides purges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Serving,
    Over,
}

/// A conversation under way; cheap to clone. It ends when the other process does.
#[derive(Clone)]
pub(crate) struct Link {
    stream: Arc<UnixStream>,
    alive: Arc<AtomicBool>,
    /// One question at a time; its answer comes out of here.
    done: Arc<Mutex<Receiver<()>>>,
}

impl Link {
    /// Listens to the other on a thread of its own: purges are done here and answered, `hear` is told of everything else.
    pub(crate) fn begin(stream: UnixStream, purger: Purger, hear: impl Fn(Word) + Send + 'static) -> io::Result<Link> {
        stream.set_write_timeout(Some(HANDOVER_STEP))?;
        let (tell, done) = channel();
        let stream = Arc::new(stream);
        let link = Link { stream, alive: Arc::new(AtomicBool::new(true)), done: Arc::new(Mutex::new(done)) };
        let listening = link.clone();
        let thread = std::thread::Builder::new().name("edge-link".to_owned());
        thread.spawn(move || listening.listen(&purger, &tell, hear))?;
        Ok(link)
    }

    fn listen(&self, purger: &Purger, tell: &Sender<()>, hear: impl Fn(Word)) {
        let mut reader = BufReader::new(&*self.stream);
        loop {
            let mut line = String::new();
            match reader.by_ref().take(HANDOVER_LINE_BYTES_MAX).read_line(&mut line) {
                Ok(count) if count > 0 => {}
                _ => break,
            }
            match line.trim_end() {
                "serving" => hear(Word::Serving),
                "over" => hear(Word::Over),
                "done" => drop(tell.send(())),
                text => {
                    let Ok(purge) = serde_json::from_str::<Purge>(text) else { break };
                    purger.purge_for_another(purge);
                    if self.say("done").is_err() {
                        break;
                    }
                }
            }
        }
        self.end();
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Says no more, and hears no more.
    pub(crate) fn end(&self) {
        self.alive.store(false, Ordering::Relaxed);
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    pub(crate) fn say(&self, line: &str) -> io::Result<()> {
        say(&self.stream, line)
    }

    /// Says a purge and waits until the other has done it. One that does not answer is not asked again.
    pub(crate) fn ask(&self, line: &str) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if self.say(line).is_err() || done.recv_timeout(HANDOVER_STEP).is_err() {
            self.end();
        }
    }
}

/// Sends a line.
pub(super) fn say(mut stream: &UnixStream, line: &str) -> io::Result<()> {
    // In one piece: two threads may speak.
    stream.write_all(format!("{line}\n").as_bytes())
}

/// Receives a line, byte by byte: what follows is not ours to read.
pub(super) fn hear(mut stream: &UnixStream) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < 64 {
        stream.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return String::from_utf8(line).map_err(io::Error::other);
        }
        line.push(byte[0]);
    }
    Err(io::Error::other("the line is too long"))
}

/// Whether who connected runs as the user that we do.
pub(super) fn is_of_this_user(stream: &UnixStream) -> io::Result<bool> {
    let other = rustix::net::sockopt::socket_peercred(stream)?;
    Ok(other.uid == rustix::process::geteuid())
}

/// Sends a line with descriptors beside it.
pub(super) fn send_with_descriptors(stream: &UnixStream, line: &str, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDOVER_DESCRIPTORS_MAX))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !beside.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("more descriptors than one message carries"));
    }
    let line = format!("{line}\n");
    let sent = sendmsg(stream, &[IoSlice::new(line.as_bytes())], &mut beside, SendFlags::NOSIGNAL)?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives a line and what is beside it.
pub(super) fn receive_with_descriptors(stream: &UnixStream) -> io::Result<(String, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDOVER_DESCRIPTORS_MAX))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut line = [0; 256];
    let got = recvmsg(stream, &mut [IoSliceMut::new(&mut line)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            fds.extend(some);
        }
    }
    Ok((String::from_utf8_lossy(&line[..got.bytes]).into_owned(), fds))
}
