//! One place that answers are fetched from, as an operator names it: `http://host[:port]` or `https://host[:port]`.

use std::fmt;

/// Why a text names no place. Each is one clause for the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceError {
    /// Another scheme, or none.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// A path, query, fragment, credentials or a blank.
    #[error("it must be scheme://HOST[:PORT] without a path")]
    Authority,
    /// Not 1 to 65535.
    #[error("its port is no number between 1 and 65535")]
    Port,
}

/// A place that answers are fetched from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// TLS, verified against the system's roots or the configured ones.
    pub tls: bool,
    /// Name or address, without brackets: what is resolved, and what a certificate must name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Share of the requests, in proportion to the other weights. 0: none, unless every other origin is out of service.
    pub weight: u32,
    /// Asked only when no origin that is no backup is in service.
    pub backup: bool,
}

impl Source {
    /// Reads a URL. Weight 1, no backup.
    pub fn parse(url: &str) -> Result<Source, SourceError> {
        let (tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(SourceError::Scheme),
        };
        let (host, port) = split(rest.trim_end_matches('/'))?;
        let port = match port {
            None if tls => 443,
            None => 80,
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(SourceError::Port),
            },
        };
        Ok(Source { tls, host: host.to_owned(), port, weight: 1, backup: false })
    }

    /// What is sent as `Host`: `host[:port]`, the scheme's own port left out (RFC 9110 section 7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        let brackets = self.host.contains(':');
        let host = if brackets { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split(authority: &str) -> Result<(&str, Option<&str>), SourceError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(SourceError::Authority)?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| SourceError::Authority)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(SourceError::Authority),
        };
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if host.is_empty() || !host.bytes().all(plain) {
        return Err(SourceError::Authority);
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<(&str, &str), SourceError>) {
        let got = Source::parse(url).map(|s| (s.to_string(), s.authority()));
        assert_eq!(got, expected.map(|(url, authority)| (url.to_owned(), authority.to_owned())), "{url}");
    }

    #[test]
    fn a_url_without_a_path_is_a_source() {
        check("http://a.example", Ok(("http://a.example", "a.example")));
        check("http://a:80/", Ok(("http://a", "a")));
        check("http://10.0.0.1:9090", Ok(("http://10.0.0.1:9090", "10.0.0.1:9090")));
        check("https://a", Ok(("https://a", "a")));
        check("https://[::1]:8443", Ok(("https://[::1]:8443", "[::1]:8443")));
        check("http://[::1]", Ok(("http://[::1]", "[::1]")));
    }

    #[test]
    fn anything_else_is_refused() {
        check("ftp://a", Err(SourceError::Scheme));
        check("a:80", Err(SourceError::Scheme));
        for url in [
            "http://",
            "http://a/b",
            "http://u@a",
            "http://a b",
            "http://[::1",
            "http://[x]",
            "http://a?b",
            "http://a\r\nX: y",
        ] {
            check(url, Err(SourceError::Authority));
        }
        for url in ["http://a:0", "http://a:65536", "http://a:", "http://a:b", "http://::1"] {
            assert!(Source::parse(url).is_err(), "{url}");
        }
    }
}
