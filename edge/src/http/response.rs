//! The head of an origin's answer: parsed strictly, kept with the bytes it came in.

use std::mem::MaybeUninit;

use crate::http::fields::{Span, has_member, members, push_line};
use crate::http::request::number;
use crate::limits::{HEADERS_MAX, RESPONSE_HEAD_BYTES_MAX};

/// How an answer's body is framed (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
    /// Up to the end of the connection.
    Close,
}

/// The origin's head cannot be read, or could be read in two ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadHead;

/// A parsed head with its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// The connection can carry another request after the body.
    pub(crate) keep_alive: bool,
    bytes: Box<[u8]>,
    lines: Vec<(Span, Span)>,
    /// Names listed in Connection: they end at this hop as well.
    connection: Vec<Box<[u8]>>,
}

/// Looks for a head at the start of `buffer`. `Ok(None)`: not complete yet. `Some((head, len))` otherwise.
/// `to_head` says that the request was HEAD, whose answer has no body.
pub(crate) fn parse(buffer: &[u8], to_head: bool) -> Result<Option<(Response, usize)>, BadHead> {
    let mut headers = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let status = config.parse_response_with_uninit_headers(&mut parsed, buffer, &mut headers).map_err(|_| BadHead)?;
    let len = match status {
        httparse::Status::Partial if buffer.len() >= RESPONSE_HEAD_BYTES_MAX => return Err(BadHead),
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(len) => len,
    };
    let bytes: Box<[u8]> = buffer[..len].into();
    let lines: Vec<(Span, Span)> =
        parsed.headers.iter().map(|h| (Span::of(h.name.as_bytes(), buffer), Span::of(h.value, buffer))).collect();
    let mut response = Response {
        status: parsed.code.ok_or(BadHead)?,
        framing: Framing::None,
        keep_alive: parsed.version == Some(1),
        bytes,
        lines,
        connection: Vec::new(),
    };
    if response.status < 100 {
        return Err(BadHead);
    }
    response.read_connection(parsed.version == Some(1));
    response.framing = response.find_framing(to_head)?;
    if response.framing == Framing::Close {
        response.keep_alive = false;
    }
    Ok(Some((response, len)))
}

impl Response {
    /// Header lines in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|(name, value)| (name.of_buffer(&self.bytes), value.of_buffer(&self.bytes)))
    }

    /// Values of every line called `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields().filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Value of the first line called `name`.
    pub(crate) fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// This 206 as the 200 it is a part of: a body of `total` bytes (RFC 9111 section 3.4).
    pub(crate) fn as_whole(&self, total: u64) -> Option<Response> {
        let total = total.to_string();
        let dropped = ["content-range", "content-length", "transfer-encoding"];
        let whole = self.rewritten(&dropped, &[("Content-Length", total.as_bytes())])?;
        Some(Response { framing: self.framing, ..whole })
    }

    /// This as a 200 without the lines called `dropped` and with `added`; framed by what it says then.
    pub(crate) fn rewritten(&self, dropped: &[&str], added: &[(&str, &[u8])]) -> Option<Response> {
        let mut text = b"HTTP/1.1 200 OK\r\n".to_vec();
        let kept =
            self.fields().filter(|(name, _)| !dropped.iter().any(|gone| name.eq_ignore_ascii_case(gone.as_bytes())));
        for (name, value) in kept.chain(added.iter().map(|(name, value)| (name.as_bytes(), *value))) {
            push_line(&mut text, name, value);
        }
        text.extend_from_slice(b"\r\n");
        let rewritten = parse(&text, false).ok().flatten()?.0;
        Some(Response { keep_alive: self.keep_alive, ..rewritten })
    }

    /// Whether Connection lists this field.
    pub(crate) fn is_listed(&self, name: &[u8]) -> bool {
        self.connection.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }

    fn read_connection(&mut self, http_1_1: bool) {
        let mut listed = Vec::new();
        let mut keep_alive = http_1_1;
        for value in self.all("connection") {
            if has_member(value, b"close") {
                keep_alive = false;
            } else if !http_1_1 && has_member(value, b"keep-alive") {
                keep_alive = true;
            }
            listed.extend(members(value).map(Box::from));
        }
        self.keep_alive = keep_alive;
        self.connection = listed;
    }

    fn find_framing(&self, to_head: bool) -> Result<Framing, BadHead> {
        let mut length = None;
        for value in self.all("content-length") {
            let n = number(value).ok_or(BadHead)?;
            if length.is_some_and(|seen| seen != n) {
                return Err(BadHead);
            }
            length = Some(n);
        }
        let codings: Vec<&[u8]> = self.all("transfer-encoding").flat_map(members).collect();
        let chunked = match codings[..] {
            [] => false,
            [coding] if coding.eq_ignore_ascii_case(b"chunked") => true,
            // We offer no other coding (TE), so none may have been applied: a word that is no coding changes nothing, and a coding
            // that was applied all the same could not be undone here.
            _ if codings.iter().any(|coding| is_coding(coding)) || length.is_some() => return Err(BadHead),
            _ => false,
        };
        if to_head || self.status < 200 || self.status == 204 || self.status == 304 {
            return Ok(Framing::None);
        }
        match (length, chunked) {
            (Some(_), true) => Err(BadHead),
            (None, true) => Ok(Framing::Chunked),
            (Some(n), false) => Ok(Framing::Length(n)),
            (None, false) => Ok(Framing::Close),
        }
    }
}

/// Registered transfer codings (RFC 9112 section 7).
fn is_coding(word: &[u8]) -> bool {
    const CODINGS: [&[u8]; 6] = [b"chunked", b"compress", b"deflate", b"gzip", b"x-compress", b"x-gzip"];
    CODINGS.iter().any(|coding| word.eq_ignore_ascii_case(coding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(text: &str) -> Result<Framing, BadHead> {
        parse(text.as_bytes(), false).map(|r| r.expect("complete").0.framing)
    }

    #[test]
    fn an_ambiguous_answer_is_not_read_at_all() {
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), Ok(Framing::Length(3)));
        assert_eq!(
            framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"),
            Ok(Framing::Length(3))
        );
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"), Err(BadHead));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(BadHead));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), Err(BadHead));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), Err(BadHead));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: odd\r\n\r\n"), Err(BadHead));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: odd\r\n\r\n"), Ok(Framing::Close));
        assert_eq!(framing("HTTP/1.1 200 OK\r\n\r\n"), Ok(Framing::Close));
        assert_eq!(framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n"), Ok(Framing::None));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nX : y\r\n\r\n"), Err(BadHead));
        assert_eq!(framing("ICY 200 OK\r\n\r\n"), Err(BadHead));
    }

    #[test]
    fn connection_lists_are_remembered() {
        let text = b"HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nContent-Length: 0\r\n\r\n";
        let (response, len) = parse(text, false).expect("valid").expect("complete");
        assert_eq!(len, text.len());
        assert!(response.is_listed(b"x-hop"));
        assert!(!response.keep_alive);
    }
}
