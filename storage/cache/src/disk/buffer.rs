//! Memory whose first byte lies where O_DIRECT wants it.

use super::layout::BLOCK_BYTES;

/// A fixed piece of memory, aligned to a block. It is written to in order, or read into as a whole.
pub struct Buffer {
    memory: Vec<u8>,
    skip: usize,
    capacity: usize,
    filled: usize,
}

impl Buffer {
    /// Memory for `capacity` bytes, rounded up to blocks.
    #[must_use]
    pub fn new(capacity: usize) -> Buffer {
        let block = BLOCK_BYTES as usize;
        let capacity = capacity.next_multiple_of(block);
        // Never resized: the place found here stays.
        let memory = vec![0; capacity + block];
        let skip = memory.as_ptr().align_offset(block);
        debug_assert!(skip <= block, "bytes can always be aligned");
        Buffer { memory, skip, capacity, filled: 0 }
    }

    /// What has been put in.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.skip..self.skip + self.filled]
    }

    /// All of it, to read into.
    pub fn whole(&mut self) -> &mut [u8] {
        &mut self.memory[self.skip..self.skip + self.capacity]
    }

    /// Says how many bytes were read into [`Buffer::whole`].
    pub fn set_filled(&mut self, count: usize) {
        assert!(count <= self.capacity, "more than there is");
        self.filled = count;
    }

    /// Bytes it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Appends as much of `bytes` as fits and returns how much that was.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.capacity - self.filled);
        let at = self.skip + self.filled;
        self.memory[at..at + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        count
    }

    /// Appends zeros up to a multiple of `unit` bytes.
    pub fn pad(&mut self, unit: u64) {
        let to = self.filled.next_multiple_of(unit as usize).min(self.capacity);
        let at = self.skip + self.filled;
        self.memory[at..self.skip + to].fill(0);
        self.filled = to;
    }

    /// Forgets what was put in.
    pub fn clear(&mut self) {
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_aligned_and_never_moves() {
        let mut buffer = Buffer::new(5000);
        assert_eq!(buffer.capacity(), 8192);
        assert_eq!(buffer.whole().as_ptr() as usize % 4096, 0);
        assert_eq!(buffer.push(&[7; 8000]), 8000);
        buffer.pad(64);
        assert_eq!(buffer.push(&[8; 1000]), 192);
        assert_eq!(buffer.bytes().as_ptr() as usize % 4096, 0);
        assert_eq!((buffer.bytes()[7999], buffer.bytes()[8000]), (7, 8));
        buffer.clear();
        buffer.push(&[1]);
        buffer.pad(4096);
        assert_eq!((buffer.bytes().len(), buffer.bytes()[1]), (4096, 0));
    }
}
