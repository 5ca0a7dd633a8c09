//! codec/media
