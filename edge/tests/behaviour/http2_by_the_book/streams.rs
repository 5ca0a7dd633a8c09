//! Sections 3 to 5 of RFC 9113: how a connection begins, frames, streams and their states.

use super::*;

/// A stream that the client has ended and the server has not.
fn half_closed(raw: &mut Raw) {
    raw.get(1, "/");
}

/// A stream that the client has reset.
fn reset(raw: &mut Raw) {
    raw.frame(HEADERS, END_HEADERS, 1, &post());
    raw.frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
}

/// A stream that both have ended.
fn closed(raw: &mut Raw) -> Seen {
    raw.get(1, "/");
    answered(raw)
}

pub const CASES: &[Case] = &[
    case("3.4", "a preface, and SETTINGS, is all it takes", |raw| {
        raw.begin(&[]);
        alive(raw)
    }),
    case("3.4", "what is no preface ends the connection", |raw| {
        raw.send(b"INVALID CONNECTION PREFACE\r\n\r\n");
        // In the clear it may be the other version; whatever is said of it, it is the last.
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut raw.socket, &mut rest).map(|_| ()).map_err(|e| e.to_string())
    }),
    case("4.1", "a frame of an unknown type is ignored", |raw| {
        raw.frame(0x16, 0, 0, &[0; 8]);
        alive(raw)
    }),
    case("4.1", "flags that mean nothing are ignored", |raw| {
        raw.frame(PING, 0x16, 0, b"anybody?");
        find(raw, |f| f.kind == PING && f.flags & ACK != 0).map(|_| ())
    }),
    case("4.1", "the reserved bit is ignored", |raw| {
        raw.frame(PING, 0, 1 << 31, b"anybody?");
        find(raw, |f| f.kind == PING && f.flags & ACK != 0).map(|_| ())
    }),
    case("4.2", "DATA of 2^14 bytes is taken", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(DATA, END_STREAM, 1, &[b'x'; 1 << 14]);
        answered(raw)
    }),
    case("4.2", "DATA of more is a frame size error", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(DATA, END_STREAM, 1, &[b'x'; (1 << 14) + 1]);
        resets(raw, 1, &[FRAME_SIZE_ERROR])
    }),
    case("4.2", "HEADERS of more end the connection", |raw| {
        raw.frame(HEADERS, ASK, 1, &asks("GET", "/", &[("x", &"y".repeat(1 << 14))]));
        ends(raw, &[FRAME_SIZE_ERROR])
    }),
    case("4.3", "a block that cannot be decoded ends the connection", |raw| {
        raw.frame(HEADERS, ASK, 1, b"\x40\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
        ends(raw, &[COMPRESSION_ERROR])
    }),
    case("4.3", "PRIORITY within a head ends the connection", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255]);
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("4.3", "HEADERS of another stream within a head end the connection", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(HEADERS, ASK, 3, &get());
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("5.1", "idle: DATA", |raw| {
        raw.frame(DATA, END_STREAM, 1, b"test");
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("5.1", "idle: RST_STREAM", |raw| {
        raw.frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("5.1", "idle: WINDOW_UPDATE", |raw| {
        raw.window(1, 100);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("5.1", "idle: CONTINUATION", |raw| {
        raw.frame(CONTINUATION, END_HEADERS, 1, &get());
        ends(raw, &[PROTOCOL_ERROR])
    }),
    with("5.1", "half-closed: DATA", CLOSED_WINDOW, |raw| {
        half_closed(raw);
        raw.frame(DATA, END_STREAM, 1, b"test");
        resets(raw, 1, &[STREAM_CLOSED])
    }),
    with("5.1", "half-closed: HEADERS", CLOSED_WINDOW, |raw| {
        half_closed(raw);
        raw.get(1, "/");
        resets(raw, 1, &[STREAM_CLOSED])
    }),
    with("5.1", "half-closed: CONTINUATION", CLOSED_WINDOW, |raw| {
        half_closed(raw);
        raw.frame(CONTINUATION, END_HEADERS, 1, &get());
        resets(raw, 1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    case("5.1", "reset: DATA", |raw| {
        reset(raw);
        raw.frame(DATA, END_STREAM, 1, b"test");
        resets(raw, 1, &[STREAM_CLOSED])
    }),
    case("5.1", "reset: HEADERS", |raw| {
        reset(raw);
        raw.get(1, "/");
        resets(raw, 1, &[STREAM_CLOSED])
    }),
    case("5.1", "reset: CONTINUATION", |raw| {
        reset(raw);
        raw.frame(CONTINUATION, END_HEADERS, 1, &get());
        resets(raw, 1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    case("5.1", "closed: DATA", |raw| {
        closed(raw)?;
        raw.frame(DATA, END_STREAM, 1, b"test");
        resets(raw, 1, &[STREAM_CLOSED])
    }),
    case("5.1", "closed: HEADERS", |raw| {
        closed(raw)?;
        raw.get(1, "/");
        resets(raw, 1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    case("5.1", "closed: CONTINUATION", |raw| {
        closed(raw)?;
        raw.frame(CONTINUATION, END_HEADERS, 1, &get());
        ends(raw, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    case("5.1.1", "an even stream ends the connection", |raw| {
        raw.get(2, "/");
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("5.1.1", "a stream below the last one ends the connection", |raw| {
        raw.get(5, "/");
        raw.get(3, "/");
        ends(raw, &[PROTOCOL_ERROR, STREAM_CLOSED])
    }),
    with("5.1.2", "a stream too many is refused", CLOSED_WINDOW, |raw| {
        let max = raw.setting(3).ok_or("no bound on streams")?;
        for number in 0..=max {
            raw.get(number * 2 + 1, "/");
        }
        resets(raw, max * 2 + 1, &[REFUSED_STREAM, PROTOCOL_ERROR])
    }),
    case("5.3.1", "HEADERS that depend on their own stream", |raw| {
        raw.frame(HEADERS, ASK | PRIORITIZED, 1, &[vec![0, 0, 0, 1, 255], get()].concat());
        // RFC 9113 has no dependencies any more: to answer is as right as the error of RFC 7540.
        let frame = find(raw, |f| f.stream == 1 || f.kind == GOAWAY)?;
        match frame.kind {
            HEADERS if frame.status() == 200 => Ok(()),
            RST_STREAM | GOAWAY if frame.code() == PROTOCOL_ERROR => Ok(()),
            _ => Err(format!("{frame:?}")),
        }
    }),
    case("5.3.1", "PRIORITY that depends on its own stream", |raw| {
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 255]);
        raw.frame(PING, 0, 0, b"anybody?");
        let frame = find(raw, |f| matches!(f.kind, PING | RST_STREAM | GOAWAY))?;
        if frame.kind == PING || frame.code() == PROTOCOL_ERROR { Ok(()) } else { Err(format!("{frame:?}")) }
    }),
    case("5.4.1", "a connection that is in error is closed", |raw| {
        raw.frame(PING, 0, 0, &[0; 6]);
        while next(raw)?.is_some() {}
        Ok(())
    }),
    case("5.4.1", "a connection error says which stream was the last", |raw| {
        raw.get(1, "/");
        answered(raw)?;
        raw.frame(PING, 0, 0, &[0; 6]);
        let frame = find(raw, |f| f.kind == GOAWAY)?;
        if (frame.code(), frame.last_stream()) == (FRAME_SIZE_ERROR, 1) { Ok(()) } else { Err(format!("{frame:?}")) }
    }),
    case("5.5", "an unknown frame is ignored on a stream as well", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(0x16, 0, 1, b"test");
        raw.frame(DATA, END_STREAM, 1, b"test");
        answered(raw)
    }),
    case("5.5", "an unknown frame within a head ends the connection", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(0x16, 0, 0, b"test");
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
];
