//! Runs cases: two edges with two shards each, one of which listens to what clients direct, one scripted origin, many clients at once, since most of a case's time is waiting.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use edge::{Config, Edge};

use crate::cache_status;
use crate::case::{Case, Kind, Step};
use crate::check::{check_answer, check_request, made_for};
use crate::origin::{Origin, Seen};
use crate::wire::{Head, Reader, resolve};

/// Two seconds of freshness pass, and a little more.
const PAUSE: Duration = Duration::from_millis(2_050);
/// Cases under way at a time.
const CLIENTS: usize = 128;
/// An answer must come within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub id: String,
    pub kind: Kind,
    /// Or what went wrong first.
    pub result: Result<(), String>,
    /// What is wrong with the answers' `Cache-Status`.
    pub remarks: Vec<String>,
}

/// What went wrong first, and the remarks.
type Played = (Result<(), String>, Vec<String>);

/// An answer as the client received it.
pub struct Answer {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
    pub interim: Vec<(u16, Head)>,
}

/// Runs all cases, many at a time.
pub fn run(cases: &[Case]) -> Vec<Outcome> {
    let origin = Origin::start();
    let [deaf, listening] = [false, true].map(|listens| {
        start(&origin, |config| {
            config.shards = 2;
            config.client_directives = listens;
        })
    });
    let next = AtomicUsize::new(0);
    let results: Mutex<HashMap<usize, Played>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS.min(cases.len()) {
            scope.spawn(|| {
                while let Some((at, case)) = cases.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut remarks = Vec::new();
                    let result = if case.alone {
                        let origin = Origin::start();
                        let edge = start(&origin, |config| config.shards = 1);
                        play(edge.http_addr(), &origin, case, &mut remarks)
                    } else {
                        let edge = if case.listens { &listening } else { &deaf };
                        play(edge.http_addr(), &origin, case, &mut remarks)
                    };
                    results.lock().expect("not poisoned").insert(at, (result, remarks));
                }
            });
        }
    });
    let results = results.into_inner().expect("not poisoned");
    let first: HashMap<&str, bool> =
        cases.iter().enumerate().map(|(at, case)| (case.id.as_str(), results[&at].0.is_ok())).collect();
    let outcome = |(at, case): (usize, &Case)| {
        let missing = case.needs.iter().find(|id| first.get(*id) == Some(&false));
        let (result, remarks) = results[&at].clone();
        let result = match missing {
            Some(id) if result.is_ok() => Err(format!("shows nothing while {id} fails")),
            _ => result,
        };
        Outcome { id: case.id.clone(), kind: case.kind, result, remarks }
    };
    cases.iter().enumerate().map(outcome).collect()
}

fn start(origin: &Origin, change: impl FnOnce(&mut Config)) -> Edge {
    let source = edge::Source::parse(&format!("http://{}", origin.addr)).expect("an address is a source");
    let mut config = Config::new(edge::Upstream::new(source));
    config.upstream.cdn_id = "streamgate".to_owned();
    config.pin = false;
    config.ram_bytes = 64 * 1024 * 1024;
    // Cases are strangers: the errors that one's origin makes must not turn the others' requests away.
    config.upstream.breaker_after = 0;
    change(&mut config);
    edge::start(config).expect("the edge starts")
}

fn play(edge: SocketAddr, origin: &Origin, case: &Case, remarks: &mut Vec<String>) -> Result<(), String> {
    let script = origin.play(case);
    let mut answers: Vec<Answer> = Vec::new();
    for (at, step) in case.steps.iter().enumerate() {
        let number = at + 1;
        let together = ask(edge, &script.uuid, number, step, answers.last());
        let together = together.ok_or_else(|| format!("step {number}: no whole answer"))?;
        let counts: HashSet<_> = together.iter().map(|answer| answer.head.get("server-request-count")).collect();
        if step.apart && counts.len() < together.len() {
            return Err(format!("step {number}: {} answers for {} clients", counts.len(), together.len()));
        }
        for (client, answer) in together.iter().enumerate() {
            let cache = answer.head.get("cache-status");
            // Among clients that ask together one is the first and the others may hit what it brought.
            let made_here = step.clients == 1 && made_for(answer) == Some(number);
            if let Some(remark) = cache_status::problem(cache.as_deref(), made_here) {
                remarks.push(format!("step {number}: {remark}: {cache:?}"));
            }
            let cache = cache.unwrap_or_else(|| "no Cache-Status".to_owned());
            check_answer(&script, number, step, (client, answer))
                .map_err(|why| format!("step {number}: {why} [{cache}]"))?;
        }
        answers.extend(together.into_iter().take(1));
        if step.pause {
            std::thread::sleep(PAUSE);
        }
    }
    let seen = script.seen();
    for ((at, step), answer) in case.steps.iter().enumerate().zip(&answers) {
        let requests: Vec<&Seen> = seen.iter().filter(|s| s.step == at + 1).collect();
        check_request(step, answer, &requests).map_err(|why| format!("step {}: {why}", at + 1))?;
    }
    Ok(())
}

/// A step's answers: one for each client.
fn ask(edge: SocketAddr, uuid: &str, number: usize, step: &Step, last: Option<&Answer>) -> Option<Vec<Answer>> {
    if step.clients == 1 {
        return exchange(edge, uuid, (number, step), 0, last).map(|answer| vec![answer]);
    }
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..step.clients)
            .map(|client| scope.spawn(move || exchange(edge, uuid, (number, step), client, last)))
            .collect();
        all.into_iter().map(|client| client.join().expect("no panic")).collect()
    })
}

/// Sends a step's request and reads its answer.
fn exchange(
    edge: SocketAddr,
    uuid: &str,
    (number, step): (usize, &Step),
    client: usize,
    last: Option<&Answer>,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(edge).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    let path = if step.path.is_empty() { String::new() } else { format!("/{}", step.path) };
    let query = if step.query.is_empty() { String::new() } else { format!("?{}", step.query) };
    let target = format!("/test/{uuid}{path}{query}");
    let then_ms = last.and_then(|answer| answer.head.number("server-now")).unwrap_or(0);
    let asks = |name: &str| step.asks.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let mut out =
        format!("{} {target} {}\r\nHost: edge.test\r\nReq-Num: {number}\r\nAccept: */*\r\n", step.method, step.version);
    // Clients send these to keep their own cache out of the way; an edge must not mind.
    let ours = [("Pragma", "foo"), ("Cache-Control", "nothing-to-see-here")];
    ours.iter().for_each(|(name, value)| out += &format!("{name}: {value}\r\n"));
    for (name, value) in [("Accept-Language", "*"), ("Accept-Encoding", "gzip, deflate")] {
        if !asks(name) {
            out += &format!("{name}: {value}\r\n");
        }
    }
    for (name, value) in &step.asks {
        let value = resolve(value, then_ms, &target).replace("{client}", &client.to_string());
        out += &format!("{name}: {value}\r\n");
    }
    if let Some(body) = step.upload {
        out += &format!("Content-Length: {}\r\n", body.len());
    }
    out += "\r\n";
    out += step.upload.unwrap_or_default();
    stream.write_all(out.as_bytes()).ok()?;
    read_answer(Reader::new(stream), step.method)
}

fn read_answer(mut reader: Reader, method: &str) -> Option<Answer> {
    let mut interim = Vec::new();
    let (status, head) = loop {
        let head = reader.head()?;
        let status: u16 = head.line.split(' ').nth(1)?.parse().ok()?;
        if status >= 200 {
            break (status, head);
        }
        interim.push((status, head));
    };
    let length = head.number("content-length").map(|n| n as usize);
    let body = if method == "HEAD" || matches!(status, 204 | 304) {
        Vec::new()
    } else if head.get("transfer-encoding").is_some() {
        reader.chunked()?
    } else if let Some(length) = length {
        Some(reader.exactly(length)).filter(|body| body.len() == length)?
    } else {
        reader.rest()
    };
    Some(Answer { status, head, body, interim })
}
