//! Promised of requests that we make: the time and the bytes are bounded, a redirect is an answer like any other, TLS is
//! verified, and an address inside is not connected to, however it is written.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const BOUNDS: Bounds = Bounds { within: Duration::from_secs(20), body_bytes_max: 1000 };

/// Answers `text` to whatever comes, for ever; then keeps the connection open.
async fn says(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, text));
        }
    });
    addr
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) {
    let mut piece = [0; 4096];
    while matches!(stream.read(&mut piece).await, Ok(1..)) {
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn ask(web: &Web, url: &str, bounds: Bounds) -> Result<(u16, Bytes), String> {
    let request = Request::post(url).body(Full::new(Bytes::from_static(b"{}"))).unwrap();
    let answer = web.ask(request, bounds).await.map_err(|error| error.to_string())?;
    Ok((answer.status().as_u16(), answer.into_body()))
}

fn anywhere() -> Web {
    Web::new(Reach::Anywhere, public_roots())
}

#[tokio::test]
async fn an_answer_comes_whole_and_a_redirect_is_not_followed() {
    let inside = says("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ninside").await;
    let text = format!("HTTP/1.1 307 Go\r\nlocation: http://{inside}/\r\ncontent-length: 2\r\n\r\nno");
    let to = says(text.leak()).await;
    assert_eq!(ask(&anywhere(), &format!("http://{to}/x"), BOUNDS).await, Ok((307, Bytes::from_static(b"no"))));
}

#[tokio::test]
async fn time_and_bytes_are_bounded() {
    let silent = says("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nin").await;
    let bounds = Bounds { within: Duration::from_millis(50), ..BOUNDS };
    let said = ask(&anywhere(), &format!("http://{silent}/"), bounds).await.unwrap_err();
    assert!(said.contains("no whole answer"), "{said}");
    let large = says("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await;
    let said = ask(&anywhere(), &format!("http://{large}/"), BOUNDS).await.unwrap_err();
    assert!(said.contains("above 1000 bytes"), "{said}");
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(8 * WEB_HEAD_BYTES_MAX));
    let endless = says(head.leak()).await;
    assert!(ask(&anywhere(), &format!("http://{endless}/"), BOUNDS).await.is_err());
}

#[tokio::test]
async fn an_address_inside_is_not_connected_to() {
    let web = Web::new(Reach::Public(Vec::new()), public_roots());
    let port = says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.port();
    for host in
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "0x7f000001"]
    {
        let said = ask(&web, &format!("http://{host}:{port}/"), BOUNDS).await.unwrap_err();
        assert!(said.contains("is not a public address"), "{host}: {said}");
    }
    let besides = Web::new(Reach::Public(vec!["127.0.0.0/8".parse().unwrap()]), public_roots());
    assert_eq!(ask(&besides, &format!("http://127.0.0.1:{port}/"), BOUNDS).await, Ok((200, Bytes::new())));
}

#[tokio::test]
async fn tls_is_verified() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(talk(stream, "HTTP/1.1 204 No\r\n\r\n"));
            }
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let trusting = Web::new(Reach::Anywhere, roots);
    assert_eq!(ask(&trusting, &format!("https://localhost:{port}/"), BOUNDS).await, Ok((204, Bytes::new())));
    let said = ask(&trusting, &format!("https://127.0.0.1:{port}/"), BOUNDS).await.unwrap_err();
    assert!(said.contains("no TLS"), "another name: {said}");
    let said = ask(&anywhere(), &format!("https://localhost:{port}/"), BOUNDS).await.unwrap_err();
    assert!(said.contains("no TLS"), "an unknown root: {said}");
}
