//! The PROXY protocol, versions 1 and 2 (the haproxy specification, `proxy-protocol.txt`, sections 2.1 and 2.2): what a proxy that
//! does not speak HTTP says of a connection before its first byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::limits::PROXY_HEADER_BYTES_MAX;

/// Longest line of version 1, its CR LF included (section 2.1).
const LINE_BYTES_MAX: usize = 107;
/// What version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const LINE_START: &[u8] = b"PROXY ";

/// What came of looking for a header at the start of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    /// Not all of it is there.
    Partial,
    /// `len` bytes of header. `client` is `None` when it names nobody: the socket's address holds.
    Header { len: usize, client: Option<SocketAddr> },
}

/// Why it is no header. The connection cannot go on: what the bytes are instead is anybody's guess.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// Neither version begins like this.
    #[error("the connection does not begin with a PROXY header")]
    Missing,
    /// A line without an end within 107 bytes, or a header above the limit.
    #[error("the PROXY header is too long")]
    TooLong,
    /// A version, command or family that is not defined.
    #[error("the PROXY header is of an unknown kind")]
    Unknown,
    /// An address or port that is none, or fewer bytes than the family has.
    #[error("the PROXY header names no valid addresses")]
    Address,
}

/// Looks for a header at the start of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Told, ProxyError> {
    if starts(bytes, &SIGNATURE) {
        return binary(bytes);
    }
    if starts(bytes, LINE_START) {
        return line(bytes);
    }
    Err(ProxyError::Missing)
}

/// Whether `bytes` begin with `start`, as far as they go.
fn starts(bytes: &[u8], start: &[u8]) -> bool {
    let len = bytes.len().min(start.len());
    bytes[..len] == start[..len]
}

fn line(bytes: &[u8]) -> Result<Told, ProxyError> {
    let seen = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        return if seen.len() == LINE_BYTES_MAX { Err(ProxyError::TooLong) } else { Ok(Told::Partial) };
    };
    let len = end + 2;
    let text = std::str::from_utf8(&seen[LINE_START.len()..end]).map_err(|_| ProxyError::Address)?;
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Ok(Told::Header { len, client: None });
    }
    let mut words = text.split(' ');
    let family = words.next();
    let mut ip = || -> Option<IpAddr> {
        let word = words.next()?;
        match family {
            Some("TCP4") => word.parse().ok().map(IpAddr::V4),
            Some("TCP6") => word.parse().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    if !matches!(family, Some("TCP4" | "TCP6")) {
        return Err(ProxyError::Unknown);
    }
    let (from, to) = (ip(), ip());
    let mut port = || words.next().and_then(port);
    let ports = (port(), port());
    match (from, to, ports, words.next()) {
        (Some(ip), Some(_), (Some(port), Some(_)), None) => {
            Ok(Told::Header { len, client: Some(SocketAddr::new(ip, port)) })
        }
        _ => Err(ProxyError::Address),
    }
}

/// A port in decimal digits, without a zero in front.
fn port(word: &str) -> Option<u16> {
    let is_plain = word.bytes().all(|b| b.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    if is_plain { word.parse().ok() } else { None }
}

fn binary(bytes: &[u8]) -> Result<Told, ProxyError> {
    let Some((fixed, _)) = bytes.split_first_chunk::<16>() else { return Ok(Told::Partial) };
    let [.., command, family, high, low] = *fixed;
    let len = fixed.len() + usize::from(u16::from_be_bytes([high, low]));
    if len > PROXY_HEADER_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    let Some(header) = bytes.get(..len) else { return Ok(Told::Partial) };
    // Behind the addresses stand TLVs; none of them changes who the client is.
    let addresses = &header[fixed.len()..];
    let client = match (command, family) {
        // LOCAL: the proxy speaks for itself, e.g. a health check; whatever family it names does not count.
        (0x20, _) => None,
        // UNSPEC, and sockets of a file system: nobody who could be named.
        (0x21, 0x00 | 0x31 | 0x32) => None,
        (0x21, 0x11 | 0x12) => {
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses.first_chunk().ok_or(ProxyError::Address)?;
            Some(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])))
        }
        (0x21, 0x21 | 0x22) => {
            let whole: &[u8; 36] = addresses.first_chunk().ok_or(ProxyError::Address)?;
            let ip: [u8; 16] = *whole.first_chunk().ok_or(ProxyError::Address)?;
            Some(SocketAddr::new(Ipv6Addr::from(ip).into(), u16::from_be_bytes([whole[32], whole[33]])))
        }
        _ => return Err(ProxyError::Unknown),
    };
    Ok(Told::Header { len, client })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: impl AsRef<[u8]>, expected: Result<Option<&str>, ProxyError>) {
        let bytes = bytes.as_ref();
        let expected = expected.map(|client| Told::Header {
            len: bytes.len(),
            client: client.map(|client| client.parse().expect("an address")),
        });
        assert_eq!(parse(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        // What follows it is not looked at.
        if expected.is_ok() {
            assert_eq!(parse(&[bytes, b"GET / HTTP/1.1\r\n"].concat()), expected);
        }
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        [&SIGNATURE[..], &[command, family], &(rest.len() as u16).to_be_bytes(), rest].concat()
    }

    #[test]
    fn a_line_names_the_client() {
        check("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", Ok(Some("192.0.2.1:56324")));
        check("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", Ok(Some("[2001:db8::1]:1")));
        check("PROXY UNKNOWN\r\n", Ok(None));
        check("PROXY UNKNOWN ffff:f...f:ffff whatever 1\r\n", Ok(None));
        let widest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        check(format!("PROXY UNKNOWN {widest} {widest} 65535 65535\r\n"), Ok(None));
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        use ProxyError as E;
        check("GET / HTTP/1.1\r\n\r\n", Err(E::Missing));
        check("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Err(E::Missing));
        check("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", Err(E::Unknown));
        check("PROXY UNKNOWNS\r\n", Err(E::Unknown));
        check("PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n", Err(E::Address));
        check("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", Err(E::Address));
        check(format!("PROXY UNKNOWN {}", "x".repeat(93)), Err(E::TooLong));
    }

    #[test]
    fn a_binary_header_names_the_client() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 4, 1, 0xbb];
        check(v2(0x21, 0x11, &v4), Ok(Some("192.0.2.1:56324")));
        check(v2(0x21, 0x11, &[&v4[..], &[4, 0, 1, 0]].concat()), Ok(Some("192.0.2.1:56324")));
        let mut v6 = [0u8; 36];
        (v6[0], v6[1], v6[15], v6[33]) = (0x20, 1, 7, 9);
        check(v2(0x21, 0x21, &v6), Ok(Some("[2001::7]:9")));
        check(v2(0x20, 0x00, &[]), Ok(None));
        check(v2(0x20, 0x11, &v4), Ok(None));
        check(v2(0x21, 0x00, &[1, 2, 3]), Ok(None));
        check(v2(0x21, 0x31, &[0; 216]), Ok(None));
    }

    #[test]
    fn a_binary_header_that_is_none_is_refused() {
        use ProxyError as E;
        check(v2(0x11, 0x11, &[0; 12]), Err(E::Unknown));
        check(v2(0x22, 0x11, &[0; 12]), Err(E::Unknown));
        check(v2(0x21, 0x41, &[0; 12]), Err(E::Unknown));
        check(v2(0x21, 0x11, &[0; 11]), Err(E::Address));
        check(v2(0x21, 0x21, &[0; 35]), Err(E::Address));
        check(v2(0x21, 0x11, &vec![0; PROXY_HEADER_BYTES_MAX]), Err(E::TooLong));
    }

    fn near_miss() -> impl Strategy<Value = Vec<u8>> {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET / HTTP/1.1\r\n\r\n".to_vec();
        let binary = [v2(0x21, 0x11, &[7; 20]), b"GET / HTTP/1.1\r\n\r\n".to_vec()].concat();
        (prop_oneof![Just(line), Just(binary)], any::<prop::sample::Index>(), any::<u8>()).prop_map(
            |(mut bytes, at, with)| {
                let at = at.index(bytes.len());
                bytes[at] = with;
                bytes
            },
        )
    }

    proptest! {
        #[test]
        fn however_the_bytes_arrive_they_say_the_same(
            bytes in prop_oneof![near_miss(), prop::collection::vec(any::<u8>(), 0..300)]
        ) {
            let whole = parse(&bytes);
            let first = (0..=bytes.len()).map(|len| parse(&bytes[..len])).find(|told| *told != Ok(Told::Partial));
            prop_assert_eq!(first.unwrap_or(Ok(Told::Partial)), whole);
        }
    }
}
