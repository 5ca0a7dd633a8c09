//! Sections 7 and 8 of RFC 9113: error codes, and what a request is made of.

use super::*;

/// A request whose head has these fields and no others.
fn refused(raw: &mut Raw, fields: &[(&str, &str)]) -> Seen {
    raw.frame(HEADERS, ASK, 1, &block(fields));
    resets(raw, 1, &[PROTOCOL_ERROR])
}

/// A request that has one field more.
fn refused_with(raw: &mut Raw, name: &str, value: &str) -> Seen {
    raw.frame(HEADERS, ASK, 1, &asks("GET", "/", &[(name, value)]));
    resets(raw, 1, &[PROTOCOL_ERROR])
}

fn length(raw: &mut Raw, pieces: &[&[u8]]) -> Seen {
    raw.frame(HEADERS, END_HEADERS, 1, &asks("POST", "/", &[("content-length", "1")]));
    for (at, piece) in pieces.iter().enumerate() {
        raw.frame(DATA, if at + 1 == pieces.len() { END_STREAM } else { 0 }, 1, piece);
    }
    resets(raw, 1, &[PROTOCOL_ERROR])
}

pub const CASES: &[Case] = &[
    case("7", "GOAWAY with an unknown code is no reason for anything", |raw| {
        raw.frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xff]);
        raw.frame(PING, 0, 0, b"anybody?");
        or_goodbye(raw)
    }),
    case("7", "RST_STREAM with an unknown code is no reason for anything", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(RST_STREAM, 0, 1, &[0, 0, 0, 0xff]);
        alive(raw)
    }),
    case("8.1", "trailers that do not end the stream", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(DATA, 0, 1, b"test");
        raw.frame(HEADERS, END_HEADERS, 1, &block(&[("x-test", "ok")]));
        resets(raw, 1, &[PROTOCOL_ERROR])
    }),
    case("8.2.1", "a name in upper case", |raw| refused_with(raw, "X-TEST", "ok")),
    case("8.3", "a pseudo-field that is unknown", |raw| refused_with(raw, ":test", "ok")),
    case("8.3", "a pseudo-field of answers", |raw| refused_with(raw, ":status", "200")),
    case("8.3", "a pseudo-field among trailers", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &asks("POST", "/", &[("trailer", "x-test")]));
        raw.frame(DATA, 0, 1, b"test");
        raw.frame(HEADERS, ASK, 1, &block(&[("x-test", "ok"), (":method", "POST")]));
        resets(raw, 1, &[PROTOCOL_ERROR])
    }),
    case("8.3", "a pseudo-field behind others", |raw| {
        refused(raw, &[(":method", "GET"), (":scheme", "http"), ("x", "y"), (":path", "/"), (":authority", "edge")])
    }),
    case("8.2.2", "a field of a connection", |raw| refused_with(raw, "connection", "keep-alive")),
    case("8.2.2", "TE that says anything but trailers", |raw| refused_with(raw, "te", "trailers, deflate")),
    case("8.3.1", "an empty :path", |raw| {
        refused(raw, &[(":method", "GET"), (":scheme", "http"), (":path", ""), (":authority", "edge")])
    }),
    case("8.3.1", "no :method", |raw| refused(raw, &[(":scheme", "http"), (":path", "/"), (":authority", "edge")])),
    case("8.3.1", "no :scheme", |raw| refused(raw, &[(":method", "GET"), (":path", "/"), (":authority", "edge")])),
    case("8.3.1", "no :path", |raw| refused(raw, &[(":method", "GET"), (":scheme", "http"), (":authority", "edge")])),
    case("8.3.1", ":method twice", |raw| {
        refused(
            raw,
            &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "edge"), (":method", "GET")],
        )
    }),
    case("8.3.1", ":scheme twice", |raw| {
        refused(
            raw,
            &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "edge"), (":scheme", "http")],
        )
    }),
    case("8.3.1", ":path twice", |raw| {
        refused(raw, &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "edge"), (":path", "/")])
    }),
    case("8.1.1", "a length that is not the body's", |raw| length(raw, &[b"test"])),
    case("8.1.1", "a length that is not the body's, which comes in pieces", |raw| length(raw, &[b"te", b"st"])),
    case("8.4", "PUSH_PROMISE of a client", |raw| {
        raw.frame(PUSH_PROMISE, END_HEADERS, 1, &[vec![0, 0, 0, 3], get()].concat());
        ends(raw, &[PROTOCOL_ERROR])
    }),
];
