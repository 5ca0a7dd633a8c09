//! Sources made by FFmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `ffmpeg ARGS... folder/name`; returns the path.
pub fn make(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .output()
        .expect("ffmpeg is installed (`make test` installs it)");
    assert!(output.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    path
}

/// H.264 with B-frames and AAC, `seconds` long.
pub fn movie(folder: &Path, seconds: u32, size: &str) -> Vec<u8> {
    let source =
        format!("-f lavfi -i testsrc2=size={size}:rate=30:duration={seconds} -f lavfi -i sine=440:duration={seconds}");
    let codecs = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 60 -bf 2 -c:a aac -movflags +faststart";
    std::fs::read(make(folder, "movie.mp4", &format!("{source} {codecs}"))).expect("written")
}

/// What ffprobe says, as JSON.
pub fn probe(path: &Path, arguments: &str) -> serde_json::Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json"])
        .args(arguments.split_whitespace())
        .arg(path)
        .output()
        .expect("ffprobe is installed");
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.stderr.is_empty(),
        "{}: ffprobe complains: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}
