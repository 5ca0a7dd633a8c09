//! Background work: workers take jobs from the leased table in the catalogue, one kind each, and run their steps.
//!
//! ```text
//!   bell or timer ──> lease ──> steps of flow/ on threads of their own ──> finish | retry | fail | release
//!                       └── heartbeat every 2 s: lease moved on, progress stored, hang noticed
//! ```
//!
//! Ingest, fallback (H.264), ladder (AV1) and pictures have workers of their own: hours of encoding never hold up the next
//! upload's first playable moment. The house's own jobs have one worker for what is soon over (chores), and one for backups.

mod backups;
mod bells;
mod board;
mod cancel;
mod chores;
mod cron;
mod failure;
mod heartbeat;
mod patience;
mod progress;
mod run;
mod thread;
mod worker;

pub(crate) use bells::Bells;
pub(crate) use board::Board;
pub(crate) use cancel::Why;
pub(crate) use chores::{BACKUP, PURGE, SWEEPS, keep};
pub(crate) use cron::{Cron, zone};
pub(crate) use failure::{Failure, through_media};
pub(crate) use patience::patiently;
pub(crate) use progress::Snapshot;
pub(crate) use run::{Run, retry_wait};
pub(crate) use thread::on_thread;
pub(crate) use worker::spawn;
