//! A bounded queue into a shard, from any thread.

use tokio::sync::mpsc;

/// The sending side; cheap to clone.
pub(crate) struct Mailbox<T>(mpsc::Sender<T>);

/// The receiving side: one per shard.
pub(crate) struct Inbox<T>(mpsc::Receiver<T>);

/// A mailbox of `capacity` messages.
pub(crate) fn mailbox<T>(capacity: usize) -> (Mailbox<T>, Inbox<T>) {
    let (tx, rx) = mpsc::channel(capacity);
    (Mailbox(tx), Inbox(rx))
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Mailbox<T> {
        Mailbox(self.0.clone())
    }
}

impl<T> Mailbox<T> {
    /// Waits for room. False: the shard is gone.
    pub(crate) async fn send(&self, message: T) -> bool {
        self.0.send(message).await.is_ok()
    }

    /// Messages that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }

    /// From a thread that may wait a moment, runtime or not. False: the shard is gone.
    pub(crate) fn send_anyhow(&self, mut message: T) -> bool {
        loop {
            match self.0.try_send(message) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
                Err(mpsc::error::TrySendError::Full(back)) => message = back,
            }
            std::thread::yield_now();
        }
    }
}

impl<T> Inbox<T> {
    /// The next message; `None` when every sender is gone.
    pub(crate) async fn next(&mut self) -> Option<T> {
        self.0.recv().await
    }
}
