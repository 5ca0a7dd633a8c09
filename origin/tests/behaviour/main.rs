//! What the origin promises, one file a promise, in one binary.

mod support;

mod bad_uploads;
mod content;
mod events;
mod gate;
mod grpc;
mod keys;
mod monitor;
mod playback;
mod rates;
mod refusals;
mod restart;
mod resumable;
mod rights;
mod signin;
mod transcode;
mod tus;
mod upload;
mod webhooks;
mod whole_uploads;
mod work;
