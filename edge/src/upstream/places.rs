//! Everything an edge may ask, as configured and resolved: the same list for every shard, named by position.

use std::net::SocketAddr;

use rustls::pki_types::{InvalidDnsNameError, ServerName};

use crate::config::Upstream;
use crate::source::Source;

/// Whose part a place plays. In the order in which they are asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// Another edge of the tier.
    Peer,
    /// The parent of all edges.
    Shield,
    /// The origin itself.
    Origin,
}

impl Level {
    /// The word in metrics and on the admin page, and what another edge is told.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Level::Peer => "tier",
            Level::Shield => "shield",
            Level::Origin => "origin",
        }
    }
}

/// One place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) level: Level,
    pub(crate) source: Source,
    /// `host[:port]`: its name in the order, in metrics, and on the admin page.
    pub(crate) authority: String,
    /// Lines that a request to it begins with: `Host`, and who we are.
    pub(crate) lines: Box<[u8]>,
    /// What its certificate must name; `None`: no TLS.
    pub(crate) tls_name: Option<ServerName<'static>>,
    /// Where its name led at start.
    pub(crate) addrs: Vec<SocketAddr>,
}

impl Place {
    /// Whether it is asked in the same way; its addresses are looked after by the thread that resolves names.
    pub(super) fn is_same(&self, other: &Place) -> bool {
        self.level == other.level
            && self.source == other.source
            && self.lines == other.lines
            && self.tls_name == other.tls_name
    }
}

/// Every place of `upstream`, unresolved.
pub(crate) fn places(upstream: &Upstream) -> Result<Vec<Place>, InvalidDnsNameError> {
    let me = upstream.tier.as_ref().map(|tier| tier.me.authority());
    let peers = upstream.tier.iter().flat_map(|tier| &tier.peers).filter(|peer| Some(peer.authority()) != me);
    let peers = peers.map(|source| (Level::Peer, source));
    let shield = upstream.shield.iter().map(|source| (Level::Shield, source));
    let origins = upstream.origins.iter().map(|source| (Level::Origin, source));
    peers.chain(shield).chain(origins).map(|(level, source)| place(upstream, level, source)).collect()
}

fn place(upstream: &Upstream, level: Level, source: &Source) -> Result<Place, InvalidDnsNameError> {
    let authority = source.authority();
    let host = match (&upstream.host, level) {
        (Some(host), Level::Origin) => host,
        _ => &authority,
    };
    let mut lines = format!("Host: {host}\r\n");
    if let Some(key) = &upstream.edge_key {
        lines.push_str(&format!("StreamGate-Edge-Key: {key}\r\n"));
    }
    if level != Level::Origin {
        lines.push_str(&format!("StreamGate-Hop: {}\r\n", level.word()));
    }
    let tls_name = source.tls.then(|| ServerName::try_from(source.host.clone())).transpose()?;
    let lines = lines.into_bytes().into();
    Ok(Place { level, source: source.clone(), authority, lines, tls_name, addrs: Vec::new() })
}
