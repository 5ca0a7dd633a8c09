//! A client of HTTP/2 that says exactly what it means, frame by frame, sound or not. Heads are written without Huffman and without a table,
//! and read as far as the status.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::SOON;
use edge::Edge;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const INTERNAL_ERROR: u32 = 2;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const STREAM_CLOSED: u32 = 5;
pub const FRAME_SIZE_ERROR: u32 = 6;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const COMPRESSION_ERROR: u32 = 9;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM or GOAWAY.
    pub fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("a code"))
    }

    /// The last stream that GOAWAY names.
    pub fn last_stream(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().expect("a stream"))
    }

    pub fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// The status of HEADERS: its first field.
    pub fn status(&self) -> u16 {
        assert_eq!(self.kind, HEADERS);
        let mut block = &self.payload[..];
        while block[0] & 0xe0 == 0x20 {
            let long = block[0] == 0x3f;
            block = &block[1..];
            while long && block[0] & 0x80 != 0 {
                block = &block[1..];
            }
            block = &block[usize::from(long)..];
        }
        const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
        match block[0] {
            indexed @ 0x88..=0x8e => INDEXED[usize::from(indexed - 0x88)],
            // A literal with the name of field 8, in whichever of the three ways.
            0x48 | 0x08 | 0x18 => digits(&block[1..]),
            other => panic!("no status is indexed as {other:#x}"),
        }
    }
}

/// A string of digits, Huffman-coded or not (RFC 7541 appendix B: 0 to 2 take five bits, the others six).
fn digits(text: &[u8]) -> u16 {
    let (huffman, len) = (text[0] & 0x80 != 0, usize::from(text[0] & 0x7f));
    let bytes = &text[1..=len];
    if !huffman {
        return std::str::from_utf8(bytes).expect("digits").parse().expect("a number");
    }
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let (mut at, mut number) = (0, 0);
    while bits.len() - at >= 8 || bits[at..].contains(&0) {
        let take = |count: usize| bits[at..at + count].iter().fold(0, |n, bit| n << 1 | u16::from(*bit));
        let (digit, count) = if take(5) <= 2 { (take(5), 5) } else { (take(6) - 0x19 + 3, 6) };
        assert!(digit < 10, "no digit");
        number = number * 10 + digit;
        at += count;
    }
    number
}

/// A field as a literal without indexing and with a new name.
pub fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(0);
    for text in [name, value] {
        integer(out, text.len(), 7, 0);
        out.extend_from_slice(text);
    }
}

/// An integer with a prefix of so many bits (RFC 7541 section 5.1).
pub fn integer(out: &mut Vec<u8>, mut n: usize, prefix: u32, pattern: u8) {
    let max = (1 << prefix) - 1;
    if n < max {
        return out.push(pattern | n as u8);
    }
    out.push(pattern | max as u8);
    n -= max;
    while n >= 128 {
        out.push(n as u8 & 0x7f | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        field(&mut out, name.as_bytes(), value.as_bytes());
    }
    out
}

/// A request's head with more fields behind the four that every one has.
pub fn asks(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let four = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "edge")];
    block(&[&four, more].concat())
}

/// A frame in wire form.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// A payload of SETTINGS.
pub fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    pairs.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect()
}

/// What frames go over: a connection, or TLS on one.
pub trait Wire: Read + Write + Send {}

impl<T: Read + Write + Send> Wire for T {}

/// A client's connection.
pub struct Raw {
    wire: Box<dyn Wire>,
    /// The connection below it.
    pub socket: TcpStream,
    input: Vec<u8>,
    /// What the edge has said of itself.
    pub settings: Vec<(u16, u32)>,
}

impl Raw {
    /// Connects and says nothing.
    pub fn connect(edge: &Edge) -> Raw {
        Raw::to(edge.http_addr())
    }

    pub fn to(addr: std::net::SocketAddr) -> Raw {
        Raw::with(TcpStream::connect(addr).expect("the edge accepts"))
    }

    pub fn with(socket: TcpStream) -> Raw {
        socket.set_nodelay(true).expect("no delay");
        Raw::over(socket.try_clone().expect("a clone"), socket)
    }

    /// Over `wire`, which goes over `socket`.
    pub fn over(wire: impl Wire + 'static, socket: TcpStream) -> Raw {
        socket.set_read_timeout(Some(SOON)).expect("a timeout");
        Raw { wire: Box::new(wire), socket, input: Vec::new(), settings: Vec::new() }
    }

    /// Connects and agrees on settings.
    pub fn open(edge: &Edge, ours: &[(u16, u32)]) -> Raw {
        let mut raw = Raw::connect(edge);
        raw.begin(ours);
        raw
    }

    /// Says the preface, and agrees on settings.
    pub fn begin(&mut self, ours: &[(u16, u32)]) {
        self.send(PREFACE);
        self.frame(SETTINGS, 0, 0, &settings(ours));
        let mut acknowledged = false;
        while self.settings.is_empty() || !acknowledged {
            let frame = self.next().expect("settings");
            match (frame.kind, frame.flags & ACK) {
                (SETTINGS, 0) => {
                    let pair =
                        |p: &[u8]| (u16::from_be_bytes([p[0], p[1]]), u32::from_be_bytes([p[2], p[3], p[4], p[5]]));
                    self.settings = frame.payload.chunks(6).map(pair).collect();
                    self.frame(SETTINGS, ACK, 0, b"");
                }
                (SETTINGS, _) => acknowledged = true,
                (WINDOW_UPDATE, _) => {}
                _ => panic!("{frame:?} at the start"),
            }
        }
    }

    /// What the edge has said of this setting.
    pub fn setting(&self, id: u16) -> Option<u32> {
        self.settings.iter().find(|(known, _)| *known == id).map(|(_, value)| *value)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.write_all(bytes.as_ref()).expect("the edge reads");
    }

    /// False: the edge is gone.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.wire.write_all(bytes.as_ref()).is_ok()
    }

    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        // One that has been told off may be gone by now; what it has said is what counts.
        let _ = self.try_send(frame(kind, flags, stream, payload));
    }

    /// A head, in as many frames as it takes.
    pub fn head(&mut self, flags: u8, stream: u32, block: &[u8]) {
        let mut pieces = block.chunks(16_384).peekable();
        let mut kind = HEADERS;
        while let Some(piece) = pieces.next() {
            let flags = if kind == HEADERS { flags } else { 0 };
            let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
            self.frame(kind, flags | last, stream, piece);
            kind = CONTINUATION;
        }
    }

    /// A request without a body.
    pub fn get(&mut self, stream: u32, path: &str) {
        self.frame(HEADERS, END_HEADERS | END_STREAM, stream, &asks("GET", path, &[]));
    }

    pub fn window(&mut self, stream: u32, bytes: u32) {
        self.frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    }

    /// The next frame; `None`: the edge has closed.
    pub fn next(&mut self) -> Option<Frame> {
        self.next_within(SOON).unwrap_or_else(|| panic!("nothing came"))
    }

    /// The next frame, if one comes within `wait`; `Some(None)`: the edge has closed.
    pub fn next_within(&mut self, wait: Duration) -> Option<Option<Frame>> {
        self.socket.set_read_timeout(Some(wait)).expect("a timeout");
        loop {
            if let Some(frame) = self.take() {
                return Some(Some(frame));
            }
            let mut buffer = [0; 64 * 1024];
            match self.wire.read(&mut buffer) {
                Ok(0) => return Some(None),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return Some(None),
                Err(_) => return None,
            }
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.input.get(..9)?.try_into().expect("nine bytes");
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = self.input.get(9..9 + len)?.to_vec();
        self.input.drain(..9 + len);
        let stream = u32::from_be_bytes(head[5..].try_into().expect("four bytes"));
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame that `wanted` holds for; others are passed over.
    pub fn find(&mut self, what: &str, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.next().unwrap_or_else(|| panic!("closed before {what}"));
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// An answer on `stream`: its status, and its body to the end. Gives back the windows.
    pub fn answer(&mut self, stream: u32) -> (u16, Vec<u8>) {
        let mut head = self.find("a head", |f| f.kind == HEADERS && f.stream == stream);
        while head.status() < 200 {
            head = self.find("a head", |f| f.kind == HEADERS && f.stream == stream);
        }
        let status = head.status();
        let mut body = Vec::new();
        let mut ended = head.ends_stream();
        while !ended {
            let frame = self.find("the end", |f| f.stream == stream);
            assert_eq!(frame.kind, DATA, "{frame:?}");
            ended = frame.ends_stream();
            if !frame.payload.is_empty() {
                self.window(0, frame.payload.len() as u32);
                if !ended {
                    self.window(stream, frame.payload.len() as u32);
                }
            }
            body.extend_from_slice(&frame.payload);
        }
        (status, body)
    }

    /// The edge ends the connection by GOAWAY with `code`.
    pub fn expect_goaway(&mut self, code: u32) -> Frame {
        let frame = self.find("GOAWAY", |f| f.kind == GOAWAY);
        assert_eq!(frame.code(), code, "{frame:?} {:?}", String::from_utf8_lossy(&frame.payload[8..]));
        frame
    }

    /// The edge resets `stream` with `code`.
    pub fn expect_reset(&mut self, stream: u32, code: u32) {
        let frame = self.find("RST_STREAM", |f| f.stream == stream && (f.kind == RST_STREAM || f.ends_stream()));
        assert_eq!((frame.kind, frame.code()), (RST_STREAM, code), "{frame:?}");
    }

    /// The connection is as good as ever.
    pub fn expect_pong(&mut self) {
        self.frame(PING, 0, 0, b"are you?");
        self.find("a pong", |f| f.kind == PING && f.flags & ACK != 0 && f.payload == b"are you?");
    }

    /// The edge closes, whatever it says before.
    pub fn expect_closed(&mut self) {
        while self.next().is_some() {}
    }
}
