//! What trusted proxies say of whom they speak for: `X-Forwarded-For`, or `Forwarded` (RFC 7239).
//!
//! Each proxy appends whom it was asked by. So the list is read from its end, as far as trusted proxies have written it: the first
//! address that is not one of theirs is the client's, and what stands before it may be the client's own invention.

use std::net::{IpAddr, SocketAddr};

use crate::config::{Net, TrustedField};
use crate::http::fields::fields;

/// Whom `proxy`, which is trusted, speaks for. `None`: nobody that can be known, itself then.
pub(crate) fn client(head: &[u8], field: TrustedField, trusted: &[Net]) -> Option<SocketAddr> {
    let name: &[u8] = match field {
        TrustedField::None => return None,
        TrustedField::XForwardedFor => b"x-forwarded-for",
        TrustedField::Forwarded => b"forwarded",
    };
    let mut told: Vec<&[u8]> = Vec::new();
    for (_, value) in fields(head).filter(|(n, _)| n.eq_ignore_ascii_case(name)) {
        // Not as a list with quotes: one that a client opens would hide what the proxy appends.
        told.extend(value.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()));
    }
    let mut last = None;
    for member in told.iter().rev() {
        let node = match field {
            TrustedField::Forwarded => forwarded_for(member),
            _ => Some(*member),
        };
        // Behind a word that names nobody ("unknown", "_hidden") no one can be known.
        let Some(addr) = node.and_then(address) else { return last };
        last = Some(addr);
        if !trusted.iter().any(|net| net.holds(addr.ip())) {
            return last;
        }
    }
    last
}

/// The `for` of a forwarded-element.
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    element.split(|b| *b == b';').find_map(|pair| {
        let (name, value) = pair.trim_ascii().split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=")
            .then(|| value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value))
    })
}

/// An address, with or without a port, IPv6 with or without brackets.
fn address(node: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(node).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let bare = bare.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, 0));
    bare.or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, field: TrustedField, expected: Option<&str>) {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().expect("a range"));
        let head = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        let expected = expected.map(|text| text.parse().expect("an address"));
        assert_eq!(client(head.as_bytes(), field, &trusted), expected, "{lines}");
    }

    #[test]
    fn the_last_one_that_is_not_trusted_counts() {
        let x = TrustedField::XForwardedFor;
        check("X-Forwarded-For: 192.0.2.1\r\n", x, Some("192.0.2.1:0"));
        check("X-Forwarded-For: 203.0.113.66, 192.0.2.1, 10.0.0.1\r\n", x, Some("192.0.2.1:0"));
        check("X-Forwarded-For: 203.0.113.66\r\nX-Forwarded-For: 192.0.2.1\r\n", x, Some("192.0.2.1:0"));
        check("x-forwarded-for: 192.0.2.1:5555\r\n", x, Some("192.0.2.1:5555"));
        check("X-Forwarded-For: 2001:db9::1, [2001:db8::1]:80\r\n", x, Some("[2001:db9::1]:0"));
        check("X-Forwarded-For: 10.0.0.9, 10.0.0.1\r\n", x, Some("10.0.0.9:0"));
        check("X-Forwarded-For: 203.0.113.66, unknown, 10.0.0.1\r\n", x, Some("10.0.0.1:0"));
        check("X-Forwarded-For: 203.0.113.66, nonsense\r\n", x, None);
        check("X-Forwarded-For: \"203.0.113.66, 192.0.2.1\r\n", x, Some("192.0.2.1:0"));
        check("Forwarded: for=192.0.2.1\r\n", x, None);
        check("", x, None);
    }

    #[test]
    fn so_does_it_in_forwarded() {
        let f = TrustedField::Forwarded;
        check("Forwarded: for=192.0.2.1;proto=https;by=10.0.0.1\r\n", f, Some("192.0.2.1:0"));
        check(
            "Forwarded: for=203.0.113.66, proto=http; For=\"[2001:db9::1]:4711\", for=10.0.0.1\r\n",
            f,
            Some("[2001:db9::1]:4711"),
        );
        check("Forwarded: for=\"203.0.113.66, for=192.0.2.1\r\n", f, Some("192.0.2.1:0"));
        check("Forwarded: for=203.0.113.66, for=_hidden\r\n", f, None);
        check("Forwarded: proto=https\r\n", f, None);
        check("X-Forwarded-For: 192.0.2.1\r\n", f, None);
        check("Forwarded: for=192.0.2.1\r\n", TrustedField::None, None);
    }
}
