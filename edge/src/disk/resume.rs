//! A body whose first part came from a disk that then failed: the rest comes from the origin, when that still has the same thing byte by
//! byte. Readers notice nothing; without it they would be cut off.

use std::rc::Rc;

use cache::object::{Next, Reader};
use cache::{Slice, State};

use crate::flow::fetch::{NoBody, unkept};
use crate::http::range::{Part, told};
use crate::limits::SEND_BYTES_MAX;
use crate::rt;
use crate::shard::Shard;
use crate::stored::Object;
use crate::upstream::{self, Call};

/// Asks the origin with `head` for bytes `from..length` of `object`'s body and gives them to `take` in order. False: it has them no more,
/// could not say that they are the same, or broke off.
pub(super) async fn resume(
    shard: &Rc<Shard>,
    object: &Object,
    mut head: Vec<u8>,
    (from, length): (u64, u64),
    mut take: impl FnMut(&Slice),
) -> bool {
    let Some(tag) = object.meta.strong_etag().filter(|_| object.meta.status == 200) else { return false };
    head.extend_from_slice(format!("Range: bytes={from}-{}\r\nIf-Range: ", length - 1).as_bytes());
    for part in [tag, b"\r\n\r\n"] {
        head.extend_from_slice(part);
    }
    let call = Call::new(&head, false);
    let Ok(exchanged) = upstream::ask::<NoBody>(shard, call, None).await else { return false };
    let response = &exchanged.response;
    let is_rest = response.first("content-range").and_then(told) == Some((Part { from, to: length }, length));
    if response.status != 206 || !is_rest || response.first("etag") != Some(tag) {
        return false;
    }
    let mut fill = unkept(shard, object.key, &object.meta.name, exchanged, rt::now());
    let mut reader = Reader::new(fill.object.clone(), fill.first.take(), 0, length - from);
    let mine = shard.clone();
    rt::spawn(async move { fill.run(&mine).await });
    loop {
        let rest = reader.object().clone();
        let seen = rest.arrived();
        match reader.next(SEND_BYTES_MAX) {
            Next::Ready(slice) => take(&slice),
            Next::End => return true,
            Next::Broken => return false,
            Next::Wait => {
                if rest.is_throttled() {
                    shard.ring(&rest.room);
                }
                shard.listen(&rest.bell, || rest.arrived() != seen || rest.state() != State::Filling).await;
            }
        }
    }
}
