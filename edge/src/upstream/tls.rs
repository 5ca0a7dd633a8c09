//! TLS towards the origin: always verified, against the public roots or the configured ones; HTTP/1.1 by ALPN.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// TLS sessions a shard remembers, for a handshake of one round trip without certificates.
const SESSIONS_MAX: usize = 256;

/// Why TLS cannot be set up. Each is one clause for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of roots cannot be read.
    #[error("{0}")]
    File(#[from] rustls::pki_types::pem::Error),
    /// It contains none, or one that is no certificate.
    #[error("it contains no certificate that can be used")]
    Empty,
    /// The library refuses.
    #[error("{0}")]
    Refused(#[from] rustls::Error),
}

/// What every connection begins with: the public roots, or those in `ca_file` instead.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
    }
    if roots.is_empty() {
        return Err(TlsError::Empty);
    }
    // The provider is named here: a process-wide default would be somebody else's to set.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The same with a memory of sessions of its own: a shard shares no lock with another.
pub(crate) fn of_shard(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    Arc::new(config)
}
