//! connect: a name to addresses, all of them looked at, one of them connected to, TLS above it.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Reach;
use crate::limits::WEB_CONNECT;

/// Why a connection was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the address begins with neither http:// nor https://, or names no host")]
    BadAddress,
    #[error("the name {0} does not lead to an address")]
    Unresolved(String),
    #[error("{0} is not a public address")]
    Private(IpAddr),
    #[error("{0} cannot be connected to: {1}")]
    Refused(SocketAddr, String),
    #[error("no TLS with {0}: {1}")]
    Tls(String, String),
}

/// The roots that browsers trust.
pub(crate) fn public_roots() -> rustls::RootCertStore {
    rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// Makes connections for the client.
#[derive(Clone)]
pub(super) struct Connector {
    reach: Arc<Reach>,
    tls: TlsConnector,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Connector {
    pub(super) fn new(reach: Reach, roots: rustls::RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has ciphers for both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { reach: Arc::new(reach), tls: TlsConnector::from(Arc::new(config)) }
    }

    pub(super) async fn connect(self, to: Uri) -> Result<Line, ConnectError> {
        let tls = match to.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(ConnectError::BadAddress),
        };
        let host = to.host().ok_or(ConnectError::BadAddress)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let port = to.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let stream = self.reached(&host, port).await?;
        let _ = stream.set_nodelay(true);
        if !tls {
            return Ok(Line::Plain(TokioIo::new(stream)));
        }
        let name = ServerName::try_from(host.clone()).map_err(|_| ConnectError::BadAddress)?;
        let stream = self.tls.connect(name, stream).await.map_err(|e| ConnectError::Tls(host, e.to_string()))?;
        Ok(Line::Tls(Box::new(TokioIo::new(stream))))
    }

    async fn reached(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let found = tokio::net::lookup_host((host, port)).await;
        let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
        // One address inside among public ones is reason enough: it is there to be reached at the second try.
        if let Some(inside) = found.iter().find(|addr| !self.reach.allows(addr.ip())) {
            return Err(ConnectError::Private(inside.ip()));
        }
        let mut last = ConnectError::Unresolved(host.to_owned());
        for addr in found {
            match tokio::time::timeout(WEB_CONNECT, TcpStream::connect(addr)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = ConnectError::Refused(addr, error.to_string()),
                Err(_) => last = ConnectError::Refused(addr, "no answer".into()),
            }
        }
        Err(last)
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Line;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        Box::pin(self.clone().connect(to))
    }
}

/// A connection, with TLS or without.
pub(crate) enum Line {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(line) => Pin::new(line).poll_read(cx, buf),
            Self::Tls(line) => Pin::new(line).poll_read(cx, buf),
        }
    }
}

impl Write for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(line) => Pin::new(line).poll_write(cx, buf),
            Self::Tls(line) => Pin::new(line).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(line) => Pin::new(line).poll_flush(cx),
            Self::Tls(line) => Pin::new(line).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(line) => Pin::new(line).poll_shutdown(cx),
            Self::Tls(line) => Pin::new(line).poll_shutdown(cx),
        }
    }
}
