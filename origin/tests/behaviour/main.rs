//! What the origin promises, one file a promise, in one binary.

mod support;

mod backup;
mod bad_days;
mod bad_uploads;
mod content;
mod cors;
mod encryption;
mod events;
mod gate;
mod grants;
mod grpc;
mod http2;
mod keys;
mod manifests;
mod monitor;
mod nats;
mod passwords;
mod pictures;
mod playback;
mod rates;
mod redis;
mod refusals;
mod restart;
mod resumable;
mod rights;
mod roles;
mod s3;
mod signin;
mod transcode;
mod tus;
mod upload;
mod webhooks;
mod whole_uploads;
mod work;
