//! The way of a request: the table of steps. One step, one file.
//!
//! ```text
//! accept -> introduce -> (handshake ->) parse -> authorise -> lookup -+-> hit | stale --------> send -> (keep-alive: parse)
//!                                                                     +-> join (being filled) -> send as it arrives
//!                                                                     +-> miss -> fetch -> fill -> send as it arrives
//! any step -> refuse(named reason)
//! what is answered -> ahead (what comes after it)
//! ```
//!
//! [`lookup`] and [`flight`] run on the shard that owns the key, everything else where the client is connected.

pub(crate) mod accept;
pub(crate) mod ahead;
mod authorise;
pub(crate) mod compress;
pub(crate) mod fetch;
mod fill;
pub(crate) mod flight;
mod handshake;
mod head;
pub(crate) mod hit;
mod interim;
mod introduce;
pub(crate) mod invalidate;
pub(crate) mod lookup;
mod multipart;
mod options;
pub(crate) mod page;
mod pass;
mod refuse;
pub(crate) mod renew;
mod send;
pub(crate) mod slices;
mod variant;

use std::rc::Rc;

use crate::flow::accept::{Asked, Conn, Gone};
use crate::gate;
use crate::http::request::{Framing, Method};
use crate::media::hls::{self, Delivery};
use crate::refusal::Refusal;
use crate::shard::Shard;
use crate::shard::mail::{Answer, How};
use crate::upstream::loops;

/// Whether the connection carries another request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum After {
    Keep,
    Close,
}

/// Answers one request that [`hit::quick`] did not. Its longer steps are boxed: a client that takes nothing should hold no more than the step it
/// is in, and streams of HTTP/2 come by the hundred.
pub(crate) async fn answer(shard: &Rc<Shard>, conn: &mut Conn, asked: &Asked) -> Result<After, Gone> {
    if let Some(page) = page::find(shard, asked) {
        return page::send(shard, conn, asked, page).await;
    }
    if options::is_preflight(asked) {
        return Ok(options::preflight(shard, conn, asked));
    }
    if loops::is_loop(&asked.head, &shard.config().upstream) {
        return Ok(refuse::send(shard, conn, asked, Refusal::LoopDetected));
    }
    // Another edge checks its clients' tokens itself, by the mark that the answer carries.
    let shown =
        if asked.fellow.is_trusted { gate::Pass::Valid } else { authorise::shown(shard, conn.peer.ip(), asked) };
    if let (gate::Pass::Bad(refusal), true) = (shown, asked.token_in_path) {
        return Ok(refuse::send(shard, conn, asked, refusal));
    }
    let is_read = matches!(asked.request.method, Method::Get | Method::Head);
    if !is_read || asked.request.framing != Framing::None {
        return Box::pin(pass::through(shard, conn, asked, shown, How::PassMethod)).await;
    }
    if hls::delivery(asked.name()) == Delivery::Bad {
        return Ok(refuse::send(shard, conn, asked, Refusal::PlaylistDirective));
    }
    match Box::pin(lookup::ask(shard, conn, asked)).await? {
        Answer::Object { object, first, how, .. } => match authorise::permit(&object.meta, shown) {
            Ok(()) => {
                ahead::after(shard, asked, &object);
                match Box::pin(send::object(shard, conn, asked, object, first, how)).await? {
                    Some(after) => Ok(after),
                    // It changed at the origin before anything was sent: whatever is there now goes to this client by itself.
                    None => Box::pin(pass::through(shard, conn, asked, shown, How::PassKnown)).await,
                }
            }
            Err(refusal) => Ok(refuse::send(shard, conn, asked, refusal)),
        },
        Answer::Refuse(Refusal::OnlyIfCached) if !lookup::wants(shard, asked).only_if_cached => {
            // A HEAD of what is not kept, or no longer fresh: the origin's head is all that is needed.
            Box::pin(pass::through(shard, conn, asked, shown, How::MissUnkept)).await
        }
        Answer::Refuse(refusal) => Ok(refuse::send(shard, conn, asked, refusal)),
        Answer::Pass => {
            interim::sign_of_life(shard, conn, asked).await?;
            Box::pin(pass::through(shard, conn, asked, shown, How::PassKnown)).await
        }
    }
}
