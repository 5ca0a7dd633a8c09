//! Runs cases: two edges with two shards each, one of which listens to what clients direct, one scripted origin, many clients at once, since most of a case's time is waiting.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::cache_status;
use crate::case::{Body, Case, Kind, Sent, Shown, Source, Status, Step};
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
    /// What is wrong with the answers' `Cache-Status`.
    pub remarks: Vec<String>,
}

/// What went wrong first, and the remarks.
type Played = (Result<(), String>, Vec<String>);

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
    let [deaf, listening] = [false, true].map(|listens| {
        let mut config = edge::Config::new(&origin.addr.to_string());
        config.shards = 2;
        config.pin = false;
        config.ram_bytes = 64 * 1024 * 1024;
        config.client_directives = listens;
        edge::start(config).expect("the edge starts")
    });
    let next = AtomicUsize::new(0);
    let results: Mutex<HashMap<usize, Played>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS.min(cases.len()) {
            scope.spawn(|| {
                while let Some((at, case)) = cases.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut remarks = Vec::new();
                    let edge = if case.listens { &listening } else { &deaf };
                    let result = play(edge.http_addr(), &origin, case, &mut remarks);
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

/// The step for which the origin made an answer.
fn made_for(answer: &Answer) -> Option<usize> {
    answer.head.number("client-request-count").map(|n| n as usize)
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

fn check_answer(script: &Script, number: usize, step: &Step, (client, answer): (usize, &Answer)) -> Result<(), String> {
    let made_for = made_for(answer);
    let asked: Vec<String> =
        answer.head.get("request-numbers").unwrap_or_default().split(' ').map(str::to_owned).collect();
    if step.asked.is_none() && (1..asked.len()).any(|at| asked[..at].contains(&asked[at])) {
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
    step.shown.iter().try_for_each(|shown| check_field(shown, client, answer))?;
    if let Some(expected) = &step.expect_interim {
        check_interim(expected, &answer.interim)?;
    }
    let body = match &step.expect_body {
        Body::Said if step.method == "HEAD" || matches!(answer.status, 204 | 304) => return Ok(()),
        Body::Said => step.body.as_deref().unwrap_or(&script.uuid),
        Body::Is(body) => body,
        Body::Parts(parts) => return check_parts(parts, answer),
        Body::AtMost(length) if answer.body.len() <= *length => return Ok(()),
        Body::AtMost(length) => return Err(format!("{} bytes, more than {length}", answer.body.len())),
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

fn check_field(shown: &Shown, client: usize, answer: &Answer) -> Result<(), String> {
    let now_ms = answer.head.number("server-now").unwrap_or(0);
    match shown {
        Shown::There(name) => answer.head.get(name).map(drop).ok_or_else(|| format!("{name} is missing")),
        Shown::Is(name, value) => {
            let value = resolve(value, now_ms, "").replace("{client}", &client.to_string());
            let got = answer.head.get(name);
            if got.as_ref() == Some(&value) { Ok(()) } else { Err(format!("{name} is {got:?}, not {value:?}")) }
        }
        Shown::Contains(name, text) => match answer.head.get(name) {
            Some(value) if value.contains(text) => Ok(()),
            value => Err(format!("{name} is {value:?}, without {text:?}")),
        },
        Shown::MoreThan(name, bound) => match answer.head.number(name) {
            Some(value) if value > *bound => Ok(()),
            value => Err(format!("{name} is {value:?}, not above {bound}")),
        },
        Shown::AtMost(name, bound) => match answer.head.number(name) {
            Some(value) if value <= *bound => Ok(()),
            value => Err(format!("{name} is {value:?}, above {bound}")),
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

/// A body of the parts asked for, each with its place (RFC 9110 section 14.6).
fn check_parts(parts: &[(usize, usize, usize, String)], answer: &Answer) -> Result<(), String> {
    let media_type = answer.head.get("content-type").unwrap_or_default();
    let boundary =
        media_type.strip_prefix("multipart/byteranges;").and_then(|rest| rest.trim().strip_prefix("boundary="));
    let Some(boundary) = boundary.map(|b| b.trim_matches('"')).filter(|b| !b.is_empty()) else {
        return Err(format!("Content-Type is {media_type:?}"));
    };
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let delimiter = format!("\r\n--{boundary}");
    let whole = format!("\r\n{body}");
    let mut pieces = whole.split(&delimiter).skip(1);
    for (first, last, length, text) in parts {
        let piece = pieces.next().unwrap_or_default();
        let (head, got) = piece.split_once("\r\n\r\n").ok_or(format!("no part for {first}-{last} in {body:?}"))?;
        let place = format!("bytes {first}-{last}/{length}");
        let placed = head.lines().any(|line| {
            line.split_once(':').is_some_and(|(n, v)| n.eq_ignore_ascii_case("content-range") && v.trim() == place)
        });
        if !placed || got != text {
            return Err(format!("part {first}-{last} is {head:?} {got:?}"));
        }
    }
    match pieces.next() {
        Some(end) if end.starts_with("--") => Ok(()),
        end => Err(format!("the last part is followed by {end:?}")),
    }
}

fn check_request(step: &Step, answer: &Answer, requests: &[&Seen]) -> Result<(), String> {
    if let Some(times) = step.asked.filter(|times| *times != requests.len()) {
        return Err(format!("the origin was asked {} times, not {times}", requests.len()));
    }
    if step.source == Source::Cache {
        return Ok(());
    }
    let request = requests.first();
    let condition = match step.source {
        Source::Tag => Some("If-None-Match"),
        Source::Date => Some("If-Modified-Since"),
        _ => None,
    };
    if let Some(name) = condition
        && request.ok_or("the origin was not asked")?.head.get(name).is_none()
    {
        return Err(format!("the origin was not sent {name}"));
    }
    for sent in &step.sent {
        check_sent(sent, &request.ok_or("the origin was not asked")?.head)?;
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

fn check_sent(sent: &Sent, head: &Head) -> Result<(), String> {
    let (name, got, good) = match sent {
        Sent::Is(name, value) => (name.as_str(), head.get(name), head.get(name).as_ref() == Some(value)),
        Sent::Contains(name, text) => {
            (name.as_str(), head.get(name), head.get(name).is_some_and(|value| value.contains(text)))
        }
        Sent::Missing(name) => (*name, head.get(name), head.get(name).is_none()),
    };
    if good { Ok(()) } else { Err(format!("the origin was sent {name}: {got:?}, expected: {sent:?}")) }
}
