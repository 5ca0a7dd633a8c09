//! FFmpeg as a child process.
