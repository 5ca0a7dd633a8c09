//! Section 6 of RFC 9113: each frame, and where it has no place.

use super::*;

fn set(raw: &mut Raw, id: u16, value: u32) {
    raw.frame(SETTINGS, 0, 0, &settings(&[(id, value)]));
}

pub const CASES: &[Case] = &[
    case("6.1", "DATA on the connection", |raw| {
        raw.frame(DATA, END_STREAM, 0, b"test");
        ends(raw, &[PROTOCOL_ERROR])
    }),
    with("6.1", "DATA on a stream that is not open", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        raw.frame(DATA, END_STREAM, 1, b"test");
        resets(raw, 1, &[STREAM_CLOSED])
    }),
    case("6.1", "DATA with more padding than there is", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(DATA, END_STREAM | PADDED, 1, b"\x05test");
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.2", "PRIORITY behind HEADERS that do not end", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255]);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.2", "HEADERS of another stream behind HEADERS that do not end", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(HEADERS, ASK, 3, &get());
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.2", "HEADERS on the connection", |raw| {
        raw.get(0, "/");
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.2", "HEADERS with more padding than there is", |raw| {
        let head = get();
        raw.frame(HEADERS, ASK | PADDED, 1, &[vec![head.len() as u8 + 1], head].concat());
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.3", "PRIORITY on the connection", |raw| {
        raw.frame(PRIORITY, 0, 0, &[0, 0, 0, 0, 255]);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.3", "PRIORITY that is not of five bytes", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(PRIORITY, 0, 1, &[0, 0, 0, 1]);
        resets(raw, 1, &[FRAME_SIZE_ERROR])
    }),
    case("6.4", "RST_STREAM on the connection", |raw| {
        raw.frame(RST_STREAM, 0, 0, &CANCEL.to_be_bytes());
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.4", "RST_STREAM on an idle stream", |raw| {
        raw.frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.4", "RST_STREAM that is not of four bytes", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(RST_STREAM, 0, 1, &[0; 3]);
        ends(raw, &[FRAME_SIZE_ERROR])
    }),
    case("6.5", "SETTINGS that acknowledge and say something", |raw| {
        raw.frame(SETTINGS, ACK, 0, &[0]);
        ends(raw, &[FRAME_SIZE_ERROR])
    }),
    case("6.5", "SETTINGS on a stream", |raw| {
        raw.frame(SETTINGS, 0, 1, &settings(&[(3, 10)]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.5", "SETTINGS that are not of six bytes each", |raw| {
        raw.frame(SETTINGS, 0, 0, &[0, 3, 0]);
        ends(raw, &[FRAME_SIZE_ERROR])
    }),
    case("6.5.2", "ENABLE_PUSH that is neither 0 nor 1", |raw| {
        set(raw, 2, 2);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.5.2", "INITIAL_WINDOW_SIZE above the largest", |raw| {
        set(raw, 4, 1 << 31);
        ends(raw, &[FLOW_CONTROL_ERROR])
    }),
    case("6.5.2", "MAX_FRAME_SIZE below the smallest", |raw| {
        set(raw, 5, (1 << 14) - 1);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.5.2", "MAX_FRAME_SIZE above the largest", |raw| {
        set(raw, 5, 1 << 24);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.5.2", "a setting that is unknown is ignored", |raw| {
        set(raw, 0xff, 1);
        alive(raw)
    }),
    case("6.5.3", "of a setting that stands twice the last counts", |raw| {
        raw.frame(SETTINGS, 0, 0, &settings(&[(4, 100), (4, 1)]));
        raw.get(1, "/");
        data(raw, 1)
    }),
    case("6.5.3", "SETTINGS are acknowledged at once", |raw| {
        raw.frame(SETTINGS, 0, 0, b"");
        find(raw, |f| f.kind == SETTINGS && f.flags & ACK != 0).map(|_| ())
    }),
    case("6.7", "PING", alive),
    case("6.7", "PING that is an answer is not answered", |raw| {
        raw.frame(PING, ACK, 0, b"answered");
        raw.frame(PING, 0, 0, b"anybody?");
        let frame = find(raw, |f| f.kind == PING)?;
        if frame.payload == b"anybody?" { Ok(()) } else { Err(format!("{frame:?}")) }
    }),
    case("6.7", "PING on a stream", |raw| {
        raw.frame(PING, 0, 1, &[0; 8]);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.7", "PING that is not of eight bytes", |raw| {
        raw.frame(PING, 0, 0, &[0; 6]);
        ends(raw, &[FRAME_SIZE_ERROR])
    }),
    case("6.8", "GOAWAY on a stream", |raw| {
        raw.frame(GOAWAY, 0, 1, &[0; 8]);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.9", "WINDOW_UPDATE by nothing on the connection", |raw| {
        raw.window(0, 0);
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.9", "WINDOW_UPDATE by nothing on a stream", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.window(1, 0);
        resets(raw, 1, &[PROTOCOL_ERROR])
    }),
    case("6.9", "WINDOW_UPDATE that is not of four bytes", |raw| {
        raw.frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1]);
        ends(raw, &[FRAME_SIZE_ERROR])
    }),
    with("6.9.1", "not more is sent than the window allows", &[(4, 1)], |raw| {
        raw.get(1, "/");
        data(raw, 1)
    }),
    case("6.9.1", "a window of the connection above the largest", |raw| {
        raw.window(0, (1 << 31) - 1);
        raw.window(0, (1 << 31) - 1);
        ends(raw, &[FLOW_CONTROL_ERROR])
    }),
    with("6.9.1", "a window of a stream above the largest", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        raw.frame(HEADERS, END_HEADERS, 3, &post());
        raw.window(3, (1 << 31) - 1);
        raw.window(3, (1 << 31) - 1);
        resets(raw, 3, &[FLOW_CONTROL_ERROR])
    }),
    with("6.9.2", "a window that grows by a setting", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        set(raw, 4, 1);
        data(raw, 1)
    }),
    with("6.9.2", "a window that a setting makes negative", &[(4, 3)], |raw| {
        raw.get(1, "/");
        data(raw, 3)?;
        set(raw, 4, 2);
        raw.window(1, 2);
        data(raw, 1)
    }),
    case("6.9.2", "a first window above the largest", |raw| {
        set(raw, 4, 1 << 31);
        ends(raw, &[FLOW_CONTROL_ERROR])
    }),
    case("6.10", "CONTINUATION several times", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        for name in ["a", "b", "c"] {
            raw.frame(CONTINUATION, 0, 1, &block(&[(name, "y")]));
        }
        raw.frame(CONTINUATION, END_HEADERS, 1, b"");
        answered(raw)
    }),
    case("6.10", "DATA behind CONTINUATION that does not end", |raw| {
        raw.frame(HEADERS, 0, 1, &post());
        raw.frame(CONTINUATION, 0, 1, &block(&[("x", "y")]));
        raw.frame(DATA, END_STREAM, 1, b"test");
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.10", "CONTINUATION on the connection", |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(CONTINUATION, END_HEADERS, 0, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
    with("6.10", "CONTINUATION behind HEADERS that end", CLOSED_WINDOW, |raw| {
        raw.get(1, "/");
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
    with("6.10", "CONTINUATION behind CONTINUATION that ends", CLOSED_WINDOW, |raw| {
        raw.frame(HEADERS, END_STREAM, 1, &get());
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
    case("6.10", "CONTINUATION behind DATA", |raw| {
        raw.frame(HEADERS, END_HEADERS, 1, &post());
        raw.frame(DATA, 0, 1, b"test");
        raw.frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]));
        ends(raw, &[PROTOCOL_ERROR])
    }),
];
