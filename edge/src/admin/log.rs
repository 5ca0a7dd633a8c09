//! The access log's writer: batches in, lines of JSON out. It ends when the last shard has.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use crate::config::AccessLog;
use crate::shard::access::{Batch, to_json};
use crate::start::StartError;

/// Starts the writer's thread.
pub(crate) fn start(to: &AccessLog, from: Receiver<Batch>) -> Result<JoinHandle<()>, StartError> {
    let sink: Box<dyn Write + Send> = match to {
        AccessLog::Off => Box::new(std::io::sink()),
        AccessLog::Stdout => Box::new(std::io::stdout()),
        AccessLog::File(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Box::new(file.map_err(|e| StartError::AccessLog(path.display().to_string(), e))?)
        }
    };
    std::thread::Builder::new()
        .name("edge-log".to_owned())
        .spawn(move || write(sink, &from))
        .map_err(StartError::Thread)
}

fn write(mut sink: Box<dyn Write + Send>, from: &Receiver<Batch>) {
    while let Ok(batch) = from.recv() {
        let written = sink.write_all(to_json(&batch).as_bytes()).and_then(|()| sink.flush());
        if let Err(error) = written {
            tracing::warn!(%error, records = batch.records, "access records could not be written");
        }
    }
}
