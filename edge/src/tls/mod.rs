//! TLS towards clients: what the HTTPS listener shows them, and when it changes.
//!
//! - [`certificates`]: files to signing keys, and which one a client's name selects.
//! - [`tickets`]: keys that let a client go on with an earlier session, on any shard.
//! - [`reload`]: the thread that looks whether the files have changed.
//! - [`failure`]: why a handshake came to nothing.
//!
//! A shard has one `ServerConfig`, replaced as a whole by a message: no handshake takes a lock, and one under way ends with what it
//! began with.

pub(crate) mod certificates;
pub(crate) mod failure;
pub(crate) mod reload;
pub(crate) mod tickets;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ProducesTickets;

use crate::config::Https;
pub use certificates::CertificateError;

/// What every handshake begins with, from the files as they are now.
pub(crate) fn server(https: &Https, tickets: &Arc<dyn ProducesTickets>) -> Result<Arc<ServerConfig>, CertificateError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let certificates = certificates::load(&https.certificates, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(CertificateError::Refused)?.with_no_client_auth();
    let mut config = builder.with_cert_resolver(Arc::new(certificates));
    let spoken: [&[u8]; 2] = [b"h2", b"http/1.1"];
    config.alpn_protocols = spoken[usize::from(!https.http2)..].iter().map(|name| name.to_vec()).collect();
    // Sessions live in tickets alone: nothing is kept a client, and every shard can go on with any of them.
    config.ticketer = tickets.clone();
    Ok(Arc::new(config))
}
