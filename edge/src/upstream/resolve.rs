//! Names into addresses. It waits for the network: never on a shard's thread.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::config::Resolver;
use crate::source::Source;

/// Where `source` is now: one address at least.
pub(crate) fn resolve(resolver: &Resolver, source: &Source) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = (source.host.as_str(), source.port);
    let found: Vec<SocketAddr> = match resolver {
        Resolver::System => (host, port).to_socket_addrs()?.collect(),
        Resolver::Scripted(script) => script(host, port)?,
    };
    if found.is_empty() { Err(io::Error::other("it has no address")) } else { Ok(found) }
}
