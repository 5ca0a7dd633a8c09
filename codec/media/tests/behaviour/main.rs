//! What the media library promises, one file a promise, in one binary.

mod asset;
mod films;
mod oracle;

mod audio;
mod clip;
mod decode;
mod demux;
mod hostile;
mod package;
mod plan;
mod probe;
mod protect;
mod sources;
mod stills;
mod transcode;
