//! Bytes to values and back. Nothing here reads a clock, a socket or a file.
#![forbid(unsafe_code)]

pub mod presentation;
