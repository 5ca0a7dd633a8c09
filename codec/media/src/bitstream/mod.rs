//! What the first bytes of a coded stream say about it: only headers, never pictures.

pub mod aac;
pub mod av1;
pub mod h264;
