//! Readers asleep until a body grows, and how they are woken, on this shard and on others.

use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use cache::Bell;

use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::Mail;

/// Wakers by the address of the bell they listen to.
#[derive(Default)]
pub(crate) struct Bells {
    asleep: HashMap<usize, Vec<Waker>>,
}

impl Bells {
    fn sleep(&mut self, at: usize, waker: &Waker) {
        self.asleep.entry(at).or_default().push(waker.clone());
    }

    fn wake(&mut self, at: usize) {
        for waker in self.asleep.remove(&at).unwrap_or_default() {
            waker.wake();
        }
    }

    /// Takes back a waker that was set down in vain.
    fn unsleep(&mut self, at: usize, waker: &Waker) {
        if let Some(wakers) = self.asleep.get_mut(&at) {
            if let Some(found) = wakers.iter().rposition(|w| w.will_wake(waker)) {
                wakers.swap_remove(found);
            }
            if wakers.is_empty() {
                self.asleep.remove(&at);
            }
        }
    }
}

fn address(bell: &Bell) -> usize {
    std::ptr::from_ref(bell) as usize
}

/// A listener's waker, taken back when it stops to listen.
struct Asleep<'a> {
    shard: &'a Shard,
    at: usize,
    waker: Option<Waker>,
}

impl Asleep<'_> {
    fn lie_down(&mut self, waker: &Waker) {
        self.shard.bells.borrow_mut().sleep(self.at, waker);
        self.waker = Some(waker.clone());
    }

    fn get_up(&mut self) {
        if let Some(waker) = self.waker.take() {
            self.shard.bells.borrow_mut().unsleep(self.at, &waker);
        }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.get_up();
    }
}

impl Shard {
    /// Waits until `bell` rings and `changed` holds.
    pub(crate) async fn listen(&self, bell: &Bell, changed: impl Fn() -> bool) {
        let mut asleep = Asleep { shard: self, at: address(bell), waker: None };
        poll_fn(|cx| {
            asleep.get_up();
            if changed() {
                return Poll::Ready(());
            }
            asleep.lie_down(cx.waker());
            bell.listen(self.id);
            if changed() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Wakes whoever listens to `bell`, wherever.
    pub(crate) fn ring(self: &Rc<Self>, bell: &Bell) {
        let mut listening = bell.take();
        while listening != 0 {
            let shard = listening.trailing_zeros() as usize;
            listening &= listening - 1;
            if shard == self.id {
                self.rung(address(bell));
            } else if let Some(peer) = self.peers.get(shard).cloned() {
                let at = address(bell);
                rt::spawn(async move {
                    peer.send(Mail::Ring(at)).await;
                });
            }
        }
    }

    /// The bell at this address rang.
    pub(crate) fn rung(&self, at: usize) {
        self.bells.borrow_mut().wake(at);
    }
}
