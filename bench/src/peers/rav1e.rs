//! The `rav1e` tool, of the version that we link, built from its own package with its own release profile.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Of the tool and, by `Cargo.lock`, of the library.
pub const VERSION: &str = "0.8.1";

/// Settings that both sides get.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// 0 (slow) to 10 (fast).
    pub speed: u8,
    /// Base quantizer, 1 to 255.
    pub quantizer: u8,
    /// Pictures from one keyframe to the next.
    pub keyframe_every: u32,
}

/// Finds the tool below `<target>/tools`, or builds it there; the first time takes minutes.
///
/// # Errors
/// cargo cannot fetch or build it.
pub fn tool() -> Result<PathBuf> {
    let root =
        target()?.join("tools").join(format!("rav1e-{VERSION}{}", if cfg!(feature = "asm") { "-asm" } else { "" }));
    let program = root.join("bin/rav1e");
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("encode: building the rav1e tool {VERSION} into {}", root.display());
    let features = if cfg!(feature = "asm") { "binaries,threading,asm" } else { "binaries,threading" };
    let status = Command::new("cargo")
        .args(["install", "rav1e", "--version", &format!("={VERSION}"), "--locked", "--quiet"])
        .args(["--no-default-features", "--features", features])
        .arg("--root")
        .arg(&root)
        .env("CARGO_TARGET_DIR", root.join("build"))
        .status()
        .context("cannot start cargo to build the rav1e tool")?;
    if !status.success() || !program.is_file() {
        bail!("cargo install rav1e --version ={VERSION} failed; the comparison needs that tool");
    }
    // The intermediate files are some hundred megabytes.
    let _ = std::fs::remove_dir_all(root.join("build"));
    Ok(program)
}

/// Encodes `y4m` on so many threads (0: all cores, as many tiles) into `ivf`, and returns the size of that file.
pub fn encode(tool: &Path, y4m: &Path, ivf: &Path, settings: Settings, threads: usize) -> Result<u64> {
    let mut command = Command::new(tool);
    command.arg(y4m).arg("--output").arg(ivf).args(["-y", "--quiet"]);
    command.args(["--speed", &settings.speed.to_string(), "--quantizer", &settings.quantizer.to_string()]);
    command.args(["--keyint", &settings.keyframe_every.to_string(), "--threads", &threads.to_string()]);
    if threads != 1 {
        command.args(["--tiles", &std::thread::available_parallelism()?.to_string()]);
    }
    let output = command.stdin(Stdio::null()).output().context("cannot start the rav1e tool")?;
    if !output.status.success() {
        bail!("the rav1e tool failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(std::fs::metadata(ivf)?.len())
}

/// cargo's target folder: this program lies in `<target>/release`.
fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(Path::parent).context("this program is not in a target folder")?;
    Ok(target.to_owned())
}
