//! What is there under a key, asked of the shard that owns it.

use std::rc::Rc;
use std::sync::Arc;

use cache::{Chunk, State};
use tokio::sync::oneshot;

use crate::flow::accept::Asked;
use crate::flow::flight;
use crate::http::freshness::Use;
use crate::http::request::Method;
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask, How, Mail};
use crate::stored::Object;
use crate::upstream::request::{Purpose, Sized, forward, wants_only_cached};

/// Asks the owner, here or by mail, and takes a lease on what another shard gives.
pub(crate) async fn ask(shard: &Rc<Shard>, asked: &Asked) -> Answer {
    let key = shard.seed.key(asked.name());
    let owner = shard.owner(key);
    if owner != shard.id
        && let Some(answer) = leased(shard, asked, key)
    {
        return answer;
    }
    let forwarded =
        forward(b"GET", asked.name(), &asked.head, &shard.config.upstream, Purpose::Fetch, Sized::None, |text| {
            shard.tokens.borrow().is_token(text)
        });
    let only_if_cached =
        asked.request.method == Method::Head || asked.field(asked.request.cache_control).is_some_and(wants_only_cached);
    let ask = Box::new(Ask {
        key,
        name: asked.name().into(),
        head: forwarded.head,
        authorised: forwarded.authorised,
        cookie: forwarded.cookie,
        ranged: asked.request.range.is_some(),
        only_if_cached,
    });
    let (reply, answer) = oneshot::channel();
    if owner == shard.id {
        at_owner(shard, ask, reply);
    } else {
        shard.counters.asks.add(1);
        if !shard.peers[owner].send(Mail::Ask(ask, reply)).await {
            return Answer::Refuse(Refusal::Draining);
        }
    }
    let answer = answer.await.unwrap_or(Answer::Refuse(Refusal::Draining));
    if let Answer::Object { object, .. } = &answer
        && owner != shard.id
        && object.meta.freshness.is_some()
        && object.state() == State::Whole
        && !object.is_dead()
    {
        shard.front.borrow_mut().lease(object);
    }
    answer
}

/// A leased object that may be used without asking.
fn leased(shard: &Shard, asked: &Asked, key: cache::Key) -> Option<Answer> {
    let mut front = shard.front.borrow_mut();
    let object = front.get(key)?;
    let fresh = object.meta.freshness.is_some_and(|f| f.at(asked.now_ms) == Use::Fresh);
    let same = *object.meta.name == *asked.name();
    (fresh && same).then(|| Answer::Object { object: object.clone(), first: None, how: How::Hit })
}

/// Answers a request for a key this shard owns, now or when its fetch lands.
pub(crate) fn at_owner(shard: &Rc<Shard>, ask: Box<Ask>, reply: oneshot::Sender<Answer>) {
    let now_ms = rt::now();
    match found(shard, &ask) {
        Some((object, _)) if object.meta.name != ask.name => {
            // Two names, one key: the one that is kept stays, the other is passed through.
            let _ = reply.send(Answer::Pass);
        }
        Some((object, first)) => serve_found(shard, ask, reply, object, first, now_ms),
        None if ask.only_if_cached => {
            let _ = reply.send(Answer::Refuse(Refusal::OnlyIfCached));
        }
        None if shard.is_passing(ask.key, now_ms) => {
            let _ = reply.send(Answer::Pass);
        }
        None => flight::join(shard, ask, None, Some(reply)),
    }
}

fn found(shard: &Shard, ask: &Ask) -> Option<(Arc<Object>, Option<Arc<Chunk>>)> {
    let mut ram = shard.ram.borrow_mut();
    let found = ram.get(ask.key)?;
    Some((found.object.clone(), found.first.cloned()))
}

fn serve_found(
    shard: &Rc<Shard>,
    ask: Box<Ask>,
    reply: oneshot::Sender<Answer>,
    object: Arc<Object>,
    first: Option<Arc<Chunk>>,
    now_ms: u64,
) {
    let filling = object.state() == State::Filling;
    let usable = object.meta.freshness.map_or(Use::Stale, |f| f.at(now_ms));
    let how = match usable {
        // What is still arriving is as new as it gets: joining it is one request, not a stale answer.
        _ if filling => How::Joined,
        Use::Fresh => How::Hit,
        Use::WhileRevalidating => {
            flight::join(shard, ask, Some(object.clone()), None);
            How::Stale
        }
        Use::Stale if ask.only_if_cached => {
            let _ = reply.send(Answer::Refuse(Refusal::OnlyIfCached));
            return;
        }
        Use::Stale => return flight::join(shard, ask, Some(object), Some(reply)),
    };
    let _ = reply.send(Answer::Object { object, first, how });
}
