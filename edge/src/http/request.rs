//! A request's head: parsed strictly, kept as offsets into the connection's buffer so that nothing is copied or allocated.

use std::mem::MaybeUninit;

use crate::http::fields::{Span, has_member};
use crate::http::target;
use crate::limits::{HEADERS_MAX, REQUEST_HEAD_BYTES_MAX, TARGET_BYTES_MAX};
use crate::media::cmcd;
use crate::refusal::Refusal;

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Get,
    Head,
    Options,
    /// Any other: passed through to the origin.
    Other,
}

/// The version of HTTP that a request came in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Version {
    Http10,
    Http11,
    /// A stream of a connection that carries many: what an answer says of its connection means nothing there.
    Http2,
}

/// How a request's body is framed (RFC 9112 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// A parsed head. Spans count from the start of the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) method_word: Span,
    pub(crate) target: Span,
    pub(crate) version: Version,
    /// The connection ends after the answer.
    pub(crate) close: bool,
    pub(crate) framing: Framing,
    pub(crate) expects_continue: bool,
    /// Length of the head with its empty line.
    pub(crate) head_len: usize,
    /// Whether any of the fields below, save `cookie`, is present: without them a hit is the stored answer as it is.
    pub(crate) plain: bool,
    pub(crate) host: Option<Span>,
    pub(crate) range: Option<Span>,
    pub(crate) if_range: Option<Span>,
    pub(crate) if_none_match: Option<Span>,
    pub(crate) if_modified_since: Option<Span>,
    pub(crate) authorization: Option<Span>,
    pub(crate) cookie: Option<Span>,
    pub(crate) cache_control: Option<Span>,
    pub(crate) preflight_method: Option<Span>,
    /// It carries fields of CMCD.
    pub(crate) cmcd: bool,
}

/// What came of looking for a head at the start of a buffer.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// No complete head yet.
    Partial,
    Head(Request),
}

/// Looks for a request's head at the start of `buffer`.
pub(crate) fn parse(buffer: &[u8]) -> Result<Parsed, Refusal> {
    let mut headers = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let status = parsed.parse_with_uninit_headers(buffer, &mut headers).map_err(|e| reason(e, buffer))?;
    let head_len = match status {
        httparse::Status::Partial if buffer.len() >= REQUEST_HEAD_BYTES_MAX => return Err(too_large(buffer)),
        httparse::Status::Partial => return Ok(Parsed::Partial),
        httparse::Status::Complete(len) if len > REQUEST_HEAD_BYTES_MAX => return Err(too_large(buffer)),
        httparse::Status::Complete(len) => len,
    };
    let head = &buffer[..head_len];
    check_line_ends(head)?;
    let target = parsed.path.unwrap_or_default().as_bytes();
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    let method_word = parsed.method.unwrap_or_default().as_bytes();
    let version = if parsed.version == Some(1) { Version::Http11 } else { Version::Http10 };
    let mut request = Request {
        method: method(method_word)?,
        method_word: Span::of(method_word, head),
        target: Span::of(target, head),
        version,
        close: version == Version::Http10,
        framing: Framing::None,
        expects_continue: false,
        head_len,
        plain: true,
        host: None,
        range: None,
        if_range: None,
        if_none_match: None,
        if_modified_since: None,
        authorization: None,
        cookie: None,
        cache_control: None,
        preflight_method: None,
        cmcd: false,
    };
    read_fields(&mut request, head, parsed.headers)?;
    target::check(target)?;
    Ok(Parsed::Head(request))
}

/// Reads the head that a stream of HTTP/2 was written as: the rules of HTTP/1.1, and a start line that says where it came from.
pub(crate) fn parse_http2(head: &mut [u8]) -> Result<Request, Refusal> {
    const FROM: &[u8] = b"HTTP/1.1";
    const TO: &[u8] = b"HTTP/2.0";
    let Parsed::Head(mut request) = parse(head)? else { return Err(Refusal::HeaderSyntax) };
    request.version = Version::Http2;
    let line_end = memchr::memchr(b'\r', head).unwrap_or(head.len());
    let at = line_end.saturating_sub(FROM.len());
    head[at..line_end].copy_from_slice(TO);
    Ok(request)
}

fn read_fields(request: &mut Request, head: &[u8], headers: &[httparse::Header<'_>]) -> Result<(), Refusal> {
    let mut hosts = 0;
    let mut length = None;
    let mut chunked = false;
    for header in headers {
        let (name, value) = (header.name, header.value);
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let span = Span::of(value, head);
        match name.len() {
            4 if is("host") => {
                hosts += 1;
                request.host = Some(span);
            }
            5 if is("range") => once(&mut request.range, span, &mut request.plain)?,
            6 if is("cookie") && request.cookie.is_none() => request.cookie = Some(span),
            6 if is("expect") => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::Expectation);
                }
                request.expects_continue = true;
            }
            8 if is("if-range") => once(&mut request.if_range, span, &mut request.plain)?,
            11 | 12 if cmcd::is_field(name.as_bytes()) => request.cmcd = true,
            10 if is("connection") => {
                if has_member(value, b"close") {
                    request.close = true;
                } else if request.version == Version::Http10 && has_member(value, b"keep-alive") {
                    request.close = false;
                }
            }
            13 if is("if-none-match") => once(&mut request.if_none_match, span, &mut request.plain)?,
            13 if is("authorization") => once(&mut request.authorization, span, &mut request.plain)?,
            13 if is("cache-control") => {
                request.cache_control = Some(span);
                request.plain = false;
            }
            14 if is("content-length") => {
                if length.is_some() {
                    return Err(Refusal::ContentLength);
                }
                length = Some(number(value).ok_or(Refusal::ContentLength)?);
            }
            17 if is("transfer-encoding") => {
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::TransferCoding);
                }
                chunked = true;
            }
            17 if is("if-modified-since") => once(&mut request.if_modified_since, span, &mut request.plain)?,
            // Another edge asks: it is told more than a hit says.
            19 if is("streamgate-edge-key") => request.plain = false,
            29 if is("access-control-request-method") => request.preflight_method = Some(span),
            _ => {}
        }
    }
    if hosts > 1 || (hosts == 0 && request.version == Version::Http11) {
        return Err(Refusal::Host);
    }
    request.framing = match (length, chunked) {
        (Some(_), true) => return Err(Refusal::LengthAndCoding),
        (None, true) if request.version == Version::Http10 => return Err(Refusal::TransferCoding),
        (None, true) => Framing::Chunked,
        (None | Some(0), false) => Framing::None,
        (Some(length), false) => Framing::Length(length),
    };
    Ok(())
}

fn once(slot: &mut Option<Span>, span: Span, plain: &mut bool) -> Result<(), Refusal> {
    *plain = false;
    if slot.replace(span).is_some() {
        return Err(Refusal::HeaderRepeated);
    }
    Ok(())
}

fn method(word: &[u8]) -> Result<Method, Refusal> {
    Ok(match word {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"OPTIONS" => Method::Options,
        b"CONNECT" | b"TRACE" => return Err(Refusal::Method),
        _ => Method::Other,
    })
}

/// Digits only; a sign, a blank or a list is no length.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(value.iter().fold(0u64, |n, d| n * 10 + u64::from(d - b'0')))
}

/// Every line ends in CR LF, and neither stands alone.
fn check_line_ends(head: &[u8]) -> Result<(), Refusal> {
    for at in memchr::memchr_iter(b'\n', head) {
        if at == 0 || head[at - 1] != b'\r' {
            return Err(Refusal::HeaderSyntax);
        }
    }
    Ok(())
}

fn too_large(buffer: &[u8]) -> Refusal {
    let line = buffer.iter().position(|b| *b == b'\r').unwrap_or(buffer.len());
    if line > TARGET_BYTES_MAX { Refusal::TargetTooLong } else { Refusal::HeadTooLarge }
}

fn reason(error: httparse::Error, buffer: &[u8]) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::HeadTooLarge,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Refusal::HeaderSyntax,
        httparse::Error::Version => Refusal::Version,
        // An absolute or odd target stops the request-line parser; a line break there is a broken line.
        httparse::Error::NewLine if buffer.contains(&b':') => Refusal::HeaderSyntax,
        _ => Refusal::RequestLine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Result<&str, Refusal>) {
        let got = match parse(text.as_bytes()) {
            Ok(Parsed::Partial) => Ok("partial".to_owned()),
            Ok(Parsed::Head(r)) => Ok(String::from_utf8_lossy(r.target.of_buffer(text.as_bytes())).into_owned()),
            Err(e) => Err(e),
        };
        assert_eq!(got.as_deref(), want.as_ref().map(|s| *s), "{text:?}");
    }

    #[test]
    fn heads_that_two_readers_could_read_in_two_ways_are_refused() {
        use Refusal as R;
        check("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", Ok("/a"));
        check("GET /a HTTP/1.1\r\nHost: h\r\n", Ok("partial"));
        check("GET /a HTTP/1.0\r\n\r\n", Ok("/a"));
        check("GET /a HTTP/1.1\r\n\r\n", Err(R::Host));
        check("GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", Err(R::Host));
        check("GET /a HTTP/2.0\r\nHost: h\r\n\r\n", Err(R::Version));
        check("GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Err(R::ContentLength));
        check("GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n", Err(R::ContentLength));
        check("GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", Err(R::ContentLength));
        check("GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", Err(R::ContentLength));
        check(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(R::LengthAndCoding),
        );
        check("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Err(R::TransferCoding));
        check("POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", Err(R::TransferCoding));
        check("GET /a HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", Err(R::HeaderSyntax));
        check("GET /a HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", Err(R::HeaderSyntax));
        check("GET /a HTTP/1.1\r\nHost: h\nX: a\r\n\r\n", Err(R::HeaderSyntax));
        check("GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", Err(R::HeaderSyntax));
        check("GET /a HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", Err(R::HeaderSyntax));
        check("GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", Err(R::TargetForm));
        check("GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n", Err(R::TargetTraversal));
        check("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", Err(R::Method));
        check("GET /a HTTP/1.1\r\nHost: h\r\nExpect: a-lot\r\n\r\n", Err(R::Expectation));
        check("GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nRange: bytes=0-1\r\n\r\n", Err(R::HeaderRepeated));
        let long = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(TARGET_BYTES_MAX));
        check(&long, Err(R::TargetTooLong));
        let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(HEADERS_MAX));
        check(&many, Err(R::HeadTooLarge));
        let huge = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "y".repeat(REQUEST_HEAD_BYTES_MAX));
        check(&huge, Err(R::HeadTooLarge));
    }

    #[test]
    fn keep_alive_follows_version_and_connection() {
        let close = |text: &str| match parse(text.as_bytes()) {
            Ok(Parsed::Head(r)) => r.close,
            other => panic!("{other:?}"),
        };
        assert!(!close("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert!(close("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n"));
        assert!(close("GET / HTTP/1.0\r\n\r\n"));
        assert!(!close("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_near_miss_makes_it_panic(at in 0usize..90, with in proptest::prelude::any::<u8>()) {
            let mut text = b"GET /v/a/1.m4s?x=1 HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nContent-Length: 0\r\n\r\n".to_vec();
            let at = at % text.len();
            text[at] = with;
            if let Ok(Parsed::Head(r)) = parse(&text) {
                proptest::prop_assert!(r.head_len <= text.len());
                proptest::prop_assert!(r.target.of_buffer(&text).starts_with(b"/"));
            }
        }
    }
}
