//! What the targets of `fuzz/` call: a function a parser, with what must hold of it whatever came. Built for fuzzing alone.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use ::http::Request;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::config::{Net, TrustedField};
use crate::door::told;
use crate::http::chunked::{Decoder, Step};
use crate::http::request::{self, Parsed};
use crate::http::{cache_control, date, fields, proxy_protocol, range, response, target, vary};
use crate::http2::watch::{PREFACE, Watch, Wrong};
use crate::http2::{self, head};
use crate::media::cmcd;
use crate::stored::saved;
use crate::upstream::fellow;

/// A head is read the same whatever follows it, is not there before its last byte, and nothing of it is read from beyond its end.
pub fn request(bytes: &[u8]) {
    let Ok(Parsed::Head(found)) = request::parse(bytes) else { return };
    let head = &bytes[..found.head_len];
    assert!(head.ends_with(b"\n"), "a head ends with its empty line");
    assert!(!matches!(request::parse(&head[..head.len() - 1]), Ok(Parsed::Head(_))), "a head is whole before its end");
    match request::parse(head) {
        Ok(Parsed::Head(again)) => {
            assert_eq!(format!("{found:?}"), format!("{again:?}"), "what follows changes the reading")
        }
        other => panic!("a head alone is {other:?}"),
    }
    assert_eq!(target::check(found.target.of_buffer(head)), Ok(()), "a target that is refused was let through");
    let _ = fellow::read(head, Some("key"));
    for field in [TrustedField::None, TrustedField::XForwardedFor, TrustedField::Forwarded] {
        let _ = told::client(head, field, &["127.0.0.0/8".parse::<Net>().expect("a network")]);
    }
    let (bare, argument) = cmcd::bare(found.target.of_buffer(head));
    assert!(bare.len() <= found.target.of_buffer(head).len(), "a name grows by what is taken out of it");
    let _ = cmcd::read(head, argument).map(|told| told.map(|told| told.to_json()));
    let _ = vary::codings(fields::fields(head).map(|(_, value)| value));
}

/// An origin's head: the same reading, and nothing is listed that it does not have.
pub fn response(bytes: &[u8]) {
    for to_head in [false, true] {
        let Ok(Some((found, len))) = response::parse(bytes, to_head) else { continue };
        assert!(len <= bytes.len() && found.status >= 100);
        assert!(matches!(response::parse(&bytes[..len - 1], to_head), Ok(None) | Err(_)), "whole before its end");
        let _ = cache_control::of(&found);
        let _ = vary::of(&found);
    }
}

/// A chunked body is the same however it is cut, and nothing is body after its end.
pub fn chunked(bytes: &[u8]) {
    let whole = decode(bytes, bytes.len().max(1));
    for step in [1, 2, 7] {
        assert_eq!(decode(bytes, step), whole, "cut into pieces of {step}");
    }
}

/// The body, and whether it ended; what is wrong with its framing ends it where it is.
fn decode(bytes: &[u8], step: usize) -> (Vec<u8>, Result<bool, ()>) {
    let (mut decoder, mut body) = (Decoder::new(), Vec::new());
    for piece in bytes.chunks(step) {
        let mut left = piece;
        while !left.is_empty() {
            match decoder.step(left) {
                Ok(Step::Skip(count)) => left = &left[count..],
                Ok(Step::Data(count)) => {
                    body.extend_from_slice(&left[..count]);
                    left = &left[count..];
                }
                Ok(Step::End) => return (body, Ok(true)),
                Err(_) => return (body, Err(())),
            }
        }
    }
    (body, Ok(decoder.is_done()))
}

/// Parts lie within the body and are not empty; none is served twice.
pub fn ranges(bytes: &[u8]) {
    let _ = range::told(bytes);
    let Some(asked) = range::parse(bytes) else { return };
    for length in [0, 1, 1000, u64::MAX] {
        let parts = range::resolve(&asked, length);
        assert!(parts.iter().all(|part| part.from < part.to && part.to <= length));
        let sum = parts.iter().map(|part| u128::from(part.to - part.from)).sum::<u128>();
        assert!(sum <= u128::from(length), "more than the body is sent");
    }
}

/// Lists, directives, structured fields and dates of a field's value.
pub fn fields(bytes: &[u8]) {
    let lines = || bytes.split(|byte| *byte == b'\n');
    let _ = (cache_control::parse(lines()), cache_control::targeted(lines()), vary::codings(lines()));
    for line in lines() {
        assert!(fields::members(line).all(|member| member.len() <= line.len()));
        if let Some(seconds) = date::parse(line) {
            assert_eq!(date::parse(&date::format(seconds)), Some(seconds), "a date is written as it is read");
        }
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let _ = target::resolve(&bytes[..at], &bytes[at + 1..], &[b"edge.example"]);
    }
}

/// A PROXY header: what follows does not change it.
pub fn proxy(bytes: &[u8]) {
    if let Ok(proxy_protocol::Told::Header { len, client }) = proxy_protocol::parse(bytes) {
        let again = proxy_protocol::parse(&bytes[..len]);
        assert!(matches!(again, Ok(proxy_protocol::Told::Header { len: l, client: c }) if l == len && c == client));
    }
}

/// A head as it lies on disk: what is read can be written and read again.
pub fn saved(bytes: &[u8]) {
    if let Some(stored) = saved::decode(b"/name", bytes) {
        assert!(saved::decode(b"/name", &saved::encode(&stored)).is_some(), "what was read is written unreadable");
    }
}

/// Frames of HTTP/2, and a whole connection of them with the library as the edge sets it up: how they are cut changes nothing that is
/// counted, and each stream's request is one head of HTTP/1.1 with nothing behind it, or refused.
pub fn http2(bytes: &[u8]) {
    let whole = watched(bytes, bytes.len().max(1));
    for step in [1, 3, 9] {
        assert_eq!(watched(bytes, step), whole, "cut into pieces of {step}");
    }
    const NO_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut context = Context::from_waker(Waker::noop());
    let peer = Peer { says: [PREFACE, NO_SETTINGS, bytes].concat(), at: 0 };
    let Poll::Ready(Ok(mut library)) = pin!(http2::server().handshake::<_, Bytes>(peer)).poll(&mut context) else {
        return;
    };
    while let Poll::Ready(Some(Ok((asked, respond)))) = library.poll_accept(&mut context) {
        stream(asked, respond, &mut context);
    }
}

/// What is wrong with frames that come in pieces of `step`, and since when one is on its way.
fn watched(bytes: &[u8], step: usize) -> Result<Option<u64>, Wrong> {
    let mut watch = Watch::new(1);
    watch.take(PREFACE, 1)?;
    bytes.chunks(step).try_for_each(|piece| watch.take(piece, 2))?;
    Ok(watch.since_ms())
}

fn stream(asked: Request<RecvStream>, mut respond: SendResponse<Bytes>, context: &mut Context<'_>) {
    let (parts, mut body) = asked.into_parts();
    if let Ok(mut written) = head::of_request(&parts, !body.is_end_stream())
        && let Ok(request) = request::parse_http2(&mut written)
    {
        assert_eq!(request.head_len, written.len(), "something follows the head: another request");
        assert_eq!(
            target::check(request.target.of_buffer(&written)),
            Ok(()),
            "a target that is refused was let through"
        );
    }
    while let Poll::Ready(Some(Ok(data))) = body.poll_data(context) {
        let _ = body.flow_control().release_capacity(data.len());
    }
    let written = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 4\r\n\r\nhere";
    let (answered, len) = head::of_answer(written).expect("it is one");
    if let Ok(mut data) = respond.send_response(answered.response, false) {
        let _ = data.send_data(Bytes::from_static(&written[len..]), true);
    }
}

/// A client that has said everything, and takes whatever it is told.
struct Peer {
    says: Vec<u8>,
    at: usize,
}

impl AsyncRead for Peer {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let count = buf.remaining().min(self.says.len() - self.at);
        buf.put_slice(&self.says[self.at..self.at + count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
