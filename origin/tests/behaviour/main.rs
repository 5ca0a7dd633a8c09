//! What the origin promises, one file a promise, in one binary.

mod support;

mod bad_uploads;
mod content;
mod events;
mod keys;
mod playback;
mod refusals;
mod restart;
mod rights;
mod transcode;
mod upload;
