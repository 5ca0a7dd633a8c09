//! The programs of others that we use when they are installed.

use std::env;
use std::path::{Path, PathBuf};

/// Where FFmpeg and FFprobe are. They come in one package, so both or neither are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tools {
    /// The `ffmpeg` program.
    pub ffmpeg: Option<PathBuf>,
    /// The `ffprobe` program.
    pub ffprobe: Option<PathBuf>,
}

impl Tools {
    /// No tools: what is not native is refused with `needs_ffmpeg`.
    pub fn none() -> Self {
        Self::default()
    }

    /// Looks both up in `PATH`.
    pub fn find() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let find = |name: &str| env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_program(file));
        Self { ffmpeg: find("ffmpeg"), ffprobe: find("ffprobe") }
    }

    /// Both programs, when both are there.
    pub fn both(&self) -> Option<(&Path, &Path)> {
        Some((self.ffmpeg.as_deref()?, self.ffprobe.as_deref()?))
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
