//! Whom a request comes from: the connection's address, or whom a trusted proxy speaks for (`X-Forwarded-For`, as edges write it).
//!
//! Each proxy appends whom it was asked by. So the list is read from its end, as far as trusted ones have written it: the first
//! address that is not one of theirs is the client's, and what stands before it may be the client's own invention.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use wire::net::Net;

use crate::limits::FORWARDED_MAX;

/// Whom a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// Of a request that came over a connection of `address`. Nobody but a trusted proxy is believed.
    pub(crate) fn of(address: IpAddr, headers: &HeaderMap, trusted: &[Net]) -> Self {
        let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.holds(ip));
        let mut known = address;
        if !is_trusted(known) {
            return Self(known);
        }
        let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(|value| value.as_bytes()).collect();
        let members = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        for member in members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()).take(FORWARDED_MAX) {
            // Behind a word that names nobody ("unknown") no one can be known.
            let Some(ip) = read(member) else { break };
            known = ip;
            if !is_trusted(ip) {
                break;
            }
        }
        Self(known)
    }
}

/// An address, with or without a port, IPv6 with or without brackets.
fn read(member: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(member).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(from: &str, lines: &[&'static str], expected: &str) {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        assert_eq!(Peer::of(from.parse().unwrap(), &headers, &trusted), Peer(expected.parse().unwrap()), "{lines:?}");
    }

    #[test]
    fn who_is_not_trusted_is_whom_the_connection_comes_from_whatever_it_says() {
        check("192.0.2.9", &["203.0.113.66"], "192.0.2.9");
        check("192.0.2.9", &["10.0.0.1", "127.0.0.1"], "192.0.2.9");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn of_a_trusted_proxy_the_last_one_that_is_not_trusted_counts() {
        check("10.0.0.1", &["192.0.2.1"], "192.0.2.1");
        check("10.0.0.1", &["203.0.113.66, 192.0.2.1, 10.0.0.2"], "192.0.2.1");
        check("10.0.0.1", &["203.0.113.66", "192.0.2.1"], "192.0.2.1");
        check("10.0.0.1", &["192.0.2.1:5555"], "192.0.2.1");
        check("2001:db8::9", &["2001:db9::1, [2001:db8::1]:80"], "2001:db9::1");
        check("10.0.0.1", &["10.0.0.9, 10.0.0.1"], "10.0.0.9");
        check("10.0.0.1", &["203.0.113.66, unknown, 10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &["203.0.113.66, nonsense"], "10.0.0.1");
        check("10.0.0.1", &["\"203.0.113.66, 192.0.2.1"], "192.0.2.1");
    }
}
