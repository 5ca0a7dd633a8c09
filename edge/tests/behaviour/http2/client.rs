//! A well-behaved client of HTTP/2, for what must be the same in both versions.

use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use edge::Edge;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;

use crate::support::{Answer, SOON, lines};

/// A connection, carried by a thread of its own.
pub struct H2 {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
}

/// A request on its way.
pub struct Asked {
    answer: ResponseFuture,
    pub body: SendStream<Bytes>,
}

/// An answer whose body has not been read.
pub struct Head {
    pub answer: Answer,
    pub body: RecvStream,
}

impl H2 {
    pub fn connect(edge: &Edge) -> H2 {
        H2::to(edge.http_addr())
    }

    pub fn to(addr: SocketAddr) -> H2 {
        let runtime = runtime();
        let tcp = TcpStream::connect(addr).expect("the edge accepts");
        tcp.set_nonblocking(true).expect("nonblocking");
        tcp.set_nodelay(true).expect("no delay");
        let stream = {
            let _inside = runtime.enter();
            tokio::net::TcpStream::from_std(tcp).expect("a stream")
        };
        H2::over(runtime, stream)
    }

    /// Over whatever has been connected.
    pub fn over(runtime: Runtime, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> H2 {
        // Room for what a test lets lie: a stream that is not read must not hold up another.
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1 << 22).initial_connection_window_size(1 << 24);
        let (requests, connection) = runtime.block_on(builder.handshake(stream)).expect("HTTP/2");
        runtime.spawn(async move {
            let _ = connection.await;
        });
        H2 { runtime, requests }
    }

    /// Sends a head; with `end` it is all.
    pub fn ask(&mut self, method: &str, target: &str, fields: &str, end: bool) -> Asked {
        let mut request = Request::builder().method(method).uri(format!("http://edge{target}"));
        for line in lines(fields).lines() {
            let (name, value) = line.split_once(':').expect("a field");
            request = request.header(name.to_ascii_lowercase(), value.trim());
        }
        let request = request.body(()).expect("a request");
        let mut ready = self.within(self.requests.clone().ready()).expect("room for a stream");
        let (answer, body) = ready.send_request(request, end).expect("sent");
        Asked { answer, body }
    }

    pub fn get(&mut self, target: &str, fields: &str) -> Answer {
        let asked = self.ask("GET", target, fields, true);
        self.answer(asked)
    }

    /// Waits for the head.
    pub fn head(&self, asked: Asked) -> Result<Head, h2::Error> {
        let (parts, body) = self.within(asked.answer)?.into_parts();
        let mut head = format!("HTTP/2 {}\r\n", parts.status.as_u16());
        for (name, value) in &parts.headers {
            head += &format!("{name}: {}\r\n", value.to_str().expect("text"));
        }
        let status = parts.status.as_u16();
        Ok(Head { answer: Answer { status, head, body: Vec::new() }, body })
    }

    /// Waits for the next piece of a body; empty at its end.
    pub fn piece(&self, head: &mut Head) -> Result<Bytes, h2::Error> {
        match self.within(head.body.data()) {
            None => Ok(Bytes::new()),
            Some(Ok(piece)) => {
                head.body.flow_control().release_capacity(piece.len()).expect("room");
                Ok(piece)
            }
            Some(Err(error)) => Err(error),
        }
    }

    /// At least `len` bytes of the body.
    pub fn at_least(&self, head: &mut Head, len: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while got.len() < len {
            let piece = self.piece(head).expect("more");
            assert!(!piece.is_empty(), "ended after {} of {len} bytes", got.len());
            got.extend_from_slice(&piece);
        }
        got
    }

    /// The answer to its end.
    pub fn answer(&self, asked: Asked) -> Answer {
        let mut head = self.head(asked).expect("an answer");
        let rest = self.rest(&mut head).expect("a body");
        Answer { body: rest, ..head.answer }
    }

    /// What is left of the body.
    pub fn rest(&self, head: &mut Head) -> Result<Vec<u8>, h2::Error> {
        let mut rest = Vec::new();
        loop {
            let piece = self.piece(head)?;
            if piece.is_empty() {
                // An empty piece may also come before the end.
                if head.body.is_end_stream() {
                    return Ok(rest);
                }
                continue;
            }
            rest.extend_from_slice(&piece);
        }
    }

    /// Sends a body, as the window allows.
    pub fn send(&self, asked: &mut Asked, mut body: Bytes, end: bool) -> Result<(), h2::Error> {
        while !body.is_empty() {
            asked.body.reserve_capacity(body.len());
            let room = match asked.body.capacity() {
                0 => match self.within(std::future::poll_fn(|cx| asked.body.poll_capacity(cx))) {
                    // The edge wants no more of it.
                    None => return Ok(()),
                    Some(room) => room?,
                },
                room => room,
            };
            let piece = body.split_to(room.min(body.len()));
            let last = end && body.is_empty();
            asked.body.send_data(piece, last)?;
        }
        Ok(())
    }

    fn within<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(async { tokio::time::timeout(SOON, future).await.expect("in time") })
    }
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}
