//! What the origin promises, one file a promise, in one binary.

mod support;

mod bad_uploads;
mod events;
mod playback;
mod refusals;
mod restart;
mod transcode;
mod upload;
