//! One request to whoever has the answer, up to the answer's head.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::breaker::Outcome;
use super::places::Level;
use super::pool::{self, Origin};
use super::race::race;
use crate::http::freshness::Exchange;
use crate::http::response::{self, Response};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::line::Waits;

/// An answer whose head is here; its body follows on the connection.
pub(crate) struct Exchanged {
    pub(crate) response: Response,
    pub(crate) origin: Origin,
    pub(crate) sent_ms: u64,
    pub(crate) received_ms: u64,
    /// Number of the last purge when it was sent.
    pub(crate) purges: u64,
    /// Its head says that the body is packed, and it is to be as it comes.
    pub(crate) packs: bool,
}

impl Exchanged {
    /// The facts that freshness depends on.
    pub(crate) fn facts(&self, authorised: bool, cookie: bool) -> Exchange {
        Exchange { sent_ms: self.sent_ms, received_ms: self.received_ms, purges: self.purges, authorised, cookie }
    }
}

/// A request body on its way through: the next piece, already framed as the origin expects it.
pub(crate) trait Body {
    /// `Ok(None)`: the body has ended.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal>;
}

/// Where informational heads go (1xx, never 101) as they come. One that finds no room is dropped.
pub(crate) type Informed = mpsc::Sender<Response>;

/// Who may be asked besides the origins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Nobody: the answer is for one client.
    Origins,
    /// The shield: another edge has asked, and must not be sent round the tier.
    Shield,
    /// The shield, and the edges of the tier.
    Tier,
}

/// A request.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The whole head as [`forward`](super::request::forward) writes it.
    pub(crate) head: &'a [u8],
    pub(crate) to_head: bool,
    pub(crate) reach: Reach,
    pub(crate) informed: Option<&'a Informed>,
    /// How long the answer may be held on purpose; silence is no failure meanwhile.
    pub(crate) hold: Option<Duration>,
    /// A place to leave out if there is another one.
    pub(crate) avoid: Option<usize>,
}

impl<'a> Call<'a> {
    /// Of the origins alone, with nobody to inform.
    pub(crate) fn new(head: &'a [u8], to_head: bool) -> Call<'a> {
        Call { head, to_head, reach: Reach::Origins, informed: None, hold: None, avoid: None }
    }

    fn start_line(&self) -> (&'a [u8], &'a [u8]) {
        let mut words = self.head.split(|b| matches!(b, b' ' | b'\r'));
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// The head as `at` is sent it.
    fn head_for(&self, shard: &Shard, at: usize) -> Vec<u8> {
        let target = shard.sources.at(at);
        let lines = &target.place.lines;
        let line_end = self.head.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
        [&self.head[..line_end], lines, &self.head[line_end..]].concat()
    }
}

/// Sends a request and reads the answer's head. What may be repeated (GET, HEAD, OPTIONS without a body) is, at another place, when
/// the first fails or stays silent; anything else is sent once.
pub(crate) async fn ask<B: Body>(
    shard: &Rc<Shard>,
    call: Call<'_>,
    body: Option<&mut B>,
) -> Result<Exchanged, Refusal> {
    shard.counters.fetches.add(1);
    let (method, name) = call.start_line();
    let mut order = shard.sources.order(name, call.reach, rt::now());
    if order.len() > 1 {
        order.retain(|at| Some(*at) != call.avoid);
    }
    if order.is_empty() {
        return Err(Refusal::OriginUnavailable);
    }
    shard.sources.budget.borrow_mut().earn();
    if body.is_none() && matches!(method, b"GET" | b"HEAD" | b"OPTIONS") {
        return race(shard, call, order).await;
    }
    once(shard, call, order, body).await
}

/// Sends what must not be sent twice: on a new connection, since a kept one may be closing; to the first place that can be reached,
/// since one that cannot has seen nothing.
async fn once<B: Body>(
    shard: &Rc<Shard>,
    call: Call<'_>,
    order: Vec<usize>,
    body: Option<&mut B>,
) -> Result<Exchanged, Refusal> {
    let mut why = Refusal::OriginUnavailable;
    for at in order {
        if !shard.sources.enter(at, rt::now()) {
            continue;
        }
        match pool::connect(shard, at).await {
            Ok(origin) => {
                let result = attempt(shard, origin, at, call, body, &Progress::default()).await;
                tell(shard, at, true, &result);
                return result;
            }
            Err(refusal) => {
                why = refusal;
                tell(shard, at, false, &Err(refusal));
            }
        }
    }
    Err(why)
}

/// How far a try has come.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) connected: Cell<bool>,
    /// A byte of its answer has come.
    pub(super) alive: Cell<bool>,
}

/// One try at one place: on a kept connection, and on a new one when that turns out to be closed.
pub(super) async fn one_try(
    shard: &Rc<Shard>,
    at: usize,
    call: Call<'_>,
    progress: Rc<Progress>,
) -> Result<Exchanged, Refusal> {
    if let Some(origin) = pool::take(shard, at) {
        progress.connected.set(true);
        match attempt::<Nothing>(shard, origin, at, call, None, &progress).await {
            // Closed before a byte of the answer came: the origin had not seen the request, or let go of an idle connection.
            Err(Refusal::OriginClosed) if !progress.alive.get() => progress.connected.set(false),
            result => return result,
        }
    }
    let origin = pool::connect(shard, at).await?;
    progress.connected.set(true);
    attempt::<Nothing>(shard, origin, at, call, None, &progress).await
}

/// No body.
pub(super) enum Nothing {}

impl Body for Nothing {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }
}

/// Books how a request has ended; `connected`: there was a connection for it.
pub(super) fn tell(shard: &Shard, at: usize, connected: bool, result: &Result<Exchanged, Refusal>) {
    let outcome = match result {
        Ok(exchanged) => match exchanged.response.status {
            500 | 502 | 503 | 504 => Outcome::Bad,
            _ => Outcome::Well,
        },
        Err(Refusal::OriginConnect | Refusal::OriginTls) => Outcome::Failed,
        Err(Refusal::OriginTimeout) if !connected => Outcome::Failed,
        Err(Refusal::OriginTimeout | Refusal::OriginClosed) => Outcome::Lost,
        Err(Refusal::OriginHead) => Outcome::Bad,
        // Ours or the client's: it says nothing about the place.
        Err(_) => return,
    };
    shard.sources.tell(at, outcome, rt::now());
}

/// A body has broken off that `origin` was sending.
pub(crate) fn broke_off(shard: &Shard, origin: &Origin) {
    shard.sources.tell(origin.at(), Outcome::Lost, rt::now());
}

/// Sends the request on `origin` and reads the head of its answer. `progress` is told of its first byte.
async fn attempt<B: Body>(
    shard: &Rc<Shard>,
    mut origin: Origin,
    at: usize,
    call: Call<'_>,
    body: Option<&mut B>,
    progress: &Progress,
) -> Result<Exchanged, Refusal> {
    let (sent_ms, purges) = (rt::now(), shard.purges.borrow().seq());
    send(shard, &mut origin, call.head_for(shard, at), body).await?;
    let response = head(shard, &mut origin, at, call, progress).await?;
    Ok(Exchanged { response, origin, sent_ms, received_ms: rt::now(), purges, packs: false })
}

async fn send<B: Body>(
    shard: &Rc<Shard>,
    origin: &mut Origin,
    head: Vec<u8>,
    body: Option<&mut B>,
) -> Result<(), Refusal> {
    let wait_ms = shard.config().limits.origin_read.as_millis() as u64;
    origin.line.due(rt::now() + wait_ms, Waits::Busy);
    let mut sent = origin.line.stream.send(head).await.0.is_ok();
    let Some(body) = body else { return Ok(()) };
    while sent {
        origin.line.not_due();
        let Some(piece) = body.next().await? else { break };
        origin.line.due(rt::now() + wait_ms, Waits::Busy);
        // An origin may answer before it has read everything, and close: its answer counts.
        sent = origin.line.stream.send(piece).await.0.is_ok();
    }
    Ok(())
}

async fn head(
    shard: &Rc<Shard>,
    origin: &mut Origin,
    at: usize,
    call: Call<'_>,
    progress: &Progress,
) -> Result<Response, Refusal> {
    let until_ms = call.hold.map(|hold| rt::now() + hold.as_millis() as u64);
    let wait_ms = shard.config().limits.origin_read.as_millis() as u64;
    loop {
        match response::parse(&origin.buffer, call.to_head) {
            Err(_) => return Err(Refusal::OriginHead),
            Ok(Some((response, len))) if response.status < 200 => {
                if response.status == 101 {
                    return Err(Refusal::OriginHead);
                }
                origin.buffer.drain(..len);
                // An edge that is asked says 102 for itself, not for its origin.
                let is_sign = response.status == 102 && shard.sources.at(at).place.level != Level::Origin;
                if let Some(informed) = call.informed.filter(|_| !is_sign) {
                    let _ = informed.try_send(response);
                }
            }
            Ok(Some((response, len))) => {
                origin.buffer.drain(..len);
                origin.line.not_due();
                return Ok(response);
            }
            Ok(None) => {
                origin.line.due(until_ms.unwrap_or_else(|| rt::now() + wait_ms), Waits::Busy);
                receive(origin).await?;
                progress.alive.set(true);
            }
        }
    }
}

/// Receives the next `length` bytes of a body into the connection's buffer. False: fewer came, and whatever reads on sees why.
pub(crate) async fn gather(origin: &mut Origin, length: usize, wait_ms: u64) -> bool {
    origin.line.due(rt::now() + wait_ms, Waits::Busy);
    while origin.buffer.len() < length && receive(origin).await.is_ok() {}
    origin.line.not_due();
    origin.buffer.len() >= length
}

async fn receive(origin: &mut Origin) -> Result<(), Refusal> {
    let mut buffer = std::mem::take(&mut origin.buffer);
    if buffer.capacity() - buffer.len() < 4096 {
        buffer.reserve(16 * 1024);
    }
    let (result, buffer) = origin.line.stream.recv(buffer).await;
    origin.buffer = buffer;
    match result {
        _ if origin.line.is_overdue() => Err(Refusal::OriginTimeout),
        Ok(0) | Err(_) => Err(Refusal::OriginClosed),
        Ok(_) => Ok(()),
    }
}
