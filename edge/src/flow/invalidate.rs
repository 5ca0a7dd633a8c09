//! What a client changed is not given to anyone any more (RFC 9111 section 4.4, RFC 9875 section 3).

use std::rc::Rc;

use cache::Key;
use tokio::sync::oneshot;

use crate::flow::accept::Asked;
use crate::flow::flight;
use crate::http::request::Method;
use crate::http::response::Response;
use crate::http::target;
use crate::purge::{Purge, What};
use crate::shard::Shard;
use crate::shard::mail::Mail;
use crate::source::Source;
use crate::stored::purged::groups;

/// After an answer to `asked`: ends what is kept of its target and of the Location and Content-Location that it names, when the
/// method may have changed them and the answer is no error. Returns when nobody gets them any more.
pub(crate) async fn by_method(shard: &Rc<Shard>, asked: &Asked, response: &Response) {
    let is_safe = matches!(asked.request.method, Method::Get | Method::Head | Method::Options);
    if is_safe || !(200..400).contains(&response.status) {
        return;
    }
    let host = asked.field(asked.request.host).unwrap_or_default();
    let origins: Vec<String> = shard.config().upstream.origins.iter().map(Source::authority).collect();
    let ours: Vec<&[u8]> = std::iter::once(host).chain(origins.iter().map(String::as_bytes)).collect();
    let named = ["location", "content-location"].into_iter().filter_map(|field| response.first(field));
    let others = named.filter_map(|reference| target::resolve(reference, asked.name(), &ours));
    for group in groups(response.all("cache-group-invalidation")) {
        // What cannot be written down is still done: the client's change must not fail for it.
        if let Err(error) = shard.purger.purge(Purge { what: What::Group(group), soft: false }).await {
            tracing::warn!(%error, "a cache group was not invalidated as it should be");
        }
    }
    for name in std::iter::once(asked.name().to_vec()).chain(others) {
        everywhere(shard, &name).await;
    }
}

/// Ends what is kept under `name`, wherever its owner is.
pub(crate) async fn everywhere(shard: &Rc<Shard>, name: &[u8]) {
    let key = shard.seed.key(name);
    let owner = shard.owner(key);
    if owner == shard.id {
        return at_owner(shard, key, name);
    }
    let (done, wait) = oneshot::channel();
    if shard.peers[owner].send(Mail::Invalidate(key, name.into(), done)).await {
        let _ = wait.await;
    }
}

/// Ends what is kept under `name` here: the answer, or the marker through which its variants are found, and what is on its way.
pub(crate) fn at_owner(shard: &Shard, key: Key, name: &[u8]) {
    let mut ram = shard.ram.borrow_mut();
    if ram.peek(key).is_some_and(|object| *object.meta.name == *name) {
        ram.remove(key);
    }
    drop(ram);
    shard.disk.forget(key);
    shard.passing.borrow_mut().remove(&key);
    flight::overtake(shard, name);
}
