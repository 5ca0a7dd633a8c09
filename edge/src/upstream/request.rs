//! The request an origin is sent: what the client sent, less what is ours, what ends at this hop, and what would split the cache.

use std::net::IpAddr;

use crate::config::Upstream;
use crate::http::fields::{ends_here, fields, has_member, is_ours, push_line};
use crate::http::request::number;
use crate::http::vary;
use crate::media::cmcd;
use crate::stored::push_number;
use crate::upstream::loops;

/// The cookie that may carry a playback token.
pub(crate) const TOKEN_COOKIE: &[u8] = b"streamgate";

/// What the request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// An answer that others may be given: no range, no precondition, codings in a form that many clients share.
    Fetch,
    /// An answer for this client alone. The origin is told who it is, when it is known; never in a fetch, whose answer is shared.
    Pass(Option<IpAddr>),
}

/// A request's body as the origin is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sized {
    None,
    Length(u64),
    Chunked,
}

/// What goes to the origin, and what of the client's identity is in it.
pub(crate) struct Forwarded {
    /// Request line and fields, without `Host`, which depends on who is asked, and without the final empty line.
    pub(crate) head: Vec<u8>,
    pub(crate) authorised: bool,
    pub(crate) cookie: bool,
}

/// Fields that would make one client's answer differ, or that the edge answers for itself.
const NOT_FOR_FETCH: [&[u8]; 11] = [
    b"range",
    b"if-range",
    b"if-match",
    b"if-none-match",
    b"if-modified-since",
    b"if-unmodified-since",
    b"accept-encoding",
    b"origin",
    b"cache-control",
    b"pragma",
    b"priority",
];
/// Fields written anew, or never forwarded: the forwarding ones would let a client choose what the origin puts in a shared answer.
const NEVER: [&[u8]; 10] = [
    b"host",
    b"content-length",
    b"expect",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-original-url",
    b"x-rewrite-url",
    b"http2-settings",
];

/// Builds the head. `client` is the client's validated head, `is_token` says whether a bearer credential is one of our tokens.
pub(crate) fn forward(
    method: &[u8],
    target: &[u8],
    client: &[u8],
    upstream: &Upstream,
    purpose: Purpose,
    sized: Sized,
    is_token: impl Fn(&[u8]) -> bool,
) -> Forwarded {
    let mut head = Vec::with_capacity(client.len() + 256);
    for part in [method, b" ", target, b" HTTP/1.1\r\n"] {
        head.extend_from_slice(part);
    }
    let mut forwarded = Forwarded { head, authorised: false, cookie: false };
    let listed: Vec<&[u8]> =
        fields(client).filter(|(n, _)| n.eq_ignore_ascii_case(b"connection")).map(|(_, v)| v).collect();
    for (name, value) in fields(client) {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let skipped = ends_here(name)
            || is_ours(name)
            || loops::is_ours(name)
            || cmcd::is_field(name)
            || NEVER.iter().any(|n| is(n))
            || (purpose == Purpose::Fetch && NOT_FOR_FETCH.iter().any(|n| is(n)))
            || listed.iter().any(|list| has_member(list, name));
        if skipped {
            continue;
        }
        if is(b"max-forwards") && method == b"OPTIONS" {
            if let Some(left) = number(value).and_then(|hops| hops.checked_sub(1)) {
                push_line(&mut forwarded.head, name, left.to_string().as_bytes());
            }
            continue;
        }
        if is(b"authorization") {
            if bearer(value).is_some_and(&is_token) {
                continue;
            }
            forwarded.authorised = true;
        }
        if is(b"cookie") {
            let value = without_token(value);
            if value.is_empty() {
                continue;
            }
            forwarded.cookie = true;
            push_line(&mut forwarded.head, name, &value);
            continue;
        }
        push_line(&mut forwarded.head, name, value);
    }
    let accepted =
        || fields(client).filter(|(n, _)| n.eq_ignore_ascii_case(b"accept-encoding")).map(|(_, value)| value);
    if purpose == Purpose::Fetch && accepted().next().is_some() {
        // In one form for all who accept the same codings, so that they share an answer that varies by it.
        push_line(&mut forwarded.head, b"Accept-Encoding", vary::codings(accepted()));
    }
    let start = client.split(|b| *b == b'\r').next().unwrap_or_default();
    let version = start.rsplit(|b| *b == b'/').next().unwrap_or_default();
    push_line(&mut forwarded.head, b"Via", &[version, b" streamgate"].concat());
    loops::write(&mut forwarded.head, client, upstream);
    if let Purpose::Pass(Some(ip)) = purpose {
        push_line(&mut forwarded.head, b"X-Forwarded-For", ip.to_canonical().to_string().as_bytes());
    }
    match sized {
        Sized::None => {}
        Sized::Length(n) => {
            forwarded.head.extend_from_slice(b"Content-Length: ");
            push_number(&mut forwarded.head, n);
            forwarded.head.extend_from_slice(b"\r\n");
        }
        Sized::Chunked => {
            push_line(&mut forwarded.head, b"Transfer-Encoding", b"chunked");
        }
    }
    forwarded
}

/// The credential of `Bearer x`.
pub(crate) fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = authorization.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

/// The value of the cookie that carries a token.
pub(crate) fn token_cookie(cookies: &[u8]) -> Option<&[u8]> {
    pairs(cookies).find(|(name, _)| *name == TOKEN_COOKIE).map(|(_, value)| value)
}

fn pairs(cookies: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    cookies.split(|b| *b == b';').filter_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|b| *b == b'=')?;
        Some((&pair[..at], &pair[at + 1..]))
    })
}

fn without_token(cookies: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(cookies.len());
    for pair in cookies.split(|b| *b == b';') {
        let pair = pair.trim_ascii();
        let is_token = pair.strip_prefix(TOKEN_COOKIE).is_some_and(|rest| rest.starts_with(b"="));
        if pair.is_empty() || is_token {
            continue;
        }
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(pair);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(client: &str, purpose: Purpose) -> (String, bool, bool) {
        let upstream = Upstream { cdn_id: "me".to_owned(), node: "n".to_owned(), ..Upstream::default() };
        let f = forward(b"GET", b"/a", client.as_bytes(), &upstream, purpose, Sized::None, |t| t == b"tok");
        (String::from_utf8(f.head).expect("text"), f.authorised, f.cookie)
    }

    #[test]
    fn what_is_ours_or_ends_here_never_reaches_the_origin() {
        let client = "GET /p/tok/a HTTP/1.1\r\nHost: edge\r\nStreamGate-Edge-Key: forged\r\nstreamgate-x: y\r\n\
            Connection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-Forwarded-Host: evil\r\nAuthorization: Bearer tok\r\n\
            Cookie: a=b; streamgate=tok; c=d\r\nRange: bytes=0-1\r\nAccept: x\r\n\r\n";
        let (head, authorised, cookie) = check(client, Purpose::Fetch);
        assert_eq!(
            head,
            "GET /a HTTP/1.1\r\nCookie: a=b; c=d\r\nAccept: x\r\nVia: 1.1 streamgate\r\nCDN-Loop: me;node=n\r\n"
        );
        assert!(!authorised && cookie);
        let (head, ..) = check(client, Purpose::Pass(None));
        assert!(head.contains("Range: bytes=0-1\r\n") && !head.contains("forged") && !head.contains("tok"));
    }

    #[test]
    fn the_origin_is_told_of_the_client_by_us_alone() {
        let client = "GET /a HTTP/1.1\r\nX-Forwarded-For: 203.0.113.66\r\nForwarded: for=203.0.113.66\r\n\r\n";
        let (head, ..) = check(client, Purpose::Pass(Some("::ffff:192.0.2.1".parse().expect("an address"))));
        assert!(head.contains("X-Forwarded-For: 192.0.2.1\r\n") && !head.contains("203.0.113.66"), "{head}");
        let (head, ..) = check(client, Purpose::Fetch);
        assert!(!head.contains("orwarded"), "{head}");
    }

    #[test]
    fn loops_and_traces_pass_this_hop_and_a_client_cannot_take_them_away() {
        let client = "GET /a HTTP/1.0\r\nConnection: cdn-loop\r\nCDN-Loop: other\r\nVia: 1.1 x\r\ntraceparent: 00-a-b-01\r\n\r\n";
        let (head, ..) = check(client, Purpose::Fetch);
        assert_eq!(
            head,
            "GET /a HTTP/1.1\r\nVia: 1.1 x\r\ntraceparent: 00-a-b-01\r\nVia: 1.0 streamgate\r\nCDN-Loop: other, me;node=n\r\n"
        );
    }

    #[test]
    fn a_credential_that_is_no_token_goes_on() {
        let (head, authorised, _) =
            check("GET /a HTTP/1.1\r\nAuthorization: Bearer other\r\nCookie: streamgate=x\r\n\r\n", Purpose::Fetch);
        assert!(authorised && head.contains("Bearer other") && !head.contains("Cookie"));
        assert_eq!(token_cookie(b"a=b;streamgate=x.y"), Some(&b"x.y"[..]));
        assert_eq!(token_cookie(b"xstreamgate=x"), None);
    }
}
