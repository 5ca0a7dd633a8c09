//! `streamgate version`: what this build is and can do.

use anyhow::Result;

pub fn run() -> Result<()> {
    println!("streamgate {}", env!("CARGO_PKG_VERSION"));
    let encoder =
        if cfg!(feature = "asm") { "with SIMD assembly" } else { "without SIMD assembly (about five times slower)" };
    println!("AV1 encoder and decoder: rav1e and rav1d, {encoder}");
    println!("H.264: openh264; AAC: syom");
    match media::Tools::find().ffmpeg {
        Some(path) => println!("FFmpeg: {} (used for HEVC, VP9, MPEG-2, 10-bit and other sources)", path.display()),
        None => println!("FFmpeg: not installed; sources in HEVC, VP9, MPEG-2 or 10 bits are refused"),
    }
    Ok(())
}
