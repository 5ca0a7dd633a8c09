//! Media work blocks for seconds to hours, so it gets threads of its own: the runtime's blocking pool stays free for files,
//! a thread that hangs can be left behind without holding up the end of the process, and its stack is large enough for
//! codecs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::oneshot;

use super::cancel::Cancel;
use super::failure::Failure;
use crate::limits::{CANCEL_GRACE, MEDIA_STACK_BYTES};

/// Runs `work` on a thread and waits for it; a while only, once the job was told to stop.
pub(crate) async fn on_thread<T, W>(name: &str, cancel: &Cancel, work: W) -> Result<T, Failure>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, Failure> + Send + 'static,
{
    let (done, mut waiting) = oneshot::channel();
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(MEDIA_STACK_BYTES);
    let started = builder.spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Failure::Panicked));
        let _ = done.send(result); // nobody waits any more: the job was given up
    });
    if let Err(error) = started {
        return Err(Failure::Media(error.into()));
    }
    tokio::select! {
        result = &mut waiting => return result.unwrap_or(Err(Failure::Panicked)),
        () = cancel.asked() => {}
    }
    match tokio::time::timeout(CANCEL_GRACE, waiting).await {
        Ok(result) => result.unwrap_or(Err(Failure::Panicked)),
        Err(_) => {
            tracing::error!(thread = name, "left a thread behind that did not stop");
            Err(Failure::Hung)
        }
    }
}
