//! Who does which chunk. Each lane has a run of consecutive chunks, because going on is cheaper than seeking; a lane without
//! work takes the later half of the longest run.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The chunks to do and the runs of the lanes.
pub struct Runs {
    /// Ascending, each once.
    chunks: Vec<u32>,
    /// One a lane: indices into `chunks` of what it has not begun.
    left: Mutex<Vec<Range<usize>>>,
}

impl Runs {
    /// Deals `missing` out to as many lanes as can be busy; chunks beyond `count` do not exist and are left out.
    pub fn new(missing: &[u32], count: u32, lanes: usize) -> Self {
        let mut chunks: Vec<u32> = missing.iter().copied().filter(|&chunk| chunk < count).collect();
        chunks.sort_unstable();
        chunks.dedup();
        let lanes = lanes.min(chunks.len());
        let left = (0..lanes).map(|lane| chunks.len() * lane / lanes..chunks.len() * (lane + 1) / lanes).collect();
        Self { chunks, left: Mutex::new(left) }
    }

    /// Lanes that have something to do.
    pub fn lanes(&self) -> usize {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The next chunk for this lane, `None` when nothing is left for anybody.
    pub fn take(&self, lane: usize) -> Option<u32> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left[lane].is_empty() {
            let longest = (0..left.len()).max_by_key(|&other| left[other].len())?;
            let Range { start, end } = left[longest];
            let middle = start + (end - start) / 2;
            left[longest] = start..middle;
            left[lane] = middle..end;
        }
        left[lane].next().map(|index| self.chunks[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_start_far_apart_and_walk_in_order() {
        let runs = Runs::new(&[7, 0, 1, 2, 3, 4, 5, 6, 7, 99], 8, 2);
        assert_eq!([runs.take(0), runs.take(1), runs.take(0), runs.take(1)], [Some(0), Some(4), Some(1), Some(5)]);
    }

    #[test]
    fn an_idle_lane_takes_the_later_half_of_the_longest_run() {
        let runs = Runs::new(&[0, 1, 2, 3, 4, 5, 6, 7], 8, 2);
        for expected in 0..4 {
            assert_eq!(runs.take(0), Some(expected));
        }
        assert_eq!(runs.take(0), Some(6));
        let rest: Vec<_> = std::iter::from_fn(|| runs.take(1)).collect();
        assert_eq!(rest, [4, 5, 7]);
        assert_eq!(runs.take(0), None);
    }

    #[test]
    fn there_are_no_more_lanes_than_chunks() {
        assert_eq!(Runs::new(&[3], 8, 16).lanes(), 1);
        assert_eq!(Runs::new(&[], 8, 16).lanes(), 0);
        assert_eq!(Runs::new(&[8], 8, 16).lanes(), 0);
    }
}
