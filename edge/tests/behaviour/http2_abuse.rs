//! Promised: what is known to have brought servers of HTTP/2 down does not bring this one down. Each attack runs against an edge in a process of
//! its own, whose memory grows by less than 10 MB, and another client is answered all the while.
//!
//! `cargo nextest run -p streamgate-edge -E 'test(http2_abuse)' --no-capture` prints what each attack came to, and what the other client's
//! 99th percentile was before and during it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::http2::raw::*;
use crate::support::{Client, Origin, source, until};
use edge::{Config, Page, Upstream};

const EDGE: &str = "STREAMGATE_TEST_HTTP2_EDGE";
const GROWTH_BYTES_MAX: u64 = 10_000_000;
const LIMIT: Duration = Duration::from_millis(700);

/// The edge that is attacked, until it is killed.
fn serve(origin: SocketAddr) -> ! {
    let mut config = Config::new(Upstream::new(source(origin)));
    config.shards = 1;
    config.pin = false;
    config.ram_bytes = 16 << 20;
    config.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.limits.write = LIMIT;
    config.limits.body = LIMIT;
    config.limits.header = LIMIT;
    let page = |path: &str, body| Page { path: path.to_owned(), content_type: "text/plain", body };
    config.pages = vec![page("/", b"here"), page("/large", &[b'x'; 32 * 1024])];
    let edge = edge::start(config).expect("the edge starts");
    let admin = edge.admin_addr().expect("configured");
    std::io::stderr().write_all(format!("at {} {admin}\n", edge.http_addr()).as_bytes()).expect("the parent reads");
    loop {
        std::thread::park();
    }
}

/// An edge in a process of its own.
struct Target {
    process: Child,
    http: SocketAddr,
    admin: SocketAddr,
}

impl Target {
    fn start() -> Target {
        // Its memory is not the edge's.
        let origin = Origin::start();
        let at = origin.addr.to_string();
        origin.answer_all("Cache-Control: max-age=60", |line| match line {
            "GET /huge" => vec![b'x'; 1 << 20],
            _ => b"here".to_vec(),
        });
        let test = std::thread::current().name().expect("a test's thread").to_owned();
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", &test, "--nocapture"])
            .env(EDGE, at)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let line = lines.map_while(Result::ok).find(|line| line.starts_with("at ")).expect("it says where it is");
        let words: Vec<&str> = line.split(' ').collect();
        Target { process, http: words[1].parse().expect("an address"), admin: words[2].parse().expect("an address") }
    }

    fn open(&self, settings: &[(u16, u32)]) -> Raw {
        let mut raw = Raw::to(self.http);
        raw.begin(settings);
        raw
    }

    fn number(&self, name: &str) -> u64 {
        let metrics = Client::to(self.admin).get("/metrics", "").text();
        let name = format!("streamgate_edge_{name}");
        let line = metrics.lines().find(|line| line.starts_with(&name)).expect("the metric");
        line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    }

    fn floods(&self) -> u64 {
        self.number("refusals_total{shard=\"0\",reason=\"flood\"}")
    }

    /// Resident memory.
    fn bytes(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.process.id());
        let text = std::fs::read_to_string(path).expect("it runs");
        let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
        pages * 4096
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A well-behaved client's next answer.
fn ask(raw: &mut Raw, stream: &mut u32) -> Duration {
    let asked = Instant::now();
    raw.get(*stream, "/");
    assert_eq!(raw.answer(*stream), (200, b"here".to_vec()));
    *stream += 2;
    asked.elapsed()
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Set when it is dropped, by a panic too.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `attack` against an edge, whose memory and whose other client are watched.
fn attacked(attack: impl FnOnce(&Target) -> String) {
    if let Ok(origin) = std::env::var(EDGE) {
        serve(origin.parse().expect("an address"));
    }
    let target = Target::start();
    let mut good = target.open(&[]);
    let mut stream = 1;
    let mut before: Vec<Duration> = (0..500).map(|_| ask(&mut good, &mut stream)).collect();
    let calm = target.bytes();
    let (ended, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let (came_to, mut during) = std::thread::scope(|scope| {
        let watch = || {
            let mut times = Vec::new();
            while !ended.load(Ordering::Relaxed) || times.len() < 100 {
                times.push(ask(&mut good, &mut stream));
                peak.fetch_max(target.bytes(), Ordering::Relaxed);
            }
            times
        };
        let watching = scope.spawn(watch);
        let ends = Ends(&ended);
        let came_to = attack(&target);
        drop(ends);
        (came_to, watching.join().expect("the other client is answered"))
    });
    let grown = peak.load(Ordering::Relaxed).saturating_sub(calm);
    let (before, answers, during) = (p99(&mut before), during.len(), p99(&mut during));
    println!("{came_to}; {} kB more, {answers} answers to another, p99 {during:?} after {before:?}", grown / 1000);
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes more");
}

/// Sends `frames` again and again, `most` times, on connections that begin with `first`; each must be ended by the edge before. How often
/// they could be sent on average.
fn flood(target: &Target, codes: &[u32], most: u32, first: &[u8], frames: impl Fn(u32) -> Vec<u8>) -> u32 {
    const CONNECTIONS: u32 = 5;
    let mut sent = 0;
    for _ in 0..CONNECTIONS {
        let mut raw = target.open(&[]);
        raw.try_send(first);
        let mut number = 0;
        // What it answers is not read: that is part of it.
        while number < most && raw.try_send(frames(number)) {
            number += 1;
        }
        sent += number;
        assert!(number < most, "it bears all of it");
        // What it has said may be lost with what it has not read.
        while let Some(frame) = raw.next() {
            assert!(frame.kind != GOAWAY || codes.contains(&frame.code()), "{frame:?}");
        }
    }
    sent / CONNECTIONS
}

const CALM: &[u32] = &[ENHANCE_YOUR_CALM];
const MANY: u32 = 500_000;

fn stream(number: u32) -> u32 {
    number * 2 + 1
}

#[test]
fn rapid_reset() {
    attacked(|target| {
        let before = target.number("http2_requests_total");
        let pair = |number| {
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream(number), &asks("GET", "/x", &[]));
            [head, frame(RST_STREAM, 0, stream(number), &CANCEL.to_be_bytes())].concat()
        };
        let sent = flood(target, CALM, MANY, b"", pair);
        let asked = target.number("http2_requests_total") - before;
        // 200 at once and 20 a second, on each of five connections; the rest is the other client's.
        format!("rapid reset: {sent} pairs could be sent, {asked} requests were seen")
    });
}

#[test]
fn made_you_reset() {
    attacked(|target| {
        let made = |number| {
            let head = frame(HEADERS, END_HEADERS, stream(number), &asks("POST", "/x", &[]));
            [head, frame(WINDOW_UPDATE, 0, stream(number), &[0x7f, 255, 255, 255])].concat()
        };
        format!("resets by errors: {} streams", flood(target, CALM, MANY, b"", made))
    });
}

#[test]
fn continuation_flood() {
    attacked(|target| {
        let first = frame(HEADERS, END_STREAM, 1, &asks("GET", "/", &[]));
        let more = frame(CONTINUATION, 0, 1, &block(&[("x", &"y".repeat(1000))]));
        let large = flood(target, &[ENHANCE_YOUR_CALM, COMPRESSION_ERROR], MANY, &first, |_| more.clone());
        let empty = frame(CONTINUATION, 0, 1, b"");
        let small = flood(target, CALM, MANY, &first, |_| empty.clone());
        format!("CONTINUATION: {large} of 1 kB, {small} empty ones")
    });
}

#[test]
fn control_frames_that_ask_for_nothing() {
    attacked(|target| {
        let mut came_to = "frames for nothing:".to_owned();
        let frames = [
            ("SETTINGS", frame(SETTINGS, 0, 0, &settings(&[(4, 65_535)]))),
            ("empty SETTINGS", frame(SETTINGS, 0, 0, b"")),
            ("PING", frame(PING, 0, 0, b"anybody?")),
            ("PRIORITY", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255])),
            ("unknown", frame(0xee, 0, 0, b"what?")),
        ];
        for (name, one) in frames {
            let before = target.floods();
            let sent = flood(target, CALM, MANY, b"", |_| one.clone());
            assert_eq!(target.floods() - before, 5, "{name}");
            came_to += &format!(" {sent} {name}");
        }
        came_to
    });
}

#[test]
fn empty_data_flood() {
    attacked(|target| {
        let first = frame(HEADERS, END_HEADERS, 1, &asks("POST", "/x", &[]));
        let empty = flood(target, CALM, MANY, &first, |_| frame(DATA, 0, 1, b""));
        let padded = flood(target, CALM, MANY, &first, |_| frame(DATA, PADDED, 1, &[7, 0, 0, 0, 0, 0, 0, 0]));
        format!("DATA without data: {empty} frames, {padded} that are padding")
    });
}

#[test]
fn a_small_head_that_expands() {
    attacked(|target| {
        let mut bombs = 0;
        for _ in 0..10 {
            let mut raw = target.open(&[(1, 0)]);
            // Into the table: a field of nearly all it holds. Then its index, 11,000 times: 44 MB.
            let mut bomb = asks("GET", "/", &[]);
            bomb.push(0x40);
            for text in [&b"x"[..], &[b'y'; 4000]] {
                integer(&mut bomb, text.len(), 7, 0);
                bomb.extend_from_slice(text);
            }
            bomb.extend_from_slice(&[0xbe; 11_000]);
            for number in 0..20 {
                raw.head(END_STREAM, stream(number), &bomb);
            }
            bombs += 20;
            // Refused one by one, or all at once.
            while let Some(frame) = raw.next_within(LIMIT).flatten() {
                match frame.kind {
                    HEADERS => assert_eq!(frame.status(), 431),
                    RST_STREAM | GOAWAY => assert_ne!(frame.code(), INTERNAL_ERROR),
                    _ => {}
                }
            }
        }
        format!("heads that expand: {bombs} of 44 MB each")
    });
}

#[test]
fn heads_of_many_fields() {
    attacked(|target| {
        let many =
            asks("GET", "/", &[]).into_iter().chain((0..600).flat_map(|_| *b"\x00\x01a\x00")).collect::<Vec<u8>>();
        // Without a table every status is a literal.
        let mut raw = target.open(&[(1, 0)]);
        for number in 0..200 {
            raw.head(END_STREAM, stream(number), &many);
            let word = raw.find("a word", |f| f.stream == stream(number) || f.kind == GOAWAY);
            assert!(word.kind == HEADERS && word.status() == 431, "{word:?}");
        }
        "heads of 600 fields: 200, each answered 431".to_owned()
    });
}

#[test]
fn windows_that_stay_shut() {
    attacked(|target| {
        let before = target.number("slow_readers_total");
        let mut clients: Vec<Raw> = (0..2).map(|_| target.open(&[(4, 0)])).collect();
        for raw in &mut clients {
            (0..100).for_each(|number| raw.get(stream(number), "/large"));
        }
        for raw in &mut clients {
            for _ in 0..100 {
                let reset = raw.find("a reset", |f| f.kind == RST_STREAM);
                assert_eq!(reset.code(), CANCEL);
            }
            raw.expect_pong();
        }
        let cut = target.number("slow_readers_total") - before;
        assert_eq!(cut, 200);
        format!("shut windows: {cut} answers held and cut")
    });
}

#[test]
fn windows_that_open_a_byte_at_a_time() {
    attacked(|target| {
        let mut raw = target.open(&[(4, 0)]);
        (0..100).for_each(|number| raw.get(stream(number), "/large"));
        let mut bytes = 0;
        let started = Instant::now();
        let mut cut = 0;
        while cut < 100 {
            for number in 0..100 {
                raw.window(stream(number), 1);
            }
            while let Some(Some(frame)) = raw.next_within(Duration::from_millis(1)) {
                bytes += if frame.kind == DATA { frame.payload.len() } else { 0 };
                cut += u32::from(frame.kind == RST_STREAM);
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{cut} were cut");
        }
        format!("windows of a byte: {bytes} bytes of 3.2 MB were sent")
    });
}

#[test]
fn streams_that_are_opened_and_left() {
    attacked(|target| {
        let mut clients: Vec<Raw> = (0..2).map(|_| target.open(&[])).collect();
        for raw in &mut clients {
            for number in 0..100 {
                raw.frame(HEADERS, END_HEADERS, stream(number), &asks("POST", "/x", &[]));
            }
            // One more is refused, and so is each that follows.
            for number in 100..200 {
                raw.frame(HEADERS, END_HEADERS, stream(number), &asks("POST", "/x", &[]));
                raw.expect_reset(stream(number), REFUSED_STREAM);
            }
        }
        for raw in &mut clients {
            for _ in 0..100 {
                raw.find("a reset", |f| f.kind == RST_STREAM);
            }
            raw.expect_pong();
        }
        "streams left open: 200".to_owned()
    });
}

#[test]
fn answers_that_nobody_takes() {
    attacked(|target| {
        let before = target.number("slow_readers_total");
        // Windows wide open, and nothing is read: the socket's buffers are all there is.
        // Kept by now.
        assert_eq!(Client::to(target.http).get("/huge", "").body.len(), 1 << 20);
        let mut clients: Vec<Raw> = (0..2).map(|_| target.open(&[(4, (1 << 31) - 1)])).collect();
        for raw in &mut clients {
            raw.window(0, (1 << 30) - 1);
            for number in 0..100 {
                raw.get(stream(number), "/huge");
            }
        }
        until("they are cut", || target.number("slow_readers_total") >= before + 2);
        format!("answers not taken: {} cut", target.number("slow_readers_total") - before)
    });
}
