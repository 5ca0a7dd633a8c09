//! A sheet of tiles: planes that small pictures are laid on.

use super::Board;
use crate::Frame;
use crate::frame::FramePool;

pub(super) struct Sheet {
    board: Board,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Sheet {
    /// A black one. Its sides are even, since those of tiles are.
    pub fn new(board: &Board) -> Self {
        let (width, height) = size(board);
        let luma = width as usize * height as usize;
        Self { board: *board, y: vec![16; luma], u: vec![128; luma / 4], v: vec![128; luma / 4] }
    }

    /// Lays a picture of the tile's size on a place, counted row by row.
    pub fn put(&mut self, place: u32, tile: &Frame) {
        let Board { tile_width: width, tile_height: height, columns, .. } = self.board;
        let (left, top, stride) = (place % columns * width, place / columns * height, width * columns);
        lay(&mut self.y, stride, (left, top), tile.y(), width);
        lay(&mut self.u, stride / 2, (left / 2, top / 2), tile.u(), width / 2);
        lay(&mut self.v, stride / 2, (left / 2, top / 2), tile.v(), width / 2);
    }

    /// As one picture.
    pub fn frame(&self) -> Frame {
        let (width, height) = size(&self.board);
        FramePool::new().frame(0, width, height, |y, u, v| {
            y.copy_from_slice(&self.y);
            u.copy_from_slice(&self.u);
            v.copy_from_slice(&self.v);
        })
    }
}

fn size(board: &Board) -> (u32, u32) {
    (board.tile_width * board.columns, board.tile_height * board.rows)
}

fn lay(plane: &mut [u8], stride: u32, (left, top): (u32, u32), tile: &[u8], width: u32) {
    let rows = plane.chunks_exact_mut(stride as usize).skip(top as usize);
    for (row, from) in rows.zip(tile.chunks_exact(width as usize)) {
        row[left as usize..][..from.len()].copy_from_slice(from);
    }
}
