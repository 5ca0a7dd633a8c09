//! What TLS costs an edge of one shard: the processor time of full handshakes and of a large hit, beside the same hit in the clear, and
//! the memory of idle connections. The client opens no records, so that the edge is what is measured.
//!
//! `cargo run --release -p streamgate-edge --example tls`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use edge::{Config, Https, Source, Upstream};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const HANDSHAKES: usize = 1_000;
const IDLE: usize = 400;
const BODY_BYTES: usize = 4_000_000;
const ANSWERS: usize = 500;
const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: edge\r\n\r\n";

fn main() {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["edge.example".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let (cert_file, key_file) = (folder.path().join("edge.crt"), folder.path().join("edge.key"));
    std::fs::write(&cert_file, certificate.pem()).expect("it is written");
    std::fs::write(&key_file, key.serialize_pem()).expect("it is written");
    let mut config = Config::new(Upstream::new(origin()));
    config.shards = 1;
    config.pin = false;
    config.https = Some(Https::new(SocketAddr::from(([127, 0, 0, 1], 0)), cert_file, key_file));
    let edge = edge::start(config).expect("the edge starts");
    let (http, https) = (edge.http_addr(), edge.https_addr().expect("HTTPS"));
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.resumption = rustls::client::Resumption::disabled();
    let client = Arc::new(client);

    let began = spent();
    for _ in 0..HANDSHAKES {
        shake(&client, https);
    }
    println!("{:.0} us of a core for a full handshake", (spent() - began) / HANDSHAKES as f64 * 1e6);

    let before = resident_kib();
    let idle: Vec<_> = (0..IDLE).map(|_| shake(&client, https).sock).collect();
    println!("{:.1} KiB for an idle connection", (resident_kib() - before) as f64 / IDLE as f64);
    drop(idle);

    let mut clear = TcpStream::connect(http).expect("the edge accepts");
    // Once to fill the cache.
    hits(&mut clear, 1, |to| to.write_all(REQUEST));
    say("in the clear", hits(&mut clear, ANSWERS, |to| to.write_all(REQUEST)));
    let StreamOwned { mut conn, mut sock } = shake(&client, https);
    let cost = hits(&mut sock, ANSWERS, |to| {
        conn.writer().write_all(REQUEST)?;
        conn.write_tls(to).map(|_| ())
    });
    say("over TLS", cost);
}

fn shake(client: &Arc<ClientConfig>, at: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let name = "edge.example".try_into().expect("a name");
    let conn = ClientConnection::new(client.clone(), name).expect("a connection");
    let mut stream = StreamOwned::new(conn, TcpStream::connect(at).expect("the edge accepts"));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).expect("a handshake");
    }
    stream
}

/// Asks `count` times and reads as many bodies' worth; processor and wall seconds.
fn hits(from: &mut TcpStream, count: usize, mut ask: impl FnMut(&mut TcpStream) -> std::io::Result<()>) -> (f64, f64) {
    let (began, spent_before) = (Instant::now(), spent());
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..count {
        ask(from).expect("the edge reads");
    }
    let mut left = BODY_BYTES * count;
    while left > 0 {
        let read = from.read(&mut buffer).expect("the edge sends");
        assert!(read > 0, "the edge closed");
        left = left.saturating_sub(read);
    }
    (spent() - spent_before, began.elapsed().as_secs_f64())
}

fn say(how: &str, (spent, took): (f64, f64)) {
    let gigabytes = (BODY_BYTES * ANSWERS) as f64 / 1e9;
    println!("{:.2} GB a second of a core {how}, {:.2} GB a second in all", gigabytes / spent, gigabytes / took);
}

/// Processor seconds of the shard's thread.
fn spent() -> f64 {
    for task in std::fs::read_dir("/proc/self/task").expect("Linux").flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == "edge-0" {
            let nanoseconds = read("schedstat").split(' ').next().and_then(|n| n.parse::<u64>().ok());
            return nanoseconds.expect("a kernel with schedstat") as f64 / 1e9;
        }
    }
    panic!("the shard is gone")
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// An origin with one body.
fn origin() -> Source {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &vec![7; BODY_BYTES]].concat());
        }
    });
    Source::parse(&format!("http://{at}")).expect("an address")
}
