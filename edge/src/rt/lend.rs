//! Buffers that connections borrow for as long as something is in them: one that waits holds none.

use std::cell::RefCell;

/// A thread keeps so many; more are free'd when they come back.
const KEPT: usize = 256;
/// Larger ones are not kept: they grew for a head or an answer that is rare.
const KEPT_BYTES_MAX: usize = 20 * 1024;
/// Room of a new one: most heads of requests, and of answers with a small body.
const NEW_BYTES: usize = 2 * 1024;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for a head.
pub(crate) fn lend() -> Vec<u8> {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(NEW_BYTES))
}

/// Takes a buffer back.
pub(crate) fn give_back(mut buffer: Vec<u8>) {
    if buffer.capacity() < NEW_BYTES || buffer.capacity() > KEPT_BYTES_MAX {
        return;
    }
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < KEPT {
            buffer.clear();
            spare.push(buffer);
        }
    });
}
