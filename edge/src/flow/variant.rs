//! Which of the answers under one name a request selects (RFC 9111 section 4.1).
//!
//! What does not vary is kept under the key of its name. What varies leaves a marker there, an object without a body that names the
//! selecting fields, and is kept under a key made of the name and their values. All of it has one owner.

use std::sync::Arc;

use cache::Key;

use crate::http::response::Response;
use crate::http::vary::{self, Names, Vary};
use crate::shard::Shard;
use crate::shard::mail::Ask;
use crate::stored::{Object, Stored, Varies};

/// Points `ask` at the variant it selects, as far as that is known.
pub(crate) fn select(shard: &Shard, ask: &mut Ask) {
    let ram = shard.ram.borrow();
    let marker = ram.peek(ask.key).filter(|object| object.meta.name == ask.name);
    match marker.and_then(|object| object.meta.varies.as_ref()) {
        Some(varies) => {
            ask.selecting = varies.names.select(&ask.head);
            ask.at = key(shard, ask.key, &ask.name, varies.life, &ask.selecting);
        }
        None => {
            ask.selecting.clear();
            ask.at = ask.key;
        }
    }
}

/// The key of what a request with `head` selects under `name`, and by which run, given what stands under the name's own key. The head may
/// be the client's own: what is not forwarded selects nothing there, and finds nothing here at worst.
pub(crate) fn of(shard: &Shard, found: &Object, name: &[u8], head: &[u8]) -> (Key, Vec<u8>) {
    match &found.meta.varies {
        Some(varies) if *found.meta.name == *name => {
            let selecting = varies.names.select(head);
            (key(shard, found.key, name, varies.life, &selecting), selecting)
        }
        _ => (found.key, Vec::new()),
    }
}

/// Where the answer to `ask` is to be kept, now that it is here: marks the name when it varies.
pub(crate) struct Place {
    pub(crate) at: Key,
    pub(crate) selecting: Vec<u8>,
    names: Names,
}

impl Place {
    /// The place of what is not kept.
    pub(crate) fn unkept(ask: &Ask) -> Place {
        Place { at: ask.key, selecting: Vec::new(), names: Names::default() }
    }

    /// Whether the answer is one for `other` as well.
    pub(crate) fn suits(&self, other: &Ask) -> bool {
        self.names.select(&other.head) == self.selecting
    }
}

/// Finds the place for `response`. `None`: there is no room for the marker.
pub(crate) fn settle(shard: &Shard, ask: &Ask, response: &Response) -> Option<Place> {
    let Vary::On(names) = vary::of(response) else {
        return Some(Place::unkept(ask));
    };
    let (names, life) = mark(shard, ask, names)?;
    let selecting = names.select(&ask.head);
    Some(Place { at: key(shard, ask.key, &ask.name, life, &selecting), selecting, names })
}

/// The marker under the name of `ask`, made or widened so that it covers `names`.
fn mark(shard: &Shard, ask: &Ask, names: Names) -> Option<(Names, u64)> {
    let mut ram = shard.ram.borrow_mut();
    let known = ram.peek(ask.key).filter(|object| object.meta.name == ask.name);
    let names = match known.and_then(|object| object.meta.varies.as_ref()) {
        Some(varies) if names.is_within(&varies.names) => return Some((varies.names.clone(), varies.life)),
        Some(varies) => names.with(&varies.names),
        None => names,
    };
    let life = shard.next_life();
    let marker = Stored::marker(&ask.name, Varies { names: names.clone(), life });
    let bytes = marker.cost();
    let object = Object::bodiless(ask.key, marker);
    ram.put(Arc::new(object), bytes).ok()?;
    // The disk may have a narrower marker, or what was kept before anything varied.
    shard.disk.forget(ask.key);
    Some((names, life))
}

fn key(shard: &Shard, primary: Key, name: &[u8], life: u64, selecting: &[u8]) -> Key {
    shard.key_beside(primary, name, &[&life.to_le_bytes(), selecting].concat())
}
