//! FFmpeg and FFprobe as the outside opinion on what this crate writes.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs FFprobe with these options on a file and gives its lines.
pub fn ffprobe(file: &Path, options: &[&str]) -> Vec<String> {
    let text = run("ffprobe", &[&["-v", "error", "-of", "csv=p=0"], options].concat(), &[file]);
    String::from_utf8(text)
        .expect("FFprobe writes text")
        .lines()
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect()
}

/// One value of one stream: `v:0`, `codec_name`.
pub fn stream(file: &Path, stream: &str, entry: &str) -> String {
    let lines = ffprobe(file, &["-select_streams", stream, "-show_entries", &format!("stream={entry}")]);
    lines.first().cloned().unwrap_or_default()
}

/// Presentation times of the decoded pictures in seconds, and whether each is a keyframe.
pub fn pictures(file: &Path) -> Vec<(f64, bool)> {
    let lines = ffprobe(file, &["-select_streams", "v:0", "-show_entries", "frame=pts_time,key_frame"]);
    let parse = |line: &String| {
        let (key, time) = line.split_once(',').expect("two columns");
        (time.trim_end_matches(',').parse().expect("a time"), key == "1")
    };
    lines.iter().filter(|line| !line.is_empty()).map(parse).collect()
}

/// Decodes the pictures to RGB and gives them one after the other, with the size they were asked to have.
pub fn rgb(file: &Path, filter: &str) -> Vec<u8> {
    let filter = format!("{filter}format=rgb24");
    ffmpeg(&["-i", text(file), "-map", "0:v:0", "-vf", &filter, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"])
}

/// Decodes the sound to one channel of samples at its own rate, -1 to 1, from presentation time zero on.
pub fn sound(file: &Path) -> Vec<f32> {
    let from_zero = "aresample=async=1:first_pts=0";
    let bytes =
        ffmpeg(&["-copyts", "-i", text(file), "-map", "0:a:0", "-af", from_zero, "-ac", "1", "-f", "f32le", "pipe:1"]);
    bytes.chunks_exact(4).map(|sample| f32::from_le_bytes(sample.try_into().expect("four bytes"))).collect()
}

/// Runs FFmpeg; anything it complains about fails the test.
pub fn ffmpeg(options: &[&str]) -> Vec<u8> {
    run("ffmpeg", &[&["-nostdin", "-v", "error", "-y"], options].concat(), &[])
}

/// Makes a source with FFmpeg's own encoders: options without inputs' and outputs' common part.
pub fn make(file: &Path, options: &str) {
    let options: Vec<&str> = options.split_whitespace().chain([text(file)]).collect();
    ffmpeg(&[&["-fflags", "+bitexact"], &options[..]].concat());
}

/// Sample indices at which sound begins after at least 50 ms of silence.
pub fn onsets(sound: &[f32], sample_rate: usize) -> Vec<usize> {
    let quiet = sample_rate / 20;
    let mut onsets = Vec::new();
    let mut last_loud = None::<usize>;
    for (index, sample) in sound.iter().enumerate() {
        if sample.abs() > 0.05 {
            if last_loud.is_none_or(|last| index - last > quiet) {
                onsets.push(index);
            }
            last_loud = Some(index);
        }
    }
    onsets
}

fn text(file: &Path) -> &str {
    file.to_str().expect("test paths are text")
}

fn run(program: &str, options: &[&str], files: &[&Path]) -> Vec<u8> {
    let arguments = options.iter().map(OsStr::new).chain(files.iter().map(|file| file.as_os_str()));
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{program} {options:?}: {complaint}");
    output.stdout
}
