//! Doubly linked queues over slot numbers: constant-time removal from the middle, no allocation per entry.

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    prev: u32,
    next: u32,
}

/// Links of every slot, shared by the queues of one policy. A slot is in at most one queue.
#[derive(Default)]
pub(crate) struct Links(Vec<Node>);

/// One queue: new at the head, next to leave at the tail.
pub(crate) struct Queue {
    head: u32,
    tail: u32,
    len: usize,
    bytes: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { head: NONE, tail: NONE, len: 0, bytes: 0 }
    }
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn tail(&self) -> Option<u32> {
        (self.tail != NONE).then_some(self.tail)
    }

    pub(crate) fn grow(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    pub(crate) fn shrink(&mut self, bytes: u64) {
        self.bytes -= bytes;
    }

    pub(crate) fn push(&mut self, links: &mut Links, slot: u32, bytes: u64) {
        let at = slot as usize;
        if links.0.len() <= at {
            links.0.resize(at + 1, Node { prev: NONE, next: NONE });
        }
        links.0[at] = Node { prev: NONE, next: self.head };
        if self.head == NONE {
            self.tail = slot;
        } else {
            links.0[self.head as usize].prev = slot;
        }
        self.head = slot;
        self.len += 1;
        self.bytes += bytes;
    }

    pub(crate) fn remove(&mut self, links: &mut Links, slot: u32, bytes: u64) {
        let node = links.0[slot as usize];
        if node.prev == NONE {
            self.head = node.next;
        } else {
            links.0[node.prev as usize].next = node.next;
        }
        if node.next == NONE {
            self.tail = node.prev;
        } else {
            links.0[node.next as usize].prev = node.prev;
        }
        self.len -= 1;
        self.bytes -= bytes;
    }
}
