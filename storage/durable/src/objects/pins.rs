//! Who is about to name which object. An upload of bytes that are already stored finds the file, and a moment later its
//! row names it; a delete in between must not take the file away.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::ObjectId;

#[derive(Debug, Clone, Default)]
pub(super) struct Pins {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    undoomed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pinned: HashMap<ObjectId, usize>,
    doomed: HashSet<ObjectId>,
}

/// While it lives, its object is not removed.
#[derive(Debug)]
pub(super) struct Pin {
    id: ObjectId,
    pins: Pins,
}

/// While it lives, nobody pins its objects: whoever wants to, waits.
#[derive(Debug)]
pub(crate) struct Doomed {
    ids: Vec<ObjectId>,
    pins: Pins,
}

impl Pins {
    /// Pins an object; waits while it is being removed.
    pub(super) fn pin(&self, id: ObjectId) -> Pin {
        let mut state = self.lock();
        while state.doomed.contains(&id) {
            state = self.shared.undoomed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        *state.pinned.entry(id).or_default() += 1;
        Pin { id, pins: self.clone() }
    }

    /// Dooms those of `ids` that are neither pinned nor doomed already.
    pub(super) fn doom(&self, mut ids: Vec<ObjectId>) -> Doomed {
        let mut state = self.lock();
        ids.retain(|id| !state.pinned.contains_key(id) && state.doomed.insert(*id));
        Doomed { ids, pins: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way, so a poisoned state is a whole one.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pin {
    pub(super) fn id(&self) -> ObjectId {
        self.id
    }
}

impl Doomed {
    pub(crate) fn ids(&self) -> &[ObjectId] {
        &self.ids
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.pins.lock();
        if let Some(count) = state.pinned.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                state.pinned.remove(&self.id);
            }
        }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let mut state = self.pins.lock();
        for id in &self.ids {
            state.doomed.remove(id);
        }
        drop(state);
        self.pins.shared.undoomed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_object_is_not_doomed_and_a_doomed_one_is_not_pinned() {
        let pins = Pins::default();
        let id = ObjectId::of(b"x");
        let (first, second) = (pins.pin(id), pins.pin(id));
        drop(first);
        assert_eq!(pins.doom(vec![id]).ids(), []);
        drop(second);
        let doomed = pins.doom(vec![id]);
        assert_eq!(doomed.ids(), [id]);
        assert_eq!(pins.doom(vec![id]).ids(), [], "twice doomed");
        let (asked, was_asked) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn({
            let pins = pins.clone();
            move || {
                asked.send(()).unwrap();
                drop(pins.pin(id));
            }
        });
        was_asked.recv().unwrap();
        assert!(pins.lock().pinned.is_empty());
        drop(doomed);
        waiter.join().unwrap();
    }
}
