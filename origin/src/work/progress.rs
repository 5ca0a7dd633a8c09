//! How far one job is, picture by picture: what a progress bar shows between two rows of the catalogue.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use durable::catalogue::Stage;

/// Moved by the threads that work, read by whoever asks.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    /// Tracks that are packaged, each for itself: segments done, segments planned.
    packaged: HashMap<String, (u32, u32)>,
    /// Tracks that are encoded together, and their chunks.
    encoded: Vec<String>,
    chunks_before: u32,
    /// Those that were stored since, here or elsewhere.
    chunks_done: BTreeSet<u32>,
    chunks_planned: u32,
    /// Pictures done of the chunks in work, as fractions.
    partial: HashMap<u32, f64>,
    moved: Instant,
}

/// A copy of [`Progress`] at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) stage: Stage,
    /// 0 to 1 a track.
    pub(crate) tracks: HashMap<String, f64>,
    /// 0 to 1 over all tracks of this job.
    pub(crate) overall: f64,
    /// When it last moved.
    pub(crate) moved: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                stage: Stage::Probe,
                packaged: HashMap::new(),
                encoded: Vec::new(),
                chunks_before: 0,
                chunks_done: BTreeSet::new(),
                chunks_planned: 0,
                partial: HashMap::new(),
                moved: Instant::now(),
            }),
        }
    }
}

impl Progress {
    /// A step begins.
    pub(crate) fn stage(&self, stage: Stage) {
        self.moved().stage = stage;
    }

    /// A packaged track has `done` of `planned` segments.
    pub(crate) fn segment(&self, track: &str, done: u32, planned: u32) {
        self.moved().packaged.insert(track.to_owned(), (done, planned));
    }

    /// These tracks are encoded together; `done` of their chunks were stored by earlier runs.
    pub(crate) fn encode(&self, tracks: Vec<String>, done: u32, planned: u32) {
        let mut state = self.moved();
        (state.encoded, state.chunks_before, state.chunks_planned) = (tracks, done, planned);
        state.chunks_done.clear();
    }

    /// Pictures of a chunk that are encoded.
    pub(crate) fn frames(&self, chunk: u32, done: u32, total: u32) {
        // The total may be estimated too low; a chunk is whole only when it is stored.
        let fraction = (f64::from(done) / f64::from(total.max(1))).min(0.99);
        self.moved().partial.insert(chunk, fraction);
    }

    /// A chunk was stored.
    pub(crate) fn chunk(&self, chunk: u32) {
        self.stored([chunk].into_iter());
    }

    /// These were stored, here or by other workers.
    pub(crate) fn stored(&self, chunks: impl Iterator<Item = u32>) {
        let mut state = self.moved();
        for chunk in chunks {
            state.partial.remove(&chunk);
            state.chunks_done.insert(chunk);
        }
    }

    /// The process was paused: what did not move meanwhile does not hang.
    pub(super) fn resumed(&self) {
        drop(self.moved());
    }

    /// A copy.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let ratio = |done: f64, planned: u32| (done / f64::from(planned.max(1))).clamp(0.0, 1.0);
        let mut tracks: HashMap<String, f64> =
            state.packaged.iter().map(|(name, (done, all))| (name.clone(), ratio(f64::from(*done), *all))).collect();
        let done = state.chunks_before + u32::try_from(state.chunks_done.len()).unwrap_or(u32::MAX);
        let chunks = f64::from(done) + state.partial.values().sum::<f64>();
        tracks.extend(state.encoded.iter().map(|name| (name.clone(), ratio(chunks, state.chunks_planned))));
        let overall = tracks.values().sum::<f64>() / tracks.len().max(1) as f64;
        Snapshot { stage: state.stage, tracks, overall, moved: state.moved }
    }

    fn moved(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.moved = Instant::now();
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way, so a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_earlier_runs_and_pictures_in_work_both_count() {
        let progress = Progress::default();
        progress.segment("h264-360", 2, 2);
        progress.encode(vec!["av1-360".into(), "av1-180".into()], 1, 4);
        progress.frames(1, 50, 100);
        progress.frames(3, 200, 100);
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
        near(progress.snapshot().tracks["av1-360"], (1.0 + 0.5 + 0.99) / 4.0);
        progress.chunk(1);
        progress.stored([1].into_iter());
        let snapshot = progress.snapshot();
        near(snapshot.tracks["av1-180"], (2.0 + 0.99) / 4.0);
        near(snapshot.tracks["h264-360"], 1.0);
    }
}
