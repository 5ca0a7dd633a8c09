//! Promised: an https origin is verified by name and root, spoken HTTP/1.1 to, and is otherwise like any other; one whose certificate does
//! not hold is a named 502, and another origin is asked instead.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Client, Origin, bytes, counter, source, until};
use edge::{Config, Edge, Source, Upstream};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An authority, and the file an edge knows it by.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("roots.pem");
        std::fs::write(&file, certificate.pem()).expect("it is written");
        Authority { issuer: rcgen::Issuer::new(params, key), file, _folder: folder }
    }

    fn certify(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.der().clone(), PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
    }
}

/// SNI and ALPN.
type Shaken = (Option<String>, Option<Vec<u8>>);

/// An origin that answers every request over TLS with `body`, or with what it was sent.
struct Secure {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// SNI and ALPN of the last handshake.
    shaken: Arc<Mutex<Shaken>>,
}

impl Secure {
    fn start(by: &Authority, name: &str, body: Vec<u8>) -> Secure {
        let (certificate, key) = by.certify(name);
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
        let mut config = builder.with_single_cert(vec![certificate], key).expect("a certificate and its key");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (config, body) = (Arc::new(config), Arc::new(body));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let (connections, shaken) = (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<_>>::default());
        let (count, seen) = (connections.clone(), shaken.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (config, body, seen) = (config.clone(), body.clone(), seen.clone());
                std::thread::spawn(move || serve(stream, config, &body, &seen));
            }
        });
        Secure { addr, connections, shaken }
    }
}

/// Serves until the edge goes; an edge that does not like the certificate goes at once.
fn serve(stream: TcpStream, config: Arc<ServerConfig>, body: &[u8], seen: &Mutex<Shaken>) {
    let mut tls = StreamOwned::new(ServerConnection::new(config).expect("a connection"), stream);
    let mut input = Vec::new();
    let mut buffer = [0u8; 16 * 1024];
    loop {
        match tls.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => input.extend_from_slice(&buffer[..n]),
        }
        let facts = (tls.conn.server_name().map(str::to_owned), tls.conn.alpn_protocol().map(<[u8]>::to_vec));
        *seen.lock().expect("not poisoned") = facts;
        let Some(at) = input.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&input[..at]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let end = at + 4 + length.unwrap_or(0);
        if input.len() < end {
            continue;
        }
        let sent: Vec<u8> = input.drain(..end).skip(at + 4).collect();
        let body = if length.is_some() { sent.as_slice() } else { body };
        let head = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n", body.len());
        if tls.write_all(&[head.as_bytes(), body].concat()).is_err() || tls.flush().is_err() {
            return;
        }
    }
}

fn https(addr: SocketAddr) -> Source {
    Source::parse(&format!("https://{addr}")).expect("an address is a source")
}

fn edge(origins: Vec<Source>, roots: Option<&Authority>, change: impl FnOnce(&mut Config)) -> Edge {
    let ca_file = roots.map(|roots| roots.file.clone());
    let mut config = Config::new(Upstream { origins, ca_file, ..Upstream::default() });
    config.shards = 1;
    config.pin = false;
    config.ram_bytes = 64 * 1024 * 1024;
    change(&mut config);
    edge::start(config).expect("the edge starts")
}

#[test]
fn bodies_of_all_sizes_come_through_and_connections_are_kept() {
    let by = Authority::new();
    for size in [0, 1, 16_384, 16_385, 3_000_000] {
        let body = bytes(size);
        let origin = Secure::start(&by, "127.0.0.1", body.clone());
        let edge = edge(vec![https(origin.addr)], Some(&by), |_| {});
        let mut client = Client::connect(&edge);
        for target in ["/a", "/b", "/c"] {
            let got = client.get(target, "");
            assert!(got.status == 200 && got.body == body, "{size}: {}", got.head);
        }
        assert_eq!(client.get("/a", "").cache(), "streamgate; hit");
        assert_eq!(origin.connections.load(Ordering::SeqCst), 1);
        let shaken = origin.shaken.lock().expect("not poisoned").clone();
        assert_eq!(shaken.1.as_deref(), Some(&b"http/1.1"[..]));
    }
}

#[test]
fn a_body_goes_up_and_short_receives_and_sends_do_not_matter() {
    let by = Authority::new();
    let origin = Secure::start(&by, "127.0.0.1", bytes(50_000));
    let edge = edge(vec![https(origin.addr)], Some(&by), |config| {
        config.faults = edge::Faults { recv_bytes_max: Some(97), send_bytes_max: Some(61), ..edge::Faults::default() };
    });
    let mut client = Client::connect(&edge);
    assert!(client.get("/a", "").body == bytes(50_000));
    let sent = bytes(200_000);
    client.send(format!("POST /b HTTP/1.1\r\nHost: e\r\nContent-Length: {}\r\n\r\n", sent.len())).send(&sent);
    let got = client.answer();
    assert!(got.status == 200 && got.body == sent, "{}", got.head);
}

#[test]
fn the_name_is_told_and_must_be_in_the_certificate() {
    let by = Authority::new();
    let origin = Secure::start(&by, "origin.example", b"here".to_vec());
    let at = origin.addr;
    let resolved = move |config: &mut Config| {
        config.upstream.resolver = edge::Resolver::Scripted(Arc::new(move |_, _| Ok(vec![at])));
    };
    let named = |name: &str| Source::parse(&format!("https://{name}")).expect("a URL");
    let right = edge(vec![named("origin.example")], Some(&by), resolved);
    assert_eq!(Client::connect(&right).get("/a", "").text(), "here");
    let shaken = origin.shaken.lock().expect("not poisoned").clone();
    assert_eq!(shaken.0.as_deref(), Some("origin.example"));
    let wrong = edge(vec![named("other.example")], Some(&by), resolved);
    let got = Client::connect(&wrong).get("/a", "");
    assert_eq!((got.status, got.refusal()), (502, "origin-tls"));
}

#[test]
fn a_certificate_of_somebody_else_is_refused() {
    let (by, other) = (Authority::new(), Authority::new());
    let origin = Secure::start(&by, "127.0.0.1", b"here".to_vec());
    for roots in [Some(&other), None] {
        let edge = edge(vec![https(origin.addr)], roots, |_| {});
        let got = Client::connect(&edge).get("/a", "");
        assert_eq!((got.status, got.refusal()), (502, "origin-tls"));
    }
}

#[test]
fn an_origin_that_speaks_no_tls_is_refused_and_another_one_asked() {
    let by = Authority::new();
    // What it sends is no record, however it begins.
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = plain.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let well = Secure::start(&by, "127.0.0.1", b"well".to_vec());
    let edge = edge(vec![https(at), https(well.addr)], Some(&by), |_| {});
    let mut client = Client::connect(&edge);
    for i in 0..20 {
        assert_eq!(client.get(&format!("/{i}"), "").text(), "well");
    }
    assert!(counter(&edge, "origin_retries_total") >= 5);
}

#[test]
fn probes_go_over_tls_too() {
    let by = Authority::new();
    let origin = Secure::start(&by, "127.0.0.1", b"here".to_vec());
    let plain = Origin::start();
    let edge = edge(vec![https(origin.addr), https(refusing()), source(plain.addr)], Some(&by), |config| {
        config.upstream.health.path = Some("/up".to_owned());
        config.upstream.health.interval = std::time::Duration::from_millis(20);
    });
    until("the one that refuses is found", || edge.origins()[1]["healthy"] == false);
    assert_eq!(edge.origins()[0]["healthy"], true);
    assert!(origin.connections.load(Ordering::SeqCst) > 0);
    assert_eq!(counter(&edge, "origin_connects_total"), 0, "all by probes");
}

fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound")
}

#[test]
fn roots_that_cannot_be_read_are_told_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("it is written");
    for file in [empty, folder.path().join("absent.pem")] {
        let mut config = Config::new(Upstream { ca_file: Some(file), ..Upstream::new(source(refusing())) });
        config.shards = 1;
        let Err(error) = edge::start(config) else { panic!("it started") };
        assert!(error.to_string().contains("cannot use the certificates in"), "{error}");
    }
}
