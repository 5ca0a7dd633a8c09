//! Files to frames, frames to packets: everything of StreamGate that needs a processor.
//!
//! The way of a film through this crate:
//!
//! ```text
//! file ── sniff ── probe ──> SourceInfo ── plan ──> Plan ──┬── package (H.264 and AAC as they are)
//!   │      what is it?        what is in it?    what to make └── transcode (lanes of decode, scale, encode)
//!   ├── stills ──> JPEG        a poster, and sheets of small pictures, from keyframes
//!   ├── demux ──> Packet       compressed samples on the asset's timeline
//!   └── frames ──> Frame       pictures on the asset's timeline, 8-bit 4:2:0, upright
//! ```
//!
//! Everything here blocks and nothing here is async; whoever calls brings the thread. Every byte of a source
//! is taken for hostile: what a header claims is checked against the size of the file and [`limits::Limits`]
//! before anything is allocated. Times are on one timeline that starts at zero and in which edit lists have
//! been applied.
#![deny(unsafe_code)] // but decode/h264.rs, decode/av1.rs and encode/quiet.rs, which call C

pub mod error;
pub mod limits;
pub mod tools;

pub mod packet;
pub mod source_info;

pub mod bitstream;
pub mod demux;
pub mod probe;
pub mod sniff;

pub mod decode;
pub mod ffmpeg;
pub mod frame;
pub mod frames;
pub mod scale;

pub mod ladder;
pub mod plan;

pub mod audio;
pub mod encode;
pub mod package;
pub mod transcode;

pub mod stills;

pub mod clip;

pub use error::MediaError;
pub use frame::Frame;
pub use frames::FrameSource;
pub use ladder::Ladder;
pub use limits::Limits;
pub use package::{Output, package_audio, repackage_video};
pub use plan::{Plan, plan};
pub use probe::probe;
pub use source_info::{AudioInfo, SourceInfo, VideoInfo};
pub use stills::{Board, Still, stills};
pub use tools::Tools;
pub use transcode::{EncodedChunk, EncodedRung, Event, transcode};
