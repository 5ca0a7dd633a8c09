//! Who asks: the token a request shows, and whether it opens what was found.

use std::net::IpAddr;

use crate::flow::accept::Asked;
use crate::gate::Pass;
use crate::gate::conditions::Viewer;
use crate::http::target;
use crate::refusal::Refusal;
use crate::shard::Shard;
use crate::stored::Stored;
use crate::upstream::request::{bearer, token_cookie};

/// The token of a request, verified: in the path, as a bearer credential, or in a cookie, in that order.
pub(crate) fn shown(shard: &Shard, address: IpAddr, asked: &Asked) -> Pass {
    let in_path = asked.field(asked.token);
    let in_header = asked.field(asked.request.authorization).and_then(bearer);
    let in_cookie = asked.field(asked.request.cookie).and_then(token_cookie);
    let Some(token) = in_path.or(in_header).or(in_cookie) else { return Pass::None };
    let viewer = Viewer { address, head: &asked.head };
    shard.tokens.borrow_mut().check(token, target::path(asked.name()), asked.now_ms, &viewer)
}

/// Whether `shown` opens `stored`.
pub(crate) fn permit(stored: &Stored, shown: Pass) -> Result<(), Refusal> {
    permit_mark(stored.gated, shown)
}

/// Whether `shown` opens what is marked as `gated`. Without the mark everybody may have it.
pub(crate) fn permit_mark(gated: bool, shown: Pass) -> Result<(), Refusal> {
    match (gated, shown) {
        (false, _) | (true, Pass::Valid) => Ok(()),
        (true, Pass::None) => Err(Refusal::TokenMissing),
        (true, Pass::Bad(refusal)) => Err(refusal),
    }
}
