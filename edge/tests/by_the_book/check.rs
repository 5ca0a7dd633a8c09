//! What must hold of a step: of the answer that the client received, and of the requests that the origin saw.

use crate::case::{Body, Interim, Sent, Shown, Source, Status, Step};
use crate::engine::Answer;
use crate::origin::{Script, Seen};
use crate::wire::{Head, resolve};

/// The step for which the origin made an answer.
pub fn made_for(answer: &Answer) -> Option<usize> {
    answer.head.number("client-request-count").map(|n| n as usize)
}

/// Checks an answer to one of the clients of a step.
pub fn check_answer(
    script: &Script,
    number: usize,
    step: &Step,
    (client, answer): (usize, &Answer),
) -> Result<(), String> {
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

fn check_interim(expected: &[Interim], got: &[(u16, Head)]) -> Result<(), String> {
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

/// Checks what the origin saw of a step.
pub fn check_request(step: &Step, answer: &Answer, requests: &[&Seen]) -> Result<(), String> {
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
