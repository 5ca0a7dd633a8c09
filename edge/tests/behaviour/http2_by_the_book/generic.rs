//! What a server takes: every kind of frame, and every way to write a field.

use super::*;

/// A head in which one field is written in some way, and what the table must allow for it.
fn written(raw: &mut Raw, more: &[u8]) -> Seen {
    raw.frame(HEADERS, ASK, 1, &[get(), more.to_vec()].concat());
    answered(raw)?;
    alive(raw)
}

fn priority(raw: &mut Raw, stream: u32, payload: &[u8; 5]) -> Seen {
    raw.frame(PRIORITY, 0, stream, payload);
    raw.get(1, "/");
    answered(raw)
}

fn body(raw: &mut Raw, pieces: &[(u8, &[u8])]) -> Seen {
    raw.frame(HEADERS, END_HEADERS, 1, &post());
    for (flags, piece) in pieces {
        raw.frame(DATA, *flags, 1, piece);
    }
    answered(raw)
}

pub const CASES: &[Case] = &[
    case("3.4", "the server's preface is SETTINGS, after the client's preface", |raw| {
        raw.send(PREFACE);
        raw.frame(SETTINGS, 0, 0, b"");
        match next(raw)? {
            Some(frame) if frame.kind == SETTINGS && frame.flags & ACK == 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }),
    case("5.1", "PRIORITY on an idle stream is taken", |raw| {
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255]);
        alive(raw)
    }),
    with("5.1", "WINDOW_UPDATE on a half-closed stream is taken", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        raw.window(1, 1);
        data(raw, 1)
    }),
    with("5.1", "PRIORITY on a half-closed stream is taken", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255]);
        raw.window(1, 1);
        data(raw, 1)
    }),
    with("5.1", "RST_STREAM on a half-closed stream is taken", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        raw.frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
        alive(raw)
    }),
    case("5.1", "PRIORITY on a closed stream is taken", |raw| {
        raw.get(1, "/");
        answered(raw)?;
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255]);
        alive(raw)
    }),
    case("6.1", "DATA", |raw| body(raw, &[(END_STREAM, b"test")])),
    case("6.1", "DATA in several frames", |raw| body(raw, &[(0, b"test"), (END_STREAM, b"test")])),
    case("6.1", "DATA with padding", |raw| body(raw, &[(END_STREAM | PADDED, b"\x06test\0\0\0\0\0\0")])),
    case("6.2", "HEADERS", |raw| {
        raw.get(1, "/");
        answered(raw)
    }),
    case("6.2", "HEADERS with padding", |raw| {
        raw.frame(HEADERS, ASK | PADDED, 1, &[vec![6], get(), vec![0; 6]].concat());
        answered(raw)
    }),
    case("6.2", "HEADERS with a priority", |raw| {
        raw.frame(HEADERS, ASK | PRIORITIZED, 1, &[vec![0, 0, 0, 0, 255], get()].concat());
        answered(raw)
    }),
    case("6.3", "PRIORITY with weight 1", |raw| priority(raw, 1, &[0, 0, 0, 0, 0])),
    case("6.3", "PRIORITY with weight 256", |raw| priority(raw, 1, &[0, 0, 0, 0, 255])),
    case("6.3", "PRIORITY with a dependency", |raw| priority(raw, 3, &[0, 0, 0, 1, 0])),
    case("6.3", "PRIORITY that is exclusive", |raw| priority(raw, 1, &[0x80, 0, 0, 0, 0])),
    case("6.3", "PRIORITY on an idle stream opens it no more than those below", |raw| {
        priority(raw, 3, &[0, 0, 0, 0, 255])
    }),
    case("6.4", "RST_STREAM", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
        alive(raw)
    }),
    case("6.5", "SETTINGS are acknowledged", |raw| {
        raw.frame(SETTINGS, 0, 0, &settings(&[(3, 100)]));
        find(raw, |f| f.kind == SETTINGS && f.flags & ACK != 0).map(|_| ())
    }),
    case("6.7", "PING is answered with what it carries", alive),
    case("6.8", "GOAWAY is taken", |raw| {
        raw.frame(GOAWAY, 0, 0, &[0; 8]);
        raw.frame(PING, 0, 0, b"anybody?");
        // Who has nothing to do any more may close, in good order.
        or_goodbye(raw)
    }),
    case("6.9", "WINDOW_UPDATE on the connection", |raw| {
        raw.window(0, 1);
        alive(raw)
    }),
    with("6.9", "WINDOW_UPDATE on a stream", CLOSED_WINDOW, |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.window(1, 1);
        alive(raw)
    }),
    case("6.10", "CONTINUATION", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        answered(raw)
    }),
    case("6.10", "CONTINUATION in several frames", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(CONTINUATION, 0, 1, &block(&[("x", "y")]));
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("z", "y")]));
        answered(raw)
    }),
    case("8.1", "GET", |raw| {
        raw.get(1, "/");
        answered(raw)
    }),
    case("8.1", "HEAD", |raw| {
        raw.frame(HEADERS, ASK, 1, &asks("HEAD", "/", &[]));
        answered(raw)
    }),
    case("8.1", "POST", |raw| body(raw, &[(END_STREAM, b"test")])),
    case("8.1", "POST with trailers", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &asks("POST", "/", &[("trailer", "x-test")]));
        raw.frame(DATA, 0, 1, b"test");
        raw.frame(HEADERS, ASK, 1, &block(&[("x-test", "ok")]));
        answered(raw)
    }),
    // 0x82: `:method: GET`. The four pseudo-fields by their indices, the authority by its name's.
    case("H6.1", "an indexed field", |raw| {
        raw.frame(HEADERS, ASK, 1, b"\x82\x86\x84\x01\x04edge");
        answered(raw)
    }),
    // "user-agent" is field 58; "a" is 00011 in Huffman's code, padded with ones.
    case("H6.2.1", "a literal that is indexed, with an indexed name", |raw| written(raw, b"\x7a\x01a")),
    case("H6.2.1", "a literal that is indexed, with an indexed name, in Huffman's code", |raw| {
        written(raw, b"\x7a\x81\x1f")
    }),
    case("H6.2.1", "a literal that is indexed, with a new name", |raw| written(raw, b"\x40\x01a\x01a")),
    case("H6.2.1", "a literal that is indexed, with a new name, in Huffman's code", |raw| {
        written(raw, b"\x40\x81\x1f\x81\x1f")
    }),
    case("H6.2.2", "a literal that is not indexed, with an indexed name", |raw| written(raw, b"\x0f\x2b\x01a")),
    case("H6.2.2", "a literal that is not indexed, with an indexed name, in Huffman's code", |raw| {
        written(raw, b"\x0f\x2b\x81\x1f")
    }),
    case("H6.2.2", "a literal that is not indexed, with a new name", |raw| written(raw, b"\x00\x01a\x01a")),
    case("H6.2.2", "a literal that is not indexed, with a new name, in Huffman's code", |raw| {
        written(raw, b"\x00\x81\x1f\x81\x1f")
    }),
    case("H6.2.3", "a literal that is never indexed, with an indexed name", |raw| written(raw, b"\x1f\x2b\x01a")),
    case("H6.2.3", "a literal that is never indexed, with an indexed name, in Huffman's code", |raw| {
        written(raw, b"\x1f\x2b\x81\x1f")
    }),
    case("H6.2.3", "a literal that is never indexed, with a new name", |raw| written(raw, b"\x10\x01a\x01a")),
    case("H6.2.3", "a literal that is never indexed, with a new name, in Huffman's code", |raw| {
        written(raw, b"\x10\x81\x1f\x81\x1f")
    }),
    case("H6.3", "a size update", |raw| {
        raw.frame(HEADERS, ASK, 1, &[b"\x20".to_vec(), get()].concat());
        answered(raw)
    }),
    case("H6.3", "two size updates", |raw| {
        raw.frame(HEADERS, ASK, 1, &[b"\x20\x3f\xe1\x1f".to_vec(), get()].concat());
        answered(raw)
    }),
];
