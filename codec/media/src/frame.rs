//! A decoded picture: 8-bit 4:2:0, limited range, planes without padding, cheap to share.

use std::ops::Range;
use std::sync::{Arc, Mutex, Weak};

/// One picture on the asset's timeline. Cloning shares the pixels.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Presentation time in microseconds on the asset's timeline.
    pub pts_us: u64,
    /// Pixels in a row; may be odd as decoded, even after scaling.
    pub width: u32,
    /// Rows; may be odd as decoded, even after scaling.
    pub height: u32,
    pixels: Arc<Pixels>,
}

/// The three planes, one after the other; given back to its pool when the last frame that shares it goes.
#[derive(Debug)]
struct Pixels {
    bytes: Vec<u8>,
    pool: Weak<Free>,
}

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
struct Free(Mutex<Vec<Vec<u8>>>);

impl Drop for Pixels {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade()
            && let Ok(mut free) = pool.0.lock()
            && free.len() < FramePool::FREE_MAX
        {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl Frame {
    /// Width and height of a chroma plane: half of the luma plane's, rounded up.
    pub fn chroma_size(width: u32, height: u32) -> (u32, u32) {
        (width.div_ceil(2), height.div_ceil(2))
    }

    /// Bytes of all three planes.
    pub fn byte_len(width: u32, height: u32) -> usize {
        let (cw, ch) = Self::chroma_size(width, height);
        width as usize * height as usize + 2 * cw as usize * ch as usize
    }

    /// Luma, `width` bytes a row, 16 to 235.
    pub fn y(&self) -> &[u8] {
        &self.pixels.bytes[self.ranges().0]
    }

    /// Blue difference, `width / 2` (rounded up) bytes a row.
    pub fn u(&self) -> &[u8] {
        &self.pixels.bytes[self.ranges().1]
    }

    /// Red difference, laid out like `u`.
    pub fn v(&self) -> &[u8] {
        &self.pixels.bytes[self.ranges().2]
    }

    /// The three planes, one after the other (I420).
    pub fn i420(&self) -> &[u8] {
        &self.pixels.bytes
    }

    /// The same picture at another time.
    pub fn at(&self, pts_us: u64) -> Self {
        Self { pts_us, ..self.clone() }
    }

    fn ranges(&self) -> (Range<usize>, Range<usize>, Range<usize>) {
        plane_ranges(self.width, self.height)
    }
}

fn plane_ranges(width: u32, height: u32) -> (Range<usize>, Range<usize>, Range<usize>) {
    let luma = width as usize * height as usize;
    let (cw, ch) = Frame::chroma_size(width, height);
    let chroma = cw as usize * ch as usize;
    (0..luma, luma..luma + chroma, luma + chroma..luma + 2 * chroma)
}

/// Gives out frames and takes their memory back, so that a film is decoded into a handful of buffers.
#[derive(Debug, Clone, Default)]
pub struct FramePool {
    free: Arc<Free>,
}

impl FramePool {
    /// Buffers kept; more frames than this can be alive at once, their memory is then given back to the system.
    const FREE_MAX: usize = 8;

    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A picture that `draw` fills: it gets the three planes (luma, blue, red difference), whose content is
    /// whatever was there before.
    pub fn frame(
        &self,
        pts_us: u64,
        width: u32,
        height: u32,
        draw: impl FnOnce(&mut [u8], &mut [u8], &mut [u8]),
    ) -> Frame {
        let mut bytes = self.free.0.lock().ok().and_then(|mut free| free.pop()).unwrap_or_default();
        bytes.resize(Frame::byte_len(width, height), 0);
        let (y, u, _) = plane_ranges(width, height);
        let (luma, chroma) = bytes.split_at_mut(y.end);
        let (blue, red) = chroma.split_at_mut(u.len());
        draw(luma, blue, red);
        let pixels = Arc::new(Pixels { bytes, pool: Arc::downgrade(&self.free) });
        Frame { pts_us, width, height, pixels }
    }
}

impl Frame {
    /// Turned clockwise by 0, 90, 180 or 270 degrees.
    pub(crate) fn rotated(self, degrees: u16, pool: &FramePool) -> Self {
        let (width, height) = match degrees {
            90 | 270 => (self.height, self.width),
            180 => (self.width, self.height),
            _ => return self,
        };
        let chroma = Self::chroma_size(self.width, self.height);
        pool.frame(self.pts_us, width, height, |y, u, v| {
            rotate(self.y(), (self.width, self.height), y, degrees);
            rotate(self.u(), chroma, u, degrees);
            rotate(self.v(), chroma, v, degrees);
        })
    }
}

/// Turns one plane. Tiles keep both the rows read and the rows written in the cache.
fn rotate(from: &[u8], (width, height): (u32, u32), to: &mut [u8], degrees: u16) {
    const TILE: usize = 32;
    let (width, height) = (width as usize, height as usize);
    if degrees == 180 {
        to.iter_mut().zip(from.iter().rev()).for_each(|(target, value)| *target = *value);
        return;
    }
    for (top, left) in (0..height).step_by(TILE).flat_map(|y| (0..width).step_by(TILE).map(move |x| (y, x))) {
        for y in top..(top + TILE).min(height) {
            for x in left..(left + TILE).min(width) {
                // Clockwise the first row becomes the last column, counter-clockwise the first one.
                let at = if degrees == 90 { x * height + height - 1 - y } else { (width - 1 - x) * height + y };
                to[at] = from[y * width + x];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_moves_the_corners_clockwise() {
        let pool = FramePool::new();
        let frame = pool.frame(7, 3, 2, |y, u, v| {
            y.copy_from_slice(&[1, 2, 3, 4, 5, 6]);
            u.copy_from_slice(&[7, 8]);
            v.copy_from_slice(&[9, 10]);
        });
        let turned = |degrees| frame.clone().rotated(degrees, &pool).i420().to_vec();
        assert_eq!(turned(0), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(turned(90), [4, 1, 5, 2, 6, 3, 7, 8, 9, 10]);
        assert_eq!(turned(180), [6, 5, 4, 3, 2, 1, 8, 7, 10, 9]);
        assert_eq!(turned(270), [3, 6, 2, 5, 1, 4, 8, 7, 10, 9]);
        assert_eq!((frame.clone().rotated(90, &pool).width, frame.pts_us), (2, 7));
    }
}
