//! Compressed samples to pictures.
