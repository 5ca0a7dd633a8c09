//! The HTTP client under S3: hyper, with TLS by the program's one provider. A request that gets no head in time, a server that
//! cannot be reached: named so that the library above knows what it may ask again.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::limits::{S3_ANSWER_MS, S3_CONNECT_MS, S3_IDLE_CONNECTIONS_MAX, S3_IDLE_MS};

/// Gives the library its client.
#[derive(Debug)]
pub(super) struct Hyper;

impl HttpConnector for Hyper {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has ciphers for both versions")
            .with_root_certificates(rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
            .with_no_client_auth();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(S3_IDLE_MS))
            .pool_max_idle_per_host(S3_IDLE_CONNECTIONS_MAX)
            .build(Dial { tls: TlsConnector::from(Arc::new(config)) });
        Ok(HttpClient::new(Asking { client }))
    }
}

#[derive(Debug)]
struct Asking {
    client: Client<Dial, HttpRequestBody>,
}

impl HttpService for Asking {
    fn call<'life0, 'async_trait>(
        &'life0 self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let asked = tokio::time::timeout(Duration::from_millis(S3_ANSWER_MS), self.client.request(request));
            let answer = match asked.await {
                Err(late) => return Err(HttpError::new(HttpErrorKind::Timeout, late)),
                Ok(Err(error)) if error.is_connect() => return Err(HttpError::new(HttpErrorKind::Connect, error)),
                Ok(Err(error)) => return Err(HttpError::new(HttpErrorKind::Interrupted, error)),
                Ok(Ok(answer)) => answer,
            };
            let cut = |error| HttpError::new(HttpErrorKind::Interrupted, error);
            Ok(answer.map(|body| HttpResponseBody::new(body.map_err(cut))))
        })
    }
}

/// Makes connections.
#[derive(Clone)]
struct Dial {
    tls: TlsConnector,
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dial")
    }
}

impl tower_service::Service<Uri> for Dial {
    type Response = Line;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Line>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let tls = self.tls.clone();
        Box::pin(async move {
            let within = Duration::from_millis(S3_CONNECT_MS);
            tokio::time::timeout(within, dial(tls, to)).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
        })
    }
}

async fn dial(tls: TlsConnector, to: Uri) -> io::Result<Line> {
    let no_address = || io::Error::from(io::ErrorKind::InvalidInput);
    let is_tls = to.scheme_str() == Some("https");
    let host = to.host().ok_or_else(no_address)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
    let stream = TcpStream::connect((host.as_str(), to.port_u16().unwrap_or(if is_tls { 443 } else { 80 }))).await?;
    let _ = stream.set_nodelay(true);
    if !is_tls {
        return Ok(Line(TokioIo::new(Box::new(stream))));
    }
    let name = ServerName::try_from(host).map_err(|_| no_address())?;
    Ok(Line(TokioIo::new(Box::new(tls.connect(name, stream).await?))))
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection, with TLS or without.
struct Line(TokioIo<Box<dyn Wire>>);

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
