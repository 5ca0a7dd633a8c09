//! `streamgate version`: what this build is and can do.

use anyhow::Result;
use std::io::{Write as _, stdout};

pub fn run() -> Result<()> {
    writeln!(stdout(), "streamgate {}", env!("CARGO_PKG_VERSION"))?;
    let encoder =
        if cfg!(feature = "asm") { "with SIMD assembly" } else { "without SIMD assembly (about five times slower)" };
    writeln!(stdout(), "AV1 encoder and decoder: rav1e and rav1d, {encoder}")?;
    writeln!(stdout(), "H.264: openh264; AAC: syom")?;
    match media::Tools::find().ffmpeg {
        Some(path) => {
            writeln!(stdout(), "FFmpeg: {} (used for HEVC, VP9, MPEG-2, 10-bit and other sources)", path.display())?
        }
        None => writeln!(stdout(), "FFmpeg: not installed; sources in HEVC, VP9, MPEG-2 or 10 bits are refused")?,
    }
    Ok(())
}
