//! FFmpeg as a child process, for what is not decoded here. The file has been recognised before by its content; the
//! demuxer is forced and only files may be opened, so that a file cannot make FFmpeg read another one.

mod child;
pub mod ffprobe;
pub mod pictures;
pub mod sound;
pub(crate) mod stills;

use crate::source_info::Container;
use std::ffi::OsString;
use std::path::Path;

/// Arguments that open the input, in this order for both programs.
fn input(container: Container, path: &Path) -> Vec<OsString> {
    // With the protocol in front no name can be taken for another protocol or an option.
    let mut url = OsString::from("file:");
    url.push(path);
    let words = ["-protocol_whitelist", "file", "-f", container.ffmpeg_demuxer(), "-i"];
    words.iter().map(OsString::from).chain([url]).collect()
}

/// Microseconds as FFmpeg's seconds.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}
