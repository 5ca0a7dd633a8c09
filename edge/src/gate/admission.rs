//! What admits the viewer who shows a token whose signature was right: that it was not taken back, that it is for them, that not too many
//! streams play.

use std::net::IpAddr;
use std::sync::Arc;

use wire::token::{Claims, UnixSeconds};

use super::conditions::{self, Viewer};
use super::countries::Countries;
use super::playing::{self, Playing, Stream};
use super::revoked::Revoked;
use crate::refusal::Refusal;

/// What the answer depends on beside the token.
#[derive(Default)]
pub(super) struct Admission {
    pub(super) revoked: Arc<Revoked>,
    /// Longest silence of an origin that is followed, milliseconds; 0: any.
    pub(super) staleness_max_ms: u64,
    pub(super) playing: Playing,
    pub(super) countries: Option<Arc<Countries>>,
}

/// A token whose signature was right.
pub(super) struct Known {
    claims: Claims,
    /// The stream that was last asked for with it, and from where.
    stream: Option<(IpAddr, Arc<Stream>)>,
}

impl Known {
    pub(super) fn new(claims: Claims) -> Known {
        Known { claims, stream: None }
    }

    /// It holds now and is for this path.
    pub(super) fn opens(&self, path: &str, now: UnixSeconds) -> bool {
        !self.is_over(now) && self.claims.nbf.is_none_or(|nbf| nbf <= now) && self.claims.covers(path)
    }

    pub(super) fn is_over(&self, now: UnixSeconds) -> bool {
        self.claims.exp <= now
    }
}

impl Admission {
    pub(super) fn is_stale(&self, silent_ms: u64) -> bool {
        self.staleness_max_ms > 0 && silent_ms > self.staleness_max_ms
    }

    pub(super) fn admit(&self, known: &mut Known, now_ms: u64, viewer: &Viewer<'_>) -> Result<(), Refusal> {
        let Known { claims, stream } = known;
        if self.revoked.covers(claims, UnixSeconds(now_ms / 1000)) {
            return Err(Refusal::TokenRevoked);
        }
        conditions::held(claims, viewer, self.countries.as_deref())?;
        let Some(streams) = &claims.streams else { return Ok(()) };
        if self.is_stale(self.playing.silent_ms(now_ms)) {
            return Err(Refusal::StreamsUnknown);
        }
        let from = playing::network(viewer.address);
        let last = stream.as_ref().filter(|(network, _)| *network == from).and_then(|(_, stream)| stream.ask(now_ms));
        let plays = match last {
            Some(plays) => plays,
            None => {
                let subject = claims.sub.as_deref().ok_or(Refusal::StreamsUnknown)?;
                let entered = self.playing.enter(subject, streams, from, now_ms).ok_or(Refusal::StreamsUnknown)?;
                let plays = entered.ask(now_ms).unwrap_or(false);
                *stream = Some((from, entered));
                plays
            }
        };
        if plays { Ok(()) } else { Err(Refusal::StreamsExceeded) }
    }
}
