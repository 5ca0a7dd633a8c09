//! Promised: what is served over HTTP is served over TLS 1.3 and 1.2 the same; a client's name selects its certificate; new certificates are
//! shown without a failed handshake; a session goes on at any shard and after a restart; and a handshake that fails is counted by name.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Answer, Client, Origin, SOON, bytes, counter, edge, until};
use edge::{Certificate, CertificateError, Config, Edge, Https};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, RootCertStore, SignatureScheme};
use rustls::{StreamOwned, SupportedProtocolVersion};

/// An authority, and a folder for the pairs it makes.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    root: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("a certificate").der().clone();
        let folder = tempfile::tempdir().expect("a folder");
        Authority { issuer: rcgen::Issuer::new(params, key), root, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `NAME.crt` and `NAME.key` for a host; each call makes another pair.
    fn pair(&self, name: &str, host: &str) -> Certificate {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![host.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let pair =
            Certificate { cert: self.file(&format!("{name}.crt")), key: self.file(&format!("{name}.key")), ocsp: None };
        std::fs::write(&pair.cert, certificate.pem()).expect("it is written");
        std::fs::write(&pair.key, key.serialize_pem()).expect("it is written");
        pair
    }

    fn https(&self) -> Https {
        let Certificate { cert, key, .. } = self.pair("first", "edge.example");
        Https::new(SocketAddr::from(([127, 0, 0, 1], 0)), cert, key)
    }

    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(versions).expect("versions");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// A client's TLS connection.
pub struct Secure {
    stream: StreamOwned<ClientConnection, TcpStream>,
    input: Vec<u8>,
}

impl Secure {
    pub fn connect(edge: &Edge, config: &Arc<ClientConfig>, name: &str) -> Secure {
        Secure::try_connect(edge, config, name).expect("a handshake")
    }

    fn try_connect(edge: &Edge, config: &Arc<ClientConfig>, name: &str) -> std::io::Result<Secure> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let conn = ClientConnection::new(config.clone(), name).expect("a connection");
        let tcp = TcpStream::connect(edge.https_addr().expect("HTTPS"))?;
        tcp.set_read_timeout(Some(SOON))?;
        tcp.set_nodelay(true)?;
        let mut stream = StreamOwned::new(conn, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Secure { stream, input: Vec::new() })
    }

    pub fn ask(&mut self, target: &str, fields: &str) -> &mut Secure {
        let fields = crate::support::lines(fields);
        write!(self.stream, "GET {target} HTTP/1.1\r\nHost: edge\r\n{fields}\r\n").expect("the edge reads");
        self
    }

    fn get(&mut self, target: &str, fields: &str) -> Answer {
        self.ask(target, fields).answer()
    }

    fn more(&mut self) {
        let mut buffer = [0; 64 * 1024];
        let count = self.stream.read(&mut buffer).expect("more");
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&self.input));
        self.input.extend_from_slice(&buffer[..count]);
    }

    pub fn answer(&mut self) -> Answer {
        let len = loop {
            match self.input.windows(4).position(|w| w == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more(),
            }
        };
        let head = String::from_utf8(self.input.drain(..len).collect()).expect("ASCII");
        let mut answer = Answer { status: head[9..12].parse().expect("a status"), head, body: Vec::new() };
        let length: usize = answer.field("content-length").map_or(0, |v| v.parse().expect("a length"));
        while self.input.len() < length {
            self.more();
        }
        answer.body = self.input.drain(..length).collect();
        answer
    }

    /// The edge ends the connection as TLS says: a cut would be an error.
    pub fn expect_closed(&mut self) {
        assert_eq!(self.stream.read(&mut [0; 1]).expect("close_notify"), 0);
    }

    fn shown(&self) -> CertificateDer<'static> {
        self.stream.conn.peer_certificates().expect("a certificate")[0].clone().into_owned()
    }

    fn is_resumed(&self) -> bool {
        self.stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

const BOTH: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;
pub const ONE_BY_ONE: [&[&SupportedProtocolVersion]; 2] = [&[&rustls::version::TLS13], &[&rustls::version::TLS12]];

pub fn secure(origin: &Origin, by: &Authority, change: impl FnOnce(&mut Config)) -> Edge {
    edge(origin, |config| {
        config.https = Some(by.https());
        change(config);
    })
}

fn failures(edge: &Edge, reason: &str) -> u64 {
    let (prefix, reason) = ("streamgate_edge_tls_failures_total{", format!("reason=\"{reason}\"}} "));
    let metrics = edge.metrics();
    let lines = metrics.lines().filter(|line| line.starts_with(prefix));
    lines.filter_map(|line| line.split_once(&reason)?.1.parse::<u64>().ok()).sum()
}

#[test]
fn misses_hits_ranges_and_large_bodies_come_over_both_versions() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |_| {});
    let large = bytes(3_000_000);
    for (i, versions) in ONE_BY_ONE.into_iter().enumerate() {
        let mut client = Secure::connect(&edge, &by.client(versions), "edge.example");
        assert_eq!(client.stream.conn.protocol_version(), Some(versions[0].version));
        assert_eq!(client.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        for (path, body) in [("small", &b"small"[..]), ("large", &large[..])] {
            let path = format!("/{path}{i}");
            client.ask(&path, "");
            origin.next().answer("200 OK", "Cache-Control: max-age=60", body);
            assert!(client.answer().body == body);
            let again = client.get(&path, "");
            assert!(again.body == body && again.cache() == "streamgate; hit", "{}", again.head);
        }
        let part = client.get(&format!("/large{i}"), "Range: bytes=1000000-1999999");
        assert!(part.status == 206 && part.body == large[1_000_000..2_000_000]);
        // Answers to questions asked at once, in their order, and then a close in good order.
        client
            .ask(&format!("/small{i}"), "")
            .ask(&format!("/large{i}"), "")
            .ask(&format!("/small{i}"), "Connection: close");
        assert_eq!(client.answer().text(), "small");
        assert!(client.answer().body == large);
        assert_eq!(client.answer().text(), "small");
        client.expect_closed();
    }
    assert_eq!(counter(&edge, "tls_handshakes_total"), 2);
    assert_eq!(Client::connect(&edge).get("/small0", "").text(), "small", "HTTP is served beside it");
}

/// RFC 6797 section 7.2: over TLS with every answer, in the clear with none.
#[test]
fn browsers_are_told_to_keep_to_tls_where_they_came_by_it() {
    let by = Authority::new();
    let origin = Origin::start();
    let wanted = "max-age=31536000; includeSubDomains";
    let edge = secure(&origin, &by, |config| config.https.as_mut().expect("HTTPS").hsts = Some(wanted.into()));
    let mut client = Secure::connect(&edge, &by.client(BOTH), "edge.example");
    client.ask("/kept", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"kept");
    let field = "strict-transport-security";
    assert_eq!(client.answer().field(field), Some(wanted), "a miss");
    assert_eq!(client.get("/kept", "").field(field), Some(wanted), "a hit");
    assert_eq!(client.get("/kept", "Range: bytes=9-").field(field), Some(wanted), "416");
    assert_eq!(client.get("/p/x/../kept", "").field(field), Some(wanted), "a refusal");
    let mut clear = Client::connect(&edge);
    assert_eq!(clear.get("/kept", "").field(field), None, "in the clear");
    let silent = secure(&origin, &by, |_| {});
    let mut client = Secure::connect(&silent, &by.client(BOTH), "edge.example");
    assert_eq!(client.get("/p/x/../kept", "").field(field), None, "it was not asked for");
}

#[test]
fn short_receives_and_sends_do_not_matter() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| {
        config.faults = edge::Faults { recv_bytes_max: Some(97), send_bytes_max: Some(61), ..edge::Faults::default() };
    });
    let body = bytes(100_000);
    for (i, versions) in ONE_BY_ONE.into_iter().enumerate() {
        let mut client = Secure::connect(&edge, &by.client(versions), "edge.example");
        client.ask(&format!("/{i}"), "");
        origin.next().answer("200 OK", "Cache-Control: max-age=60", &body);
        assert!(client.answer().body == body);
        write!(client.stream, "POST /b HTTP/1.1\r\nHost: e\r\nContent-Length: {}\r\n\r\n", body.len()).expect("sent");
        client.stream.write_all(&body).expect("sent");
        let exchange = origin.expect("POST /b");
        assert!(exchange.body == body);
        exchange.answer("200 OK", "", b"done");
        assert_eq!(client.answer().text(), "done");
    }
}

#[test]
fn a_name_selects_its_certificate_and_any_other_gets_the_first() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| {
        let more = [by.pair("second", "second.example"), by.pair("wild", "*.wild.example")];
        config.https.as_mut().expect("set").certificates.extend(more);
    });
    let config = by.client(BOTH);
    for name in ["edge.example", "second.example", "SECOND.example", "a.wild.example", "b.wild.example"] {
        Secure::connect(&edge, &config, name);
    }
    for name in ["other.example", "wild.example", "a.b.wild.example"] {
        assert!(Secure::try_connect(&edge, &config, name).is_err(), "{name} was given a certificate of that name");
    }
    until("the clients' refusals are counted", || failures(&edge, "refused-by-client") == 3);
    assert_eq!(counter(&edge, "tls_handshakes_total"), 5);
}

#[test]
fn a_request_in_the_clear_and_a_client_that_goes_are_counted_and_closed() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |_| {});
    let addr = edge.https_addr().expect("HTTPS");
    let mut client = Client::to(addr);
    client.send("GET / HTTP/1.1\r\nHost: edge\r\n\r\n");
    // An alert, and an end that is no reset.
    let mut said = Vec::new();
    client.stream.read_to_end(&mut said).expect("an end in good order");
    assert_eq!(said.first(), Some(&21));
    drop(TcpStream::connect(addr).expect("it accepts"));
    until("both are counted", || failures(&edge, "not-tls") == 1 && failures(&edge, "closed") == 1);
    let mut strange = (*by.client(BOTH)).clone();
    strange.alpn_protocols = vec![b"gopher".to_vec()];
    assert!(Secure::try_connect(&edge, &Arc::new(strange), "edge.example").is_err());
    until("it is counted", || failures(&edge, "protocol") == 1);
    until("they are closed", || counter(&edge, "connections") == 0);
    assert_eq!(counter(&edge, "requests_total"), 0);
}

#[test]
fn a_handshake_without_end_is_cut_by_the_limit_of_heads() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| config.limits.header = Duration::from_millis(300));
    let mut client = Client::to(edge.https_addr().expect("HTTPS"));
    // The head of a record that does not come.
    client.send([22, 3, 1, 2, 0, 1]);
    client.expect_closed();
    until("it is counted", || failures(&edge, "timeout") == 1);
}

#[test]
fn handshakes_count_against_the_connections() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| config.limits.connections_max = 1);
    let _first = Client::to(edge.https_addr().expect("HTTPS"));
    until("it is there", || counter(&edge, "connections") == 1);
    assert!(Secure::try_connect(&edge, &by.client(BOTH), "edge.example").is_err());
    assert!(edge.metrics().contains("reason=\"connections-full\"} 1"));
}

#[test]
fn a_drain_lets_an_answer_end_and_does_not_wait_for_handshakes() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |_| {});
    let addr = edge.https_addr().expect("HTTPS");
    let mut silent = Client::to(addr);
    let mut busy = Secure::connect(&edge, &by.client(BOTH), "edge.example");
    busy.ask("/a", "");
    let exchange = origin.next();
    until("both are there", || counter(&edge, "connections") == 2);
    let draining = std::thread::spawn(move || edge.drain(SOON));
    silent.expect_closed();
    until("the port closes", || TcpStream::connect(addr).is_err());
    exchange.answer("200 OK", "Cache-Control: max-age=60", bytes(300_000));
    assert!(busy.answer().body == bytes(300_000));
    busy.expect_closed();
    assert!(draining.join().expect("no panic").in_time);
}

#[test]
fn a_session_goes_on_at_every_shard() {
    let by = Authority::new();
    let origin = Origin::start();
    for versions in ONE_BY_ONE {
        let edge = secure(&origin, &by, |config| config.shards = 2);
        let config = by.client(versions);
        let page = |client: &mut Secure| client.get("/none", "Cache-Control: only-if-cached").status;
        let mut first = Secure::connect(&edge, &config, "edge.example");
        assert!(!first.is_resumed());
        // Tickets come with the first answer.
        assert_eq!(page(&mut first), 504);
        let on_both = || {
            let prefix = "streamgate_edge_tls_resumed_total{";
            let metrics = edge.metrics();
            let lines = metrics.lines().filter(|line| line.starts_with(prefix));
            lines.filter(|line| !line.ends_with(" 0")).count() == 2
        };
        until("both shards have resumed", || {
            let mut next = Secure::connect(&edge, &config, "edge.example");
            assert!(next.is_resumed());
            page(&mut next) == 504 && on_both()
        });
        assert_eq!(counter(&edge, "tls_resumed_total") + 1, counter(&edge, "tls_handshakes_total"));
    }
}

#[test]
fn a_session_goes_on_after_a_restart_when_the_secret_is_kept() {
    let by = Authority::new();
    let origin = Origin::start();
    let secret = by.file("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").expect("it is written");
    let https = by.https();
    for (kept, resumed) in [(Some(secret), true), (None, false)] {
        let config = by.client(BOTH);
        for round in 0..2 {
            let edge = edge(&origin, |config| {
                config.https = Some(Https { ticket_secret: kept.clone(), ..https.clone() });
            });
            let mut client = Secure::connect(&edge, &config, "edge.example");
            assert_eq!(client.is_resumed(), round == 1 && resumed);
            assert_eq!(client.get("/none", "Cache-Control: only-if-cached").status, 504);
        }
    }
}

#[test]
fn a_secret_is_changed_without_a_lost_session() {
    let by = Authority::new();
    let origin = Origin::start();
    let (secret, one, two) = (by.file("secret"), "1".repeat(32), "2".repeat(32));
    std::fs::write(&secret, &one).expect("it is written");
    let edge = secure(&origin, &by, |config| config.https.as_mut().expect("set").ticket_secret = Some(secret.clone()));
    let config = by.client(BOTH);
    let connect = || {
        let mut client = Secure::connect(&edge, &config, "edge.example");
        assert_eq!(client.get("/none", "Cache-Control: only-if-cached").status, 504);
        client.is_resumed()
    };
    assert!(!connect());
    for (lines, resumed) in [(format!("{one}\n{two}"), true), (format!("{two}\n{one}\n"), true), (one, false)] {
        std::fs::write(&secret, &lines).expect("it is written");
        edge.reload_certificates().expect("it is read");
        // A client shows its newest ticket: in the end one of a secret that is gone.
        assert_eq!(connect(), resumed, "{lines}");
    }
}

#[test]
fn twenty_reloads_under_load_fail_no_handshake() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| config.shards = 2);
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let old = Secure::connect(&edge, &by.client(BOTH), "edge.example");
    std::thread::scope(|scope| {
        for versions in [ONE_BY_ONE[0], ONE_BY_ONE[1], BOTH] {
            let (edge, stop, done, by) = (&edge, &stop, &done, &by);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let mut client = Secure::connect(edge, &by.client(versions), "edge.example");
                    assert_eq!(client.get("/none", "Cache-Control: only-if-cached").status, 504);
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..20 {
            let before = done.load(Ordering::SeqCst);
            by.pair("first", "edge.example");
            let reloaded = edge.reload_certificates();
            until("handshakes go on", || done.load(Ordering::SeqCst) > before + 3);
            if reloaded.is_err() {
                stop.store(true, Ordering::SeqCst);
            }
            reloaded.expect("the pair is used");
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert_ne!(Secure::connect(&edge, &by.client(BOTH), "edge.example").shown(), old.shown());
    assert_eq!(counter(&edge, "tls_reloads_total"), 40);
    assert!(edge.metrics().lines().all(|line| !line.contains("tls_failures_total{") || line.ends_with(" 0")));
}

#[test]
fn changed_files_are_found_and_bad_ones_change_nothing() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| {
        config.https.as_mut().expect("set").look_every = Duration::from_millis(20);
    });
    let shown = || Secure::connect(&edge, &by.client(BOTH), "edge.example").shown();
    let first = shown();
    std::fs::write(by.file("first.crt"), "nonsense").expect("it is written");
    until("it is looked at", || counter(&edge, "tls_reloads_failed_total") > 0);
    assert_eq!(shown(), first);
    assert!(matches!(edge.reload_certificates(), Err(CertificateError::Empty(..))));
    by.pair("first", "edge.example");
    until("the new one is shown", || shown() != first);
}

#[test]
fn the_first_records_are_small_and_later_ones_full() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |_| {});
    for versions in ONE_BY_ONE {
        let mut client = Secure::connect(&edge, &by.client(versions), "edge.example");
        client.ask("/a", "Connection: close");
        if versions == ONE_BY_ONE[0] {
            origin.next().answer("200 OK", "Cache-Control: max-age=60", bytes(400_000));
        }
        // The records as they are on the wire, beside the client's own TLS.
        let mut wire = Vec::new();
        client.stream.sock.read_to_end(&mut wire).expect("an end in good order");
        let mut sizes = Vec::new();
        let mut rest = wire.as_slice();
        while let [kind, _, _, high, low, more @ ..] = rest {
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            if *kind == 23 {
                sizes.push(size);
            }
            rest = &more[size..];
        }
        let small = sizes.iter().take_while(|size| **size <= 1_400).count();
        assert!((48..60).contains(&small), "{sizes:?}");
        assert!(sizes[small..].iter().filter(|size| **size > 16_384).count() >= 15, "{sizes:?}");
    }
}

/// Believes everyone, and remembers what was stapled.
#[derive(Debug, Default)]
struct Stapled(Mutex<Vec<u8>>);

impl ServerCertVerifier for Stapled {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        stapled: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().expect("not poisoned") = stapled.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn an_ocsp_response_is_stapled_and_a_new_one_after_it() {
    let by = Authority::new();
    let origin = Origin::start();
    let response = by.file("first.ocsp");
    std::fs::write(&response, "one").expect("it is written");
    let edge = secure(&origin, &by, |config| {
        config.https.as_mut().expect("set").certificates[0].ocsp = Some(response.clone());
    });
    for versions in ONE_BY_ONE {
        let seen = Arc::new(Stapled::default());
        let mut config = (*by.client(versions)).clone();
        config.dangerous().set_certificate_verifier(seen.clone());
        // A session that goes on shows no certificate.
        config.resumption = Resumption::disabled();
        let config = Arc::new(config);
        for word in ["one", "another"] {
            std::fs::write(&response, word).expect("it is written");
            edge.reload_certificates().expect("it is read");
            Secure::connect(&edge, &config, "edge.example");
            assert_eq!(*seen.0.lock().expect("not poisoned"), word.as_bytes());
        }
    }
}

#[test]
fn what_cannot_be_used_is_told_at_start() {
    let by = Authority::new();
    let origin = Origin::start();
    let (one, other) = (by.pair("one", "edge.example"), by.pair("other", "edge.example"));
    let none = Certificate { cert: by.file("absent.crt"), ..one.clone() };
    let crossed = Certificate { key: other.key, ..one.clone() };
    let empty = Certificate { key: one.cert.clone(), ..one.clone() };
    let cases = [
        (vec![], "HTTPS needs a certificate"),
        (vec![none], "absent.crt: No such file"),
        (vec![one.clone(), crossed], "other.key does not belong to the first certificate in"),
        (vec![empty], "contains no private key"),
    ];
    let start = |change: &dyn Fn(&mut Https)| {
        let mut config = Config::new(edge::Upstream::new(crate::support::source(origin.addr)));
        let mut https = by.https();
        change(&mut https);
        config.https = Some(https);
        config.shards = 1;
        let Err(error) = edge::start(config) else { panic!("it started") };
        error.to_string()
    };
    for (certificates, words) in cases {
        let said = start(&|https| https.certificates.clone_from(&certificates));
        assert!(said.contains(words), "{said}");
    }
    let short = by.file("short");
    std::fs::write(&short, "short").expect("it is written");
    let said = start(&|https| https.ticket_secret = Some(short.clone()));
    assert!(said.contains("too short for a secret"), "{said}");
}
