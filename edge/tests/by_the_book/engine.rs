//! Runs cases: one edge with two shards, one scripted origin, many clients at once, since most of a case's time is waiting.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::case::{Body, Case, Kind, Shown, Source, Status, Step};
use crate::origin::{Origin, Script, Seen};
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
}

/// An answer as the client received it.
struct Answer {
    status: u16,
    head: Head,
    body: Vec<u8>,
    interim: Vec<(u16, Head)>,
}

/// Runs all cases, many at a time.
pub fn run(cases: &[Case]) -> Vec<Outcome> {
    let origin = Origin::start();
    let mut config = edge::Config::new(&origin.addr.to_string());
    config.shards = 2;
    config.pin = false;
    config.ram_bytes = 64 * 1024 * 1024;
    let edge = edge::start(config).expect("the edge starts");
    let next = AtomicUsize::new(0);
    let results: Mutex<HashMap<usize, Result<(), String>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS.min(cases.len()) {
            scope.spawn(|| {
                while let Some((at, case)) = cases.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = play(edge.http_addr(), &origin, case);
                    results.lock().expect("not poisoned").insert(at, result);
                }
            });
        }
    });
    let results = results.into_inner().expect("not poisoned");
    let first: HashMap<&str, bool> =
        cases.iter().enumerate().map(|(at, case)| (case.id.as_str(), results[&at].is_ok())).collect();
    let outcome = |(at, case): (usize, &Case)| {
        let missing = case.needs.iter().find(|id| first.get(*id) == Some(&false));
        let result = match missing {
            Some(id) if results[&at].is_ok() => Err(format!("shows nothing while {id} fails")),
            _ => results[&at].clone(),
        };
        Outcome { id: case.id.clone(), kind: case.kind, result }
    };
    cases.iter().enumerate().map(outcome).collect()
}

fn play(edge: SocketAddr, origin: &Origin, case: &Case) -> Result<(), String> {
    let script = origin.play(case);
    let mut answers: Vec<Answer> = Vec::new();
    for (at, step) in case.steps.iter().enumerate() {
        let answer = exchange(edge, &script.uuid, at + 1, step, answers.last())
            .ok_or_else(|| format!("step {}: no whole answer", at + 1))?;
        let cache = answer.head.get("cache-status").unwrap_or_else(|| "no Cache-Status".to_owned());
        check_answer(&script, at + 1, step, &answer).map_err(|why| format!("step {}: {why} [{cache}]", at + 1))?;
        answers.push(answer);
        if step.pause {
            std::thread::sleep(PAUSE);
        }
    }
    let seen = script.seen();
    for ((at, step), answer) in case.steps.iter().enumerate().zip(&answers) {
        let request = seen.iter().find(|s| s.step == at + 1);
        check_request(step, answer, request).map_err(|why| format!("step {}: {why}", at + 1))?;
    }
    Ok(())
}

/// Sends a step's request and reads its answer.
fn exchange(edge: SocketAddr, uuid: &str, number: usize, step: &Step, last: Option<&Answer>) -> Option<Answer> {
    let mut stream = TcpStream::connect(edge).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    let path = if step.path.is_empty() { String::new() } else { format!("/{}", step.path) };
    let query = if step.query.is_empty() { String::new() } else { format!("?{}", step.query) };
    let target = format!("/test/{uuid}{path}{query}");
    let then_ms = last.and_then(|answer| answer.head.number("server-now")).unwrap_or(0);
    let asks = |name: &str| step.asks.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let mut out =
        format!("{} {target} HTTP/1.1\r\nHost: edge.test\r\nReq-Num: {number}\r\nAccept: */*\r\n", step.method);
    // Clients send these to keep their own cache out of the way; an edge must not mind.
    let ours = [("Pragma", "foo"), ("Cache-Control", "nothing-to-see-here")];
    ours.iter().for_each(|(name, value)| out += &format!("{name}: {value}\r\n"));
    for (name, value) in [("Accept-Language", "*"), ("Accept-Encoding", "gzip, deflate")] {
        if !asks(name) {
            out += &format!("{name}: {value}\r\n");
        }
    }
    for (name, value) in &step.asks {
        out += &format!("{name}: {}\r\n", resolve(value, then_ms, &target));
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

fn check_answer(script: &Script, number: usize, step: &Step, answer: &Answer) -> Result<(), String> {
    let made_for = answer.head.number("client-request-count").map(|n| n as usize);
    let asked: Vec<String> =
        answer.head.get("request-numbers").unwrap_or_default().split(' ').map(str::to_owned).collect();
    if (1..asked.len()).any(|at| asked[..at].contains(&asked[at])) {
        return Err("the origin was asked twice".to_owned());
    }
    match step.source {
        // A 304 the edge makes itself need not carry the origin's fields.
        Source::Cache if answer.status == 304 && made_for.is_none() => {}
        Source::Cache if made_for.is_none_or(|n| n >= number) => return Err(said("not from the cache", answer)),
        Source::Origin if made_for != Some(number) => return Err(said("not from the origin", answer)),
        _ => {}
    }
    let status = match step.expect_status {
        Status::Said => Some(step.status),
        Status::Is(status) => Some(status),
        Status::Any => None,
    };
    if status.is_some_and(|status| status != answer.status) {
        let validating = matches!(step.source, Source::Tag | Source::Date);
        let why = if validating && answer.status == 599 { "not validated" } else { "wrong status" };
        return Err(said(&format!("{why}, expected {}", status.unwrap_or_default()), answer));
    }
    step.shown.iter().try_for_each(|shown| check_field(shown, answer))?;
    if let Some(expected) = &step.expect_interim {
        check_interim(expected, &answer.interim)?;
    }
    let body = match &step.expect_body {
        Body::Said if step.method == "HEAD" || matches!(answer.status, 204 | 304) => return Ok(()),
        Body::Said => step.body.as_deref().unwrap_or(&script.uuid),
        Body::Is(body) => body,
        Body::Any => return Ok(()),
    };
    if answer.body != body.as_bytes() {
        return Err(format!("body is {:?}, not {body:?}", String::from_utf8_lossy(&answer.body)));
    }
    Ok(())
}

fn said(what: &str, answer: &Answer) -> String {
    let refusal = answer.head.get("streamgate-refusal").map_or(String::new(), |word| format!(", refused: {word}"));
    format!("{what} ({}{refusal})", answer.status)
}

fn check_field(shown: &Shown, answer: &Answer) -> Result<(), String> {
    let now_ms = answer.head.number("server-now").unwrap_or(0);
    match shown {
        Shown::There(name) => answer.head.get(name).map(drop).ok_or_else(|| format!("{name} is missing")),
        Shown::Is(name, value) => {
            let (got, value) = (answer.head.get(name), resolve(value, now_ms, ""));
            if got.as_ref() == Some(&value) { Ok(()) } else { Err(format!("{name} is {got:?}, not {value:?}")) }
        }
        Shown::MoreThan(name, bound) => match answer.head.number(name) {
            Some(value) if value > *bound => Ok(()),
            value => Err(format!("{name} is {value:?}, not above {bound}")),
        },
        Shown::Missing(name) => {
            answer.head.get(name).map_or(Ok(()), |value| Err(format!("{name} is there: {value:?}")))
        }
        Shown::Without(name, text) => match answer.head.get(name) {
            Some(value) if value.contains(text) => Err(format!("{name} has {value:?}")),
            _ => Ok(()),
        },
    }
}

fn check_interim(expected: &[crate::case::Interim], got: &[(u16, Head)]) -> Result<(), String> {
    let statuses: Vec<u16> = got.iter().map(|(status, _)| *status).collect();
    if expected.iter().map(|(status, _)| *status).ne(statuses.iter().copied()) {
        return Err(format!("interim answers are {statuses:?}"));
    }
    for ((_, fields), (_, head)) in expected.iter().zip(got) {
        for line in fields {
            let (name, value) = line.split_once(": ").expect("a field line");
            if head.get(name).as_deref() != Some(value) {
                return Err(format!("interim {name} is {:?}, not {value:?}", head.get(name)));
            }
        }
    }
    Ok(())
}

fn check_request(step: &Step, answer: &Answer, request: Option<&Seen>) -> Result<(), String> {
    if step.source == Source::Cache {
        return Ok(());
    }
    let condition = match step.source {
        Source::Tag => Some("If-None-Match"),
        Source::Date => Some("If-Modified-Since"),
        _ => None,
    };
    let expected = condition.map(|name| (name.to_owned(), None)).into_iter().chain(step.sent.iter().cloned());
    for (name, value) in expected {
        let got = request.ok_or("the origin was not asked")?.head.get(&name);
        if got.is_none() || value.is_some() && got != value {
            return Err(format!("the origin was sent {name}: {got:?}, not {value:?}"));
        }
    }
    if let Some(method) = step.sent_method {
        let got = request.map(|request| request.method.as_str());
        if got != Some(method) {
            return Err(format!("the origin was asked with {got:?}, not {method}"));
        }
    }
    let Some(request) = request else { return Ok(()) };
    for (name, _) in request.said.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date")) {
        let values: Vec<&str> =
            request.said.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect();
        let (got, values) = (answer.head.get(name), values.join(", "));
        if got.as_ref() != Some(&values) {
            return Err(format!("{name} arrived as {got:?}, not {values:?}"));
        }
    }
    Ok(())
}
