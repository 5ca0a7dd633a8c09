//! What an operator wants made of an upload.

use serde::{Deserialize, Serialize};

/// The renditions to make; never one that is larger than the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ladder {
    /// Sizes of the AV1 renditions: pixels of the shorter side of the picture, so that an upright film and one that lies
    /// down get the same number of pixels. The largest one also caps an encoded H.264 rendition. Each costs one encode.
    pub heights: Vec<u32>,
    /// rav1e's speed, 0 (slow, small) to 10 (fast).
    pub av1_speed: u8,
    /// rav1e's quantizer, 1 (best) to 255, for all sizes; 0: one that suits each size.
    pub av1_quantizer: u8,
}

impl Default for Ladder {
    fn default() -> Self {
        Self { heights: vec![1080, 720, 480, 360], av1_speed: 10, av1_quantizer: 0 }
    }
}
