//! How an edge asks its origin beside what its shards fetch: for events (`feed.rs`) and about streams (`streams.rs`).

use anyhow::{Context, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Whose requests take `wait` at most. An origin over TLS is verified as shards verify it: against the certificates in `ca_file`, or the
/// public roots.
pub fn new(ca_file: Option<&Path>, wait: Duration) -> Result<ureq::Agent> {
    let roots = ca_file.map_or(Ok(RootCerts::WebPki), roots)?;
    // The program's one provider, by name: a process-wide default would be somebody else's to set.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(wait));
    Ok(config.tls_config(tls).build().into())
}

fn roots(file: &Path) -> Result<RootCerts> {
    let failed = || format!("cannot read the certificates in {}", file.display());
    let pem = std::fs::read(file).with_context(failed)?;
    let mut roots = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.with_context(failed)? {
            roots.push(certificate);
        }
    }
    Ok(RootCerts::Specific(Arc::new(roots)))
}
