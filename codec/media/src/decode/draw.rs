//! From a decoder's memory into a frame: limited range, 4:2:0, no padding.

use super::{Picture, Plane};
use crate::Frame;
use crate::frame::FramePool;
use crate::packet::RawLayout;

/// Copies a picture. `full_range` pictures are squeezed from 0-255 to 16-235 (chroma to 16-240).
pub(crate) fn draw(picture: &Picture, pts_us: u64, full_range: bool, pool: &FramePool) -> Frame {
    let (width, height) = (picture.width, picture.height);
    let [luma, blue, red] = picture.planes;
    pool.frame(pts_us, width, height, |y, u, v| {
        let (w, h) = (width as usize, height as usize);
        copy(luma, y, w, h);
        match picture.layout {
            RawLayout::Grey => {
                u.fill(128);
                v.fill(128);
            }
            layout => {
                for (plane, target) in [(blue, &mut *u), (red, &mut *v)] {
                    match layout {
                        RawLayout::I422 => halve(plane, target, (w.div_ceil(2), h), 1),
                        RawLayout::I444 => halve(plane, target, (w, h), 2),
                        _ => copy(plane, target, w.div_ceil(2), h.div_ceil(2)),
                    }
                }
            }
        }
        if full_range {
            squeeze(y, &table(219));
            squeeze(u, &table(224));
            squeeze(v, &table(224));
        }
    })
}

fn copy(from: Plane, to: &mut [u8], width: usize, height: usize) {
    for (y, target) in to.chunks_exact_mut(width.max(1)).take(height).enumerate() {
        if let Some(row) = from.row(y, width) {
            target.copy_from_slice(row);
        }
    }
}

/// Means of two rows, and of `columns` neighbours in each.
fn halve(from: Plane, to: &mut [u8], (width, height): (usize, usize), columns: usize) {
    let target_width = width.div_ceil(columns);
    for (y, target) in to.chunks_exact_mut(target_width.max(1)).enumerate() {
        let below = (2 * y + 1).min(height - 1);
        let (Some(first), Some(second)) = (from.row(2 * y, width), from.row(below, width)) else { continue };
        let pairs = first.chunks(columns).zip(second.chunks(columns));
        for (value, (a, b)) in target.iter_mut().zip(pairs) {
            let sum: u32 = a.iter().chain(b).map(|value| u32::from(*value)).sum();
            let count = (a.len() + b.len()) as u32;
            *value = ((sum + count / 2) / count) as u8;
        }
    }
}

/// 0-255 to a range of `span` that begins at 16.
fn table(span: u32) -> [u8; 256] {
    std::array::from_fn(|value| (16 + (value as u32 * span + 127) / 255) as u8)
}

fn squeeze(plane: &mut [u8], table: &[u8; 256]) {
    for value in plane {
        *value = table[usize::from(*value)];
    }
}
