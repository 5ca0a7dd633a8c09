//! A scripted origin on the loopback, an edge in front of it, and a client that says exactly what it means.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use edge::{Config, Edge, Source, Upstream};

/// Longest wait for something that must happen.
pub const SOON: Duration = Duration::from_secs(10);
/// How long nothing must happen.
pub const QUIET: Duration = Duration::from_millis(150);

/// A request as the origin received it, with the connection to answer it on.
pub struct Exchange {
    pub head: String,
    pub body: Vec<u8>,
    /// Number of the connection it came on.
    pub connection: usize,
    stream: TcpStream,
    done: Sender<()>,
}

impl Exchange {
    /// `GET /path`
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// Sends raw bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the edge reads");
    }

    /// Sends raw bytes; false when the edge is gone.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a whole answer.
    pub fn answer(mut self, status: &str, fields: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let fields = lines(fields);
        self.send(format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len()));
        self.send(body);
        self.end();
    }

    /// Lets the connection go on to its next request.
    pub fn end(self) {
        let _ = self.done.send(());
    }

    /// Closes the connection.
    pub fn close(self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Turns `a: b; ...` written one a line into wire form.
pub fn lines(fields: &str) -> String {
    fields.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| format!("{l}\r\n")).collect()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (n, value) = line.split_once(':')?;
        n.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An origin that answers nothing by itself: the test takes each request and answers it.
pub struct Origin {
    pub addr: SocketAddr,
    requests: Receiver<Exchange>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Origin {
    pub fn start() -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let (to, requests) = channel();
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let held = open.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (Ok(stream), to) = (stream, to.clone()) else { return };
                held.lock().expect("not poisoned").push(stream.try_clone().expect("a clone"));
                std::thread::spawn(move || read_requests(stream, number, &to));
            }
        });
        Origin { addr, requests, open }
    }

    /// The next request.
    pub fn next(&self) -> Exchange {
        self.requests.recv_timeout(SOON).expect("a request reaches the origin")
    }

    /// The next request, which must be this one.
    pub fn expect(&self, line: &str) -> Exchange {
        let exchange = self.next();
        assert_eq!(exchange.line(), line);
        exchange
    }

    /// The next request, if one comes so soon.
    pub fn next_within(&self, limit: Duration) -> Option<Exchange> {
        self.requests.recv_timeout(limit).ok()
    }

    /// No request comes.
    pub fn expect_none(&self) {
        match self.requests.recv_timeout(QUIET) {
            Err(RecvTimeoutError::Timeout) => {}
            Err(e) => panic!("{e}"),
            Ok(exchange) => panic!("unexpected request: {}", exchange.head),
        }
    }

    /// Answers everything from now on, from a thread of its own, by what it is asked for.
    pub fn answer_all(self, fields: &'static str, body: fn(&str) -> Vec<u8>) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            for mut exchange in self.requests {
                let body = body(exchange.line());
                let head = format!("HTTP/1.1 200 OK\r\n{}Content-Length: {}\r\n\r\n", lines(fields), body.len());
                if exchange.try_send(head) && exchange.try_send(body) {
                    exchange.end();
                }
            }
        })
    }

    /// Closes every connection.
    pub fn hang_up(&self) {
        for stream in self.open.lock().expect("not poisoned").drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn read_requests(stream: TcpStream, connection: usize, to: &Sender<Exchange>) {
    let mut input = Vec::new();
    let mut reader = stream.try_clone().expect("a clone");
    loop {
        let Some(head_len) = read_head(&mut reader, &mut input) else { return };
        let head = String::from_utf8_lossy(&input[..head_len]).into_owned();
        input.drain(..head_len);
        let Some(body) = read_body(&mut reader, &mut input, &head) else { return };
        let (done, wait) = channel();
        let stream = stream.try_clone().expect("a clone");
        if to.send(Exchange { head, body, connection, stream, done }).is_err() || wait.recv().is_err() {
            return;
        }
    }
}

fn read_head(reader: &mut impl Read, input: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(at) = input.windows(4).position(|w| w == b"\r\n\r\n") {
            return Some(at + 4);
        }
        read_some(reader, input)?;
    }
}

fn read_some(reader: &mut impl Read, input: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0u8; 64 * 1024];
    match reader.read(&mut buffer) {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            input.extend_from_slice(&buffer[..count]);
            Some(())
        }
    }
}

fn read_body(reader: &mut impl Read, input: &mut Vec<u8>, head: &str) -> Option<Vec<u8>> {
    if field(head, "transfer-encoding").is_some() {
        return read_chunked(reader, input);
    }
    let length: usize = field(head, "content-length").map_or(0, |v| v.parse().expect("a length"));
    while input.len() < length {
        read_some(reader, input)?;
    }
    Some(input.drain(..length).collect())
}

fn read_chunked(reader: &mut impl Read, input: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            if let Some(at) = input.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = input.drain(..at + 2).collect();
                break String::from_utf8(line).expect("ASCII");
            }
            read_some(reader, input)?;
        };
        let size = usize::from_str_radix(line.trim(), 16).expect("a chunk size");
        while input.len() < size + 2 {
            read_some(reader, input)?;
        }
        body.extend(input.drain(..size));
        assert_eq!(input.drain(..2).collect::<Vec<_>>(), b"\r\n", "a chunk ends in CR LF");
        if size == 0 {
            return Some(body);
        }
    }
}

/// A plain HTTP source at `addr`.
pub fn source(addr: SocketAddr) -> Source {
    Source::parse(&format!("http://{addr}")).expect("an address is a source")
}

/// An edge with one shard in front of `origin`, changed by `change`. A process that is told to (`features.rs`) has all of its edges do
/// without io_uring.
pub fn edge(origin: &Origin, change: impl FnOnce(&mut Config)) -> Edge {
    let mut config = Config::new(Upstream::new(source(origin.addr)));
    config.shards = 1;
    config.pin = false;
    config.ram_bytes = 64 * 1024 * 1024;
    if std::env::var_os(crate::features::LACKS).is_some_and(|lacks| lacks == "io_uring") {
        config.faults.lacks = &["io_uring"];
    }
    change(&mut config);
    edge::start(config).expect("the edge starts")
}

/// An answer as the client received it.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn cache(&self) -> &str {
        self.field("cache-status").expect("Cache-Status is on every answer")
    }

    /// The refusal's name; its problem document must agree.
    pub fn refusal(&self) -> &str {
        let word = self.field("streamgate-refusal").unwrap_or_else(|| panic!("no refusal: {}", self.head));
        assert_eq!(self.field("cache-control"), Some("no-store"));
        assert_eq!(self.field("content-type"), Some("application/problem+json"));
        assert!(self.text().contains(&format!("\"code\":\"{word}\"")), "{}", self.text());
        word
    }
}

/// A client's connection.
pub struct Client {
    pub stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    pub fn connect(edge: &Edge) -> Client {
        Client::to(edge.http_addr())
    }

    /// To an edge of another process.
    pub fn to(addr: SocketAddr) -> Client {
        Client::with(TcpStream::connect(addr).expect("the edge accepts"))
    }

    /// On a connection that was made otherwise.
    pub fn with(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(SOON)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Client { stream, input: Vec::new() }
    }

    /// Asks, and reads the answer's head unless the edge has closed the connection before it was read.
    pub fn try_get(&mut self, target: &str) -> Option<Answer> {
        let _ = self.stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: edge\r\n\r\n").as_bytes());
        let len = read_head(&mut self.stream, &mut self.input)?;
        let head = String::from_utf8_lossy(&self.input[..len]).into_owned();
        self.input.drain(..len);
        Some(Answer { status: head[9..12].parse().expect("a status"), head, body: Vec::new() })
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.stream.write_all(bytes.as_ref()).expect("the edge reads");
        self
    }

    /// Sends a request without waiting for its answer.
    pub fn ask(&mut self, method: &str, target: &str, fields: &str) -> &mut Client {
        let fields = lines(fields);
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: edge\r\n{fields}\r\n"))
    }

    pub fn get(&mut self, target: &str, fields: &str) -> Answer {
        self.ask("GET", target, fields).answer()
    }

    /// Reads the head of the next answer.
    pub fn head(&mut self) -> Answer {
        let len = read_head(&mut self.stream, &mut self.input).unwrap_or_else(|| {
            panic!("no head; received: {:?}", String::from_utf8_lossy(&self.input));
        });
        let head = String::from_utf8_lossy(&self.input[..len]).into_owned();
        self.input.drain(..len);
        let status = head[9..12].parse().expect("a status");
        Answer { status, head, body: Vec::new() }
    }

    /// Reads the next answer to its end.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let has_body = answer.status >= 200 && answer.status != 204 && answer.status != 304;
        if has_body && answer.field("transfer-encoding").is_some() {
            answer.body = read_chunked(&mut self.stream, &mut self.input).expect("a whole chunked body");
        } else if has_body {
            let length = answer.field("content-length").expect("a length").parse().expect("a number");
            answer.body = self.body(length);
        }
        answer
    }

    /// The next chunk of a body in chunks; empty: its end.
    pub fn chunk(&mut self) -> Vec<u8> {
        let end = loop {
            match self.input.windows(2).position(|w| w == b"\r\n") {
                Some(at) => break at,
                None => read_some(&mut self.stream, &mut self.input).expect("a chunk"),
            }
        };
        let size = String::from_utf8_lossy(&self.input[..end]).into_owned();
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("no size: {size:?}"));
        self.input.drain(..end + 2);
        let mut chunk = self.body(size + 2);
        assert_eq!(chunk.split_off(size), b"\r\n", "a chunk ends in CR LF");
        chunk
    }

    /// Reads exactly `length` bytes of body.
    pub fn body(&mut self, length: usize) -> Vec<u8> {
        while self.input.len() < length {
            let here = self.input.len();
            read_some(&mut self.stream, &mut self.input)
                .unwrap_or_else(|| panic!("cut after {here} of {length} bytes"));
        }
        self.input.drain(..length).collect()
    }

    /// Reads to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while read_some(&mut self.stream, &mut self.input).is_some() {}
        std::mem::take(&mut self.input)
    }

    /// The edge ends the connection without saying anything more; what it has not read makes the kernel reset it.
    pub fn expect_closed_or_reset(&mut self) {
        let mut rest = std::mem::take(&mut self.input);
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset),
        }
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }

    /// The edge closes without saying anything more.
    pub fn expect_closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }
}

/// Bytes that differ from place to place.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Waits until `done`, looking often.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < limit, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sum of a refusal's counter over all shards.
pub fn refusals(edge: &Edge, word: &str) -> u64 {
    let reason = format!("reason=\"{word}\"}} ");
    edge.metrics()
        .lines()
        .filter(|line| line.starts_with("streamgate_edge_refusals_total"))
        .filter_map(|line| line.split_once(&reason)?.1.parse::<u64>().ok())
        .sum()
}

/// Sum of a counter over all shards.
pub fn counter(edge: &Edge, name: &str) -> u64 {
    let prefix = format!("streamgate_edge_{name}{{");
    edge.metrics()
        .lines()
        .filter(|line| line.starts_with(&prefix))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}
