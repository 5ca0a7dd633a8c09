//! A program whose output is read in blocks, with a limit on waiting, and which never outlives its owner.

use crate::MediaError;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of the program's complaints that are kept: the last ones say why it stopped.
const COMPLAINT_BYTES: usize = 4096;

/// Blocks read ahead.
const AHEAD: usize = 2;

/// A running program. Dropping it kills it.
pub(crate) struct BlockReader {
    child: Child,
    blocks: Option<Receiver<io::Result<Vec<u8>>>>,
    empty: Sender<Vec<u8>>,
    threads: Vec<JoinHandle<()>>,
    complaint: Receiver<Vec<u8>>,
    stall: Duration,
}

impl BlockReader {
    /// Starts the program. Its output comes in blocks of `block_bytes`, the last one may be shorter.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        block_bytes: usize,
        stall: Duration,
    ) -> Result<Self, MediaError> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove("FFREPORT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().expect("was asked to be piped");
        let stderr = child.stderr.take().expect("was asked to be piped");
        let (filled, blocks) = sync_channel(AHEAD);
        let (empty, empties) = channel();
        let (said, complaint) = channel();
        let threads = vec![
            std::thread::spawn(move || read_blocks(stdout, block_bytes, &filled, &empties)),
            std::thread::spawn(move || drop(said.send(read_tail(stderr)))),
        ];
        Ok(Self { child, blocks: Some(blocks), empty, threads, complaint, stall })
    }

    /// The next block; `None` when the program has ended well.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, MediaError> {
        let Some(blocks) = &self.blocks else { return Ok(None) };
        match blocks.recv_timeout(self.stall) {
            Ok(block) => Ok(Some(block?)),
            Err(RecvTimeoutError::Timeout) => {
                self.stop();
                Err(MediaError::FfmpegTimeout { seconds: self.stall.as_secs() })
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.blocks = None;
                self.end()
            }
        }
    }

    /// Gives a block's memory back.
    pub fn recycle(&self, block: Vec<u8>) {
        let _ = self.empty.send(block); // after the end nobody wants it
    }

    fn end(&mut self) -> Result<Option<Vec<u8>>, MediaError> {
        // Its output is closed; a program that then stays is not waited for.
        let complaint = self.complaint.recv_timeout(self.stall).unwrap_or_default();
        if self.child.wait()?.success() {
            return Ok(None);
        }
        Err(MediaError::Ffmpeg { detail: last_line(&complaint) })
    }

    fn stop(&mut self) {
        self.blocks = None; // a reader that waits to hand over a block gives up
        let _ = self.child.kill(); // fails only when it has ended already
        let _ = self.child.wait();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for BlockReader {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read_blocks(
    mut from: impl Read,
    block_bytes: usize,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    empties: &Receiver<Vec<u8>>,
) {
    loop {
        let mut block = empties.try_recv().unwrap_or_default();
        block.resize(block_bytes, 0);
        let mut got = 0;
        let result = loop {
            if got == block_bytes {
                break Ok(());
            }
            match from.read(&mut block[got..]) {
                Ok(0) => break Ok(()),
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        block.truncate(got);
        let last = got < block_bytes || result.is_err();
        let nothing = got == 0 && result.is_ok();
        if (!nothing && filled.send(result.map(|()| block)).is_err()) || last {
            return;
        }
    }
}

/// The last bytes of what the program says.
fn read_tail(mut from: impl Read) -> Vec<u8> {
    let mut tail = Vec::new();
    let mut block = [0; 1024];
    while let Ok(got @ 1..) = from.read(&mut block) {
        tail.extend_from_slice(&block[..got]);
        let surplus = tail.len().saturating_sub(COMPLAINT_BYTES);
        tail.drain(..surplus);
    }
    tail
}

/// The last line that says something, without the path FFmpeg likes to put in front.
fn last_line(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    let line = match line.strip_prefix("file:").and_then(|rest| rest.rsplit_once(": ")) {
        Some((_, reason)) => reason,
        None => line,
    };
    line.chars().filter(|letter| !letter.is_control()).take(200).collect()
}
