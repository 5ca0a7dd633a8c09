//! The access log's writer: batches in, lines of JSON out. It ends when the last shard has.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use crate::config::AccessLog;
use crate::shard::access::{Batch, to_json};
use crate::start::StartError;

/// Starts the writer's thread. When `reopen` is set, the file is opened anew before the next batch: what a log rotation renamed is let go.
pub(crate) fn start(
    to: AccessLog,
    from: Receiver<Batch>,
    reopen: Arc<AtomicBool>,
) -> Result<JoinHandle<()>, StartError> {
    let name = |error| match &to {
        AccessLog::File(path) => StartError::AccessLog(path.display().to_string(), error),
        _ => StartError::Thread(error),
    };
    let sink = open(&to).map_err(name)?;
    std::thread::Builder::new()
        .name("edge-log".to_owned())
        .spawn(move || write(sink, &to, &from, &reopen))
        .map_err(StartError::Thread)
}

fn open(to: &AccessLog) -> std::io::Result<Box<dyn Write + Send>> {
    Ok(match to {
        AccessLog::Off => Box::new(std::io::sink()),
        AccessLog::Stdout => Box::new(std::io::stdout()),
        AccessLog::File(path) => Box::new(OpenOptions::new().create(true).append(true).open(path)?),
    })
}

fn write(mut sink: Box<dyn Write + Send>, to: &AccessLog, from: &Receiver<Batch>, reopen: &AtomicBool) {
    while let Ok(batch) = from.recv() {
        if reopen.swap(false, Ordering::Relaxed) {
            match open(to) {
                Ok(new) => sink = new,
                Err(error) => {
                    tracing::warn!(%error, "the access log cannot be opened again: the old file is written on")
                }
            }
        }
        let written = sink.write_all(to_json(&batch).as_bytes()).and_then(|()| sink.flush());
        if let Err(error) = written {
            tracing::warn!(%error, records = batch.records, "access records could not be written");
        }
    }
}
