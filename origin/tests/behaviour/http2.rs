//! Promised: HTTP/2 on the port of REST is bounded, and says by what; whoever opens streams only to take them back is sent away. Frames
//! by hand (RFC 9113 section 4.1).

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Site;

const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u32 = 0xb;

struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// A connection whose preface is sent, with empty settings.
async fn open(site: &Site) -> TcpStream {
    let mut stream = TcpStream::connect(site.origin.addr()).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

async fn next(stream: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.ok()?;
    Some(Frame { kind: head[3], stream: u32::from_be_bytes(head[5..].try_into().unwrap()), payload })
}

/// HPACK without compression: a POST to the path (RFC 7541 section 6.2.2).
fn post(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86, 0x04, path.len() as u8];
    block.extend_from_slice(path.as_bytes());
    block.extend_from_slice(b"\x01\x06origin");
    for (name, value) in more {
        block.extend_from_slice(&[0, name.len() as u8]);
        block.extend_from_slice(name.as_bytes());
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
    }
    block
}

#[tokio::test(flavor = "multi_thread")]
async fn its_settings_say_how_much_may_be_asked_at_once() {
    let site = Site::start(|_| {}).await;
    let mut stream = open(&site).await;
    let settings = next(&mut stream).await.unwrap();
    assert_eq!((settings.kind, settings.stream), (SETTINGS, 0));
    let said = |wanted: u16| {
        settings.payload.chunks(6).find_map(|one| {
            let name = u16::from_be_bytes(one[..2].try_into().unwrap());
            (name == wanted).then(|| u32::from_be_bytes(one[2..].try_into().unwrap()))
        })
    };
    assert_eq!(said(3), Some(100), "streams at once");
    assert_eq!(said(4), Some(256 << 10), "bytes ahead a stream");
    assert_eq!(said(6), Some(16 << 10), "bytes of a head");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_only_taken_back_end_the_connection() {
    let site = Site::start(|_| {}).await;
    let mut stream = open(&site).await;
    let block = post("/grpc.health.v1.Health/Check", &[("content-type", "application/grpc"), ("te", "trailers")]);
    let mut flood = Vec::new();
    for n in 0..400u32 {
        flood.extend(frame(1, 4, 2 * n + 1, &block));
        flood.extend(frame(3, 0, 2 * n + 1, &8u32.to_be_bytes()));
    }
    // It may be closed while we still write.
    let _ = stream.write_all(&flood).await;
    let mut told = None;
    while let Some(frame) = next(&mut stream).await {
        if frame.kind == GOAWAY {
            told = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
        }
    }
    assert_eq!(told, Some(ENHANCE_YOUR_CALM));
    assert_eq!(site.get("/healthz", &[]).await.status, 200, "everybody else is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_refused_and_the_connection_goes_on() {
    let site = Site::start(|_| {}).await;
    let mut stream = open(&site).await;
    let long = "x".repeat(126);
    let many: Vec<_> = (0..100).map(|_| ("x-filler", long.as_str())).collect();
    let block = post("/healthz", &many);
    // Above what a frame may have: as many follow in another.
    let more = post("/healthz", &many).split_off(20);
    stream.write_all(&frame(1, 0, 1, &block)).await.unwrap();
    stream.write_all(&frame(9, 4, 1, &more)).await.unwrap();
    let answer = loop {
        let frame = next(&mut stream).await.expect("the connection stays");
        if frame.stream == 1 {
            break frame;
        }
    };
    // Either the status 431, or the stream alone is reset.
    assert!(answer.kind == 1 || answer.kind == 3, "{}", answer.kind);
    stream.write_all(&frame(6, 0, 0, b"are here")).await.unwrap();
    loop {
        let frame = next(&mut stream).await.expect("the connection stays");
        if frame.kind == 6 {
            assert_eq!(frame.payload, b"are here");
            return;
        }
    }
}
