//! The scripted origin: it answers each case's requests as its steps say, and remembers what it was asked.

use std::collections::HashMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::case::{Case, Source, Step};
use crate::templates::uuid;
use crate::wire::{Head, Reader, resolve};

/// A request as the origin received it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The step it was for, from 1.
    pub step: usize,
    pub method: String,
    pub head: Head,
    /// What was said in answer and must reach the client unchanged.
    pub said: Vec<(String, String)>,
}

/// A case being run.
pub struct Script {
    pub uuid: String,
    steps: Vec<Step>,
    seen: Mutex<Vec<Seen>>,
    /// Fields said for a step, as they were on the wire.
    said: Mutex<HashMap<usize, Vec<(String, String)>>>,
}

impl Script {
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }
}

pub struct Origin {
    pub addr: SocketAddr,
    scripts: Scripts,
}

type Scripts = Arc<Mutex<HashMap<String, Arc<Script>>>>;

impl Origin {
    pub fn start() -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let scripts = Scripts::default();
        let all = scripts.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let all = all.clone();
                std::thread::spawn(move || converse(stream, &all));
            }
        });
        Origin { addr, scripts }
    }

    /// Takes a case's script.
    pub fn play(&self, case: &Case) -> Arc<Script> {
        let uuid = uuid(&case.id);
        let script = Arc::new(Script {
            uuid: uuid.clone(),
            steps: case.steps.clone(),
            seen: Mutex::default(),
            said: Mutex::default(),
        });
        let before = self.scripts.lock().expect("not poisoned").insert(uuid, script.clone());
        assert!(before.is_none(), "two cases are called {}", case.id);
        script
    }
}

fn converse(stream: TcpStream, scripts: &Scripts) {
    let _ = stream.set_nodelay(true);
    let mut reader = Reader::new(stream.try_clone().expect("a clone"));
    while let Some(head) = reader.head() {
        if head.get("transfer-encoding").is_some() {
            reader.chunked();
        } else {
            reader.exactly(head.number("content-length").unwrap_or(0) as usize);
        }
        let mut words = head.line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let script = target.split(['/', '?']).nth(2).and_then(|name| {
            let scripts = scripts.lock().expect("not poisoned");
            scripts.get(name).cloned()
        });
        let keeps = match script {
            Some(script) => answer(&stream, &script, method, target, &head),
            None => (&stream).write_all(b"HTTP/1.1 409 No Script\r\nContent-Length: 0\r\n\r\n").is_ok(),
        };
        if !keeps {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Answers one request; false when the connection ends with it.
fn answer(mut stream: &TcpStream, script: &Script, method: &str, target: &str, head: &Head) -> bool {
    let next = script.seen.lock().expect("not poisoned").len() + 1;
    let number = head.number("req-num").map_or(next, |n| n as usize);
    let Some(step) = script.steps.get(number - 1) else {
        return stream.write_all(b"HTTP/1.1 409 No Step\r\nContent-Length: 0\r\n\r\n").is_ok();
    };
    std::thread::sleep(Duration::from_millis(step.slow_ms));
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let (status, phrase) = status(script, step, number, head);
    let mut fields: Vec<(String, String)> =
        step.says.iter().map(|said| (said.name.clone(), echo(resolve(&said.value, now_ms, target), head))).collect();
    script.said.lock().expect("not poisoned").insert(number, fields.clone());
    let checked: Vec<(String, String)> =
        fields.iter().zip(&step.says).filter(|(_, said)| said.checked).map(|(field, _)| field.clone()).collect();
    let (count, numbers) = {
        let mut seen = script.seen.lock().expect("not poisoned");
        seen.push(Seen { step: number, method: method.to_owned(), head: head.clone(), said: checked });
        (seen.len(), seen.iter().map(|s| s.step.to_string()).collect::<Vec<_>>().join(" "))
    };
    if step.hang_up {
        return false;
    }
    let has = |fields: &[(String, String)], name: &str| fields.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let body = step.body.as_deref().unwrap_or(&script.uuid);
    let (status, body) = match part(step, &fields, head, body.len()) {
        Some((first, end)) => {
            fields.push(("Content-Range".to_owned(), format!("bytes {first}-{}/{}", end - 1, body.len())));
            (206, &body[first..end])
        }
        None => (status, body),
    };
    let bodiless = matches!(status, 204 | 304);
    let coded = has(&fields, "transfer-encoding");
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    add("Server-Base-Url", target.to_owned());
    add("Server-Request-Count", count.to_string());
    add("Client-Request-Count", number.to_string());
    add("Server-Now", now_ms.to_string());
    add("Request-Numbers", numbers);
    let defaults = [
        ("Date", resolve("@0", now_ms, "")),
        ("Content-Type", "text/plain".to_owned()),
        ("Connection", if coded { "close" } else { "keep-alive" }.to_owned()),
    ];
    for (name, value) in defaults {
        if !has(&fields, name) {
            fields.push((name.to_owned(), value));
        }
    }
    if !bodiless && !coded && !has(&fields, "content-length") {
        fields.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    fields.retain(|(_, value)| value != "{none}");
    let mut out = String::new();
    for (status, fields) in &step.interim {
        out += &format!("HTTP/1.1 {status} Interim\r\n");
        fields.iter().for_each(|line| out += &format!("{line}\r\n"));
        out += "\r\n";
    }
    out += &format!("HTTP/1.1 {status} {phrase}\r\n");
    fields.iter().for_each(|(name, value)| out += &format!("{name}: {value}\r\n"));
    out += "\r\n";
    if !bodiless && method != "HEAD" {
        out += body;
    }
    let sent = stream.write_all(out.as_bytes()).is_ok();
    if step.closes {
        // Long enough for the edge to have put the connection among its idle ones.
        std::thread::sleep(Duration::from_millis(100));
    }
    sent && !coded && !step.closes
}

/// The part of the body that is asked for and may be given.
fn part(step: &Step, fields: &[(String, String)], head: &Head, length: usize) -> Option<(usize, usize)> {
    let tag = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag")).map(|(_, tag)| tag.clone());
    if !step.serves_ranges || head.get("if-range").is_some_and(|known| Some(known) != tag) {
        return None;
    }
    let range = head.get("range")?;
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let part = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, length.min(last + 1)),
        (Ok(first), Err(_)) => (first, length),
        (Err(_), Ok(count)) => (length.saturating_sub(count), length),
        (Err(_), Err(_)) => return None,
    };
    (part.0 < part.1).then_some(part)
}

/// `{ask:Name}` as the request's field.
fn echo(value: String, head: &Head) -> String {
    let Some((before, rest)) = value.split_once("{ask:") else { return value };
    let (name, after) = rest.split_once('}').expect("a closing brace");
    format!("{before}{}{after}", head.get(name).unwrap_or_default())
}

/// The status: 304 where the step waits for a validation and the validators of the step before are shown.
fn status(script: &Script, step: &Step, number: usize, head: &Head) -> (u16, &'static str) {
    if !matches!(step.source, Source::Tag | Source::Date) {
        return (step.status, "Scripted");
    }
    let before = number.checked_sub(2).and_then(|at| script.steps.get(at));
    let said = script.said.lock().expect("not poisoned").get(&(number - 1)).cloned();
    let said = said.unwrap_or_else(|| {
        before.map_or(Vec::new(), |s| s.says.iter().map(|f| (f.name.clone(), f.value.clone())).collect())
    });
    let matches = |request: &str, answer: &str| {
        let known = said.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(answer));
        known.is_some_and(|(_, value)| head.get(request).as_ref() == Some(value))
    };
    if matches("if-none-match", "etag") || matches("if-modified-since", "last-modified") {
        (304, "Not Modified")
    } else {
        (599, "Not Conditional")
    }
}
