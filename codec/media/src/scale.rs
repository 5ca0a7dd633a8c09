//! Pictures to other sizes.

use crate::Frame;
use crate::frame::FramePool;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

/// Scales pictures of any size to one size, plane by plane, with a Catmull-Rom filter that widens when it shrinks.
#[derive(Debug)]
pub struct Scaler {
    width: u32,
    height: u32,
    resizer: Resizer,
    options: ResizeOptions,
    pool: FramePool,
}

impl Scaler {
    /// To `width` x `height`, both even and at least 2.
    pub fn new(width: u32, height: u32) -> Self {
        let even = |side: u32| side >= 2 && side.is_multiple_of(2);
        assert!(even(width) && even(height), "even sizes only");
        Self::to_any_size(width, height)
    }

    /// To a size that may be odd, as a source's own can be.
    pub(crate) fn to_any_size(width: u32, height: u32) -> Self {
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
        Self { width, height, resizer: Resizer::new(), options, pool: FramePool::new() }
    }

    /// The picture in the new size; the same pixels when it has it already.
    pub fn scale(&mut self, frame: &Frame) -> Frame {
        if (frame.width, frame.height) == (self.width, self.height) {
            return frame.clone();
        }
        let Self { width, height, resizer, options, pool } = self;
        let from = (frame.width, frame.height);
        let from_chroma = Frame::chroma_size(from.0, from.1);
        let (to, to_chroma) = ((*width, *height), Frame::chroma_size(*width, *height));
        pool.frame(frame.pts_us, to.0, to.1, |y, u, v| {
            for (source, from, target, to) in [
                (frame.y(), from, y, to),
                (frame.u(), from_chroma, u, to_chroma),
                (frame.v(), from_chroma, v, to_chroma),
            ] {
                // typed, so that the library's code for other pixels is not made here
                let source = TypedImageRef::<U8>::from_buffer(from.0, from.1, source);
                let source = source.expect("a plane has width x height bytes");
                let target = TypedImage::<U8>::from_buffer(to.0, to.1, target);
                let mut target = target.expect("a plane has width x height bytes");
                resizer.resize_typed(&source, &mut target, &*options).expect("both planes are not empty");
            }
        })
    }
}
