//! What shards say to each other.

use std::sync::Arc;
use std::time::Duration;

use cache::{Chunk, Key};
use tokio::sync::oneshot;

use crate::flow::accept::HandedOver;
use crate::http::cache_control::CacheControl;
use crate::http::freshness::Exchange;
use crate::http::response::Response;
use crate::purge::Turn;
use crate::refusal::Refusal;
use crate::reload::Reload;
use crate::shard::top::Report;
use crate::stored::Object;
use crate::upstream::{Informed, News, Reach};

/// A message into a shard.
pub(crate) enum Mail {
    /// A request for a key that this shard owns.
    Ask(Box<Ask>, oneshot::Sender<Answer>),
    /// The same, for what nobody has asked for yet. Not answered when there is nothing to be done.
    Ahead(Box<Ask>, oneshot::Sender<Answer>),
    /// A request for a slice of a body whose key this shard owns.
    Slice(Box<AskSlice>, oneshot::Sender<Slice>),
    /// What an origin said to a HEAD of a name that this shard owns.
    Head(Box<Ask>, Box<Response>, Exchange),
    /// What a request was answered with past the cache could have been kept: the next one need not pass.
    Keepable(Box<Ask>),
    /// A purge, to be confirmed.
    Purge(Arc<Turn>, std::sync::mpsc::Sender<()>),
    /// What is kept under this name has been changed by a client (RFC 9111 section 4.4). Answered when nobody gets it any more.
    Invalidate(Key, Box<[u8]>, oneshot::Sender<()>),
    /// Objects of this shard that others asked for again by their leases: for the disk.
    Wanted(Vec<Arc<Object>>),
    /// A connection that this shard has more time for.
    Take(Box<HandedOver>),
    /// Wake whoever sleeps on the bell at this address.
    Ring(usize),
    /// What is asked for most here?
    Top(oneshot::Sender<Report>),
    /// What the control thread has found out about the place of this index.
    Upstream(usize, News),
    /// What handshakes begin with from now on, to be confirmed.
    Certificates(Arc<rustls::ServerConfig>, std::sync::mpsc::Sender<()>),
    /// The certificate files have changed and cannot be used: to be counted, by one shard.
    CertificatesUnusable,
    /// Another configuration from now on, to be confirmed.
    Reload(Arc<Reload>, std::sync::mpsc::Sender<()>),
    /// Another process accepts from now on: stop accepting, and end each connection with its next answer. The sender is dropped once
    /// everything that was accepted is being served.
    HandOver(std::sync::mpsc::Sender<()>),
    /// Stop accepting, let what is under way end.
    Drain,
    /// The drain's time is over.
    Cut,
}

/// A request as its key's owner needs to know it.
pub(crate) struct Ask {
    pub(crate) key: Key,
    /// The key of the variant it selects; `key` while nothing is known to vary. The owner fills these two in.
    pub(crate) at: Key,
    pub(crate) selecting: Vec<u8>,
    /// Canonical target: what a stored object is compared with, and what the origin is asked for.
    pub(crate) name: Box<[u8]>,
    /// Request line and fields for the origin, without the final empty line, so that a revalidation can add its own.
    pub(crate) head: Vec<u8>,
    /// The head carries Authorization, or a cookie.
    pub(crate) authorised: bool,
    pub(crate) cookie: bool,
    /// A part is asked for, and this slice has its beginning: what is not here is then fetched by slice.
    pub(crate) slice: Option<u64>,
    /// Where interim answers go while this request leads.
    pub(crate) informed: Option<Informed>,
    /// Answer from memory or not at all.
    pub(crate) only_if_cached: bool,
    /// Who may be asked for it besides the origins.
    pub(crate) reach: Reach,
    /// The origin may hold its answer for so long.
    pub(crate) hold: Option<Duration>,
    /// Nobody has asked for it yet.
    pub(crate) ahead: bool,
    /// What is kept is fresh, and the client wants it fresher.
    pub(crate) forced: bool,
    /// The request's own Cache-Control, where it is honoured.
    pub(crate) wants: CacheControl,
}

/// A slice as the owner of its body needs to know it.
pub(crate) struct AskSlice {
    /// The head of the whole, by which the slice is known.
    pub(crate) whole: Arc<Object>,
    pub(crate) index: u64,
    /// Request line and fields for the origin, without the final empty line.
    pub(crate) head: Vec<u8>,
    pub(crate) reach: Reach,
}

/// What an owner says of a slice.
#[derive(Clone)]
pub(crate) enum Slice {
    /// Here it is, or here it comes.
    Here(Arc<Object>, Option<Arc<Chunk>>),
    /// The origin has another representation now.
    Changed,
    Refuse(Refusal),
}

/// How an answer came about; decides `Cache-Status` and what is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// Fresh in memory.
    Hit,
    /// Fresh on disk, and in memory from now on.
    DiskHit,
    /// Stale in memory, revalidation under way.
    Stale,
    /// Stale in memory, and the client said that this will do.
    StaleWanted,
    /// The origin failed; the stale one stands in.
    StaleOnError,
    /// This request led the fetch; the answer is kept.
    Miss,
    /// The same, of a name whose other variants are kept.
    MissVariant,
    /// This request led the fetch; the answer is for it alone.
    MissUnkept,
    /// Another request's fetch was joined.
    Joined,
    /// The origin confirmed what was stored.
    Revalidated,
    /// What was stored had changed.
    Replaced,
    /// The last two, of what was fresh: the client wanted it so.
    ConfirmedOnRequest,
    ReplacedOnRequest,
    /// Not looked up: method, or a key known not to be cacheable.
    PassMethod,
    PassKnown,
}

impl How {
    /// Our member of `Cache-Status` (RFC 9211).
    pub(crate) fn cache_status(self) -> &'static str {
        match self {
            How::Hit => "streamgate; hit",
            How::DiskHit => "streamgate; hit; detail=disk",
            How::Stale => "streamgate; hit; detail=stale-while-revalidate",
            How::StaleWanted => "streamgate; hit; detail=max-stale",
            How::StaleOnError => "streamgate; fwd=stale; detail=stale-if-error",
            How::Miss => "streamgate; fwd=miss; stored",
            How::MissVariant => "streamgate; fwd=vary-miss; stored",
            How::MissUnkept => "streamgate; fwd=miss",
            How::Joined => "streamgate; fwd=miss; collapsed",
            How::Revalidated => "streamgate; fwd=stale; fwd-status=304",
            How::Replaced => "streamgate; fwd=stale; stored",
            How::ConfirmedOnRequest => "streamgate; fwd=request; fwd-status=304",
            How::ReplacedOnRequest => "streamgate; fwd=request; stored",
            How::PassMethod => "streamgate; fwd=method",
            How::PassKnown => "streamgate; fwd=bypass",
        }
    }

    /// The word in the access log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            How::Hit => "hit",
            How::DiskHit => "disk-hit",
            How::Stale | How::StaleWanted => "stale",
            How::StaleOnError => "stale-on-error",
            How::Miss | How::MissVariant => "miss",
            How::MissUnkept => "miss-unkept",
            How::Joined => "joined",
            How::Revalidated | How::ConfirmedOnRequest => "revalidated",
            How::Replaced | How::ReplacedOnRequest => "replaced",
            How::PassMethod | How::PassKnown => "pass",
        }
    }
}

/// What an owner says.
pub(crate) enum Answer {
    /// Here it is, or here it comes: `first` is the head of its run while it fills.
    Object {
        object: Arc<Object>,
        first: Option<Arc<Chunk>>,
        /// The marker through which it was found, when it is one of several: a lease on it ends with that.
        marker: Option<Arc<Object>>,
        how: How,
    },
    /// It cannot be kept: ask the origin yourself.
    Pass,
    Refuse(Refusal),
}
