//! Promised: HTTP/2 by the book, RFC 9113 and RFC 7541.
//!
//! The cases are those that the public conformance tester of HTTP/2 (h2spec, 146 of them) has for a server, written anew from the RFCs: in
//! which state which frame is what error, and what has to be taken. Where RFC 9113 allows what RFC 7540 did not, the newer one counts; a
//! connection error is right wherever a stream error is asked for (section 5.4.1), an open end without a word never is.
//!
//! `cargo nextest run -p streamgate-edge -E 'test(http2_by_the_book)' --no-capture` prints the score and every case that fails.

mod frames;
mod generic;
mod hpack;
mod messages;
mod streams;

use std::time::Duration;

use crate::http2::raw::*;
use crate::support::{Origin, edge};

/// Longest wait for a word.
const PATIENCE: Duration = Duration::from_secs(5);

/// One case.
pub struct Case {
    /// Section of RFC 9113, or of RFC 7541 with an H before it.
    section: &'static str,
    name: &'static str,
    /// Our settings.
    settings: &'static [(u16, u32)],
    run: fn(&mut Raw) -> Seen,
}

/// What was seen instead of what is right.
type Seen = Result<(), String>;

/// A case of a client that announces nothing.
const fn case(section: &'static str, name: &'static str, run: fn(&mut Raw) -> Seen) -> Case {
    with(section, name, &[], run)
}

const fn with(
    section: &'static str,
    name: &'static str,
    settings: &'static [(u16, u32)],
    run: fn(&mut Raw) -> Seen,
) -> Case {
    Case { section, name, settings, run }
}

/// Cases in which the connection ends, as it may, with PROTOCOL_ERROR, which is not the word for it: the library has none of its own
/// for them. A case that is right must leave this list.
const OTHER_CODE: &[(&str, &[&str])] = &[
    (
        "a block that cannot be decoded: COMPRESSION_ERROR (section 4.3)",
        &[
            "a block that cannot be decoded ends the connection",
            "an index that is in neither table",
            "a literal whose name's index is in neither table",
            "a size update at the end",
            "Huffman's code with more than seven bits of end",
            "Huffman's code with an end of zeros",
            "Huffman's code with the symbol of the end",
            "index 0",
            "a size update above the bound",
        ],
    ),
    (
        "a body or a head on a stream that the client has ended: STREAM_CLOSED (section 5.1)",
        &["half-closed: DATA", "half-closed: HEADERS", "reset: HEADERS", "DATA on a stream that is not open"],
    ),
];

/// Setting that leaves no room for a body: a stream stays open.
const CLOSED_WINDOW: &[(u16, u32)] = &[(4, 0)];

const ASK: u8 = END_HEADERS | END_STREAM;
const PRIORITIZED: u8 = 0x20;

fn get() -> Vec<u8> {
    asks("GET", "/", &[])
}

fn post() -> Vec<u8> {
    asks("POST", "/", &[])
}

fn next(raw: &mut Raw) -> Result<Option<Frame>, String> {
    raw.next_within(PATIENCE).ok_or_else(|| "nothing".to_owned())
}

/// The next frame that `wanted` holds for.
fn find(raw: &mut Raw, wanted: impl Fn(&Frame) -> bool) -> Result<Frame, String> {
    let mut before = String::new();
    loop {
        match next(raw) {
            Ok(Some(frame)) if wanted(&frame) => return Ok(frame),
            Ok(Some(frame)) => before += &format!("{} on {}, ", frame.kind, frame.stream),
            Ok(None) => return Err(format!("{before}closed")),
            Err(nothing) => return Err(format!("{before}{nothing}")),
        }
    }
}

/// Stream 1 is answered, to its end.
fn answered(raw: &mut Raw) -> Seen {
    let head = find(raw, |f| f.stream == 1)?;
    if head.kind != HEADERS || head.status() != 200 {
        return Err(format!("{head:?}"));
    }
    if head.ends_stream() {
        return Ok(());
    }
    find(raw, |f| f.stream == 1 && f.ends_stream()).map(|_| ())
}

/// The connection is as good as ever.
fn alive(raw: &mut Raw) -> Seen {
    raw.frame(PING, 0, 0, b"anybody?");
    find(raw, |f| f.kind == PING && f.flags & ACK != 0 && f.payload == b"anybody?").map(|_| ())
}

/// The connection ends, with one of `codes`.
fn ends(raw: &mut Raw, codes: &[u32]) -> Seen {
    let frame = find(raw, |f| f.kind == GOAWAY)?;
    while next(raw)?.is_some() {}
    is_right(&frame, codes)
}

/// A PING is answered; or whoever has nothing to do any more closes, in good order.
fn or_goodbye(raw: &mut Raw) -> Seen {
    loop {
        match next(raw)? {
            None => return Ok(()),
            Some(frame) if frame.kind == PING => return Ok(()),
            Some(frame) if frame.kind == GOAWAY && frame.code() != NO_ERROR => return Err(format!("{frame:?}")),
            Some(_) => {}
        }
    }
}

/// `stream` ends, or the connection, with one of `codes`.
fn resets(raw: &mut Raw, stream: u32, codes: &[u32]) -> Seen {
    let frame = find(raw, |f| f.kind == GOAWAY || f.kind == RST_STREAM && f.stream == stream)?;
    is_right(&frame, codes)
}

/// What is seen in a case of [`OTHER_CODE`].
const ENDED_BY_PROTOCOL_ERROR: &str = "GOAWAY with code 1";

fn is_right(frame: &Frame, codes: &[u32]) -> Seen {
    match (codes.contains(&frame.code()), frame.kind) {
        (true, _) => Ok(()),
        (false, GOAWAY) => Err(format!("GOAWAY with code {}", frame.code())),
        (false, _) => Err(format!("RST_STREAM with code {}", frame.code())),
    }
}

/// DATA of so many bytes comes on stream 1.
fn data(raw: &mut Raw, len: usize) -> Seen {
    let frame = find(raw, |f| f.kind == DATA && f.stream == 1)?;
    if frame.payload.len() == len { Ok(()) } else { Err(format!("DATA of {} bytes", frame.payload.len())) }
}

#[test]
fn every_case_is_right() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"the page" }];
    });
    // POST goes there.
    let _answering = origin.answer_all("", |_| b"posted".to_vec());
    let groups = [generic::CASES, streams::CASES, frames::CASES, messages::CASES, hpack::CASES];
    let known: Vec<&str> = OTHER_CODE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let (mut passed, mut other, mut failed) = (0, 0, Vec::new());
    for case in groups.into_iter().flatten() {
        let mut raw = Raw::connect(&edge);
        if !case.name.contains("preface") {
            raw.begin(case.settings);
        }
        match (case.run)(&mut raw) {
            Ok(()) if known.contains(&case.name) => failed.push(format!("{} is right and listed", case.name)),
            Ok(()) => passed += 1,
            Err(seen) if known.contains(&case.name) && seen == ENDED_BY_PROTOCOL_ERROR => other += 1,
            Err(seen) => failed.push(format!("{} {}: {seen}", case.section, case.name)),
        }
    }
    let cases = passed + other + failed.len();
    println!("{passed} of {cases} cases by the book; {other} end the connection with another code");
    assert!(failed.is_empty(), "{} of {cases} failed:\n{}", failed.len(), failed.join("\n"));
    assert_eq!(other, known.len(), "every case of the list was seen");
}
