//! Certificates: read from files, checked, and selected by the name a client asks for (SNI, RFC 6066 section 3).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use crate::config::Certificate;

/// Why certificates cannot be used. Each is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// There is no certificate.
    #[error("HTTPS needs a certificate: name one with edge.tls_certificates")]
    None,
    /// A file cannot be read.
    #[error("cannot read {0}: {1}; name files in edge.tls_certificates that this program may read")]
    File(PathBuf, std::io::Error),
    /// A file is not what it should be.
    #[error("{0} contains no {1} in PEM form")]
    Empty(PathBuf, &'static str),
    /// A certificate or key that is none.
    #[error("cannot use {0}: {1}")]
    Bad(PathBuf, String),
    /// The pair is none.
    #[error("the key in {key} does not belong to the first certificate in {cert}")]
    Pair {
        /// The chain's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A secret for tickets that is too short to be one.
    #[error("{0} is too short for a secret: 32 bytes at least, such as `openssl rand -hex 32` writes")]
    Secret(PathBuf),
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Refused(rustls::Error),
    /// The edge is shutting down.
    #[error("the edge is shutting down")]
    Ended,
}

/// All certificates, by name.
#[derive(Debug)]
pub(super) struct Certificates {
    first: Arc<CertifiedKey>,
    /// By name in lower case; a wildcard as what follows its first dot.
    names: HashMap<String, Arc<CertifiedKey>>,
    wildcards: HashMap<String, Arc<CertifiedKey>>,
}

/// Reads all pairs. A name in two of them belongs to the one named first.
pub(super) fn load(pairs: &[Certificate], provider: &CryptoProvider) -> Result<Certificates, CertificateError> {
    let (mut names, mut wildcards) = (HashMap::new(), HashMap::new());
    let mut first = None;
    for pair in pairs {
        let key = Arc::new(read(pair, provider)?);
        let end = EndEntityCert::try_from(&key.cert[0]);
        let end = end.map_err(|e| CertificateError::Bad(pair.cert.clone(), e.to_string()))?;
        for name in end.valid_dns_names() {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix("*.") {
                Some(rest) => wildcards.entry(rest.to_owned()).or_insert_with(|| key.clone()),
                None => names.entry(name).or_insert_with(|| key.clone()),
            };
        }
        first.get_or_insert(key);
    }
    Ok(Certificates { first: first.ok_or(CertificateError::None)?, names, wildcards })
}

impl Certificates {
    /// The certificate of `name`; of one that no certificate has, or of none, the first. The client judges it.
    fn of(&self, name: Option<&str>) -> &Arc<CertifiedKey> {
        let Some(name) = name.map(str::to_ascii_lowercase) else { return &self.first };
        let wildcard = || name.split_once('.').and_then(|(_, rest)| self.wildcards.get(rest));
        self.names.get(&name).or_else(wildcard).unwrap_or(&self.first)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.of(hello.server_name()).clone())
    }
}

fn read(pair: &Certificate, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
    let chain = CertificateDer::pem_file_iter(&pair.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|e| unread(&pair.cert, "certificate", e))?;
    if chain.is_empty() {
        return Err(CertificateError::Empty(pair.cert.clone(), "certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&pair.key).map_err(|e| unread(&pair.key, "private key", e))?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|e| CertificateError::Bad(pair.key.clone(), e.to_string()))?;
    let mut certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(CertificateError::Pair { cert: pair.cert.clone(), key: pair.key.clone() });
        }
        Err(e) => return Err(CertificateError::Bad(pair.cert.clone(), e.to_string())),
    }
    if let Some(path) = &pair.ocsp {
        certified.ocsp = Some(std::fs::read(path).map_err(|e| CertificateError::File(path.clone(), e))?);
    }
    Ok(certified)
}

fn unread(path: &Path, what: &'static str, error: PemError) -> CertificateError {
    match error {
        PemError::Io(e) => CertificateError::File(path.to_owned(), e),
        PemError::NoItemsFound => CertificateError::Empty(path.to_owned(), what),
        e => CertificateError::Bad(path.to_owned(), e.to_string()),
    }
}
