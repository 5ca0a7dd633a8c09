//! Bytes to values and back. Nothing here reads a clock, a socket or a file.
//!
//! A [`presentation::Presentation`] says what an asset offers. [`cmaf`] writes its bytes (boxes in [`mp4`], encrypted where that is asked for), [`hls`] and
//! [`dash`] write its manifests, [`codec_string`] names its codecs for both and [`bitrate`] what they cost. [`storyboard`]
//! says where its small pictures are. [`url`] is the grammar of playback paths, [`token`] is who may follow them, [`net`] a range of addresses.
#![forbid(unsafe_code)]

pub mod bits;
pub mod limits;
pub mod presentation;

pub mod cmaf;
pub mod codec_string;
pub mod mp4;

pub mod bitrate;
pub mod dash;
pub mod hls;
pub mod storyboard;

pub mod net;
pub mod token;
pub mod url;
