//! Loops between caches, by `CDN-Loop` (RFC 8586): every request to the origin names this edge, and one that has named it too often
//! goes no further.

use crate::config::Upstream;
use crate::http::fields::{fields, members};

const NAME: &[u8] = b"CDN-Loop";

/// Whether a request goes round: it has passed this very process before, whose fetch it might then wait for itself, or edges of our
/// name too often.
pub(crate) fn is_loop(head: &[u8], upstream: &Upstream) -> bool {
    let mut passes = 0;
    for member in lines(head).flat_map(members) {
        let mut parts = member.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        if !parts.next().is_some_and(|id| id.eq_ignore_ascii_case(upstream.cdn_id.as_bytes())) {
            continue;
        }
        passes += 1;
        if parts.any(|part| part.strip_prefix(b"node=") == Some(upstream.node.as_bytes())) {
            return true;
        }
    }
    passes > upstream.cdn_passes_max
}

/// Writes the field anew: what came, and ourselves behind it. One line, for readers that look at the first one only.
pub(crate) fn write(out: &mut Vec<u8>, client: &[u8], upstream: &Upstream) {
    out.extend_from_slice(NAME);
    out.extend_from_slice(b": ");
    for member in lines(client).flat_map(members) {
        out.extend_from_slice(member);
        out.extend_from_slice(b", ");
    }
    for part in [upstream.cdn_id.as_str(), ";node=", &upstream.node, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Whether a field is this one.
pub(crate) fn is_ours(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(NAME)
}

/// Its values, also where Connection lists it: else a client could have it taken away.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields(head).filter(|(name, _)| is_ours(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: (bool, &str)) {
        let upstream = Upstream { cdn_id: "me".to_owned(), node: "n1".to_owned(), ..Upstream::default() };
        let head = format!("GET / HTTP/1.1\r\n{value}\r\n");
        let mut out = Vec::new();
        write(&mut out, head.as_bytes(), &upstream);
        assert_eq!(
            (is_loop(head.as_bytes(), &upstream), String::from_utf8_lossy(&out).as_ref()),
            expected,
            "{value:?}"
        );
    }

    #[test]
    fn it_is_counted_and_written_behind_what_came() {
        check("Host: h\r\n", (false, "CDN-Loop: me;node=n1\r\n"));
        check("CDN-Loop: a; x=\"me, me, me\"\r\n", (false, "CDN-Loop: a; x=\"me, me, me\", me;node=n1\r\n"));
        check(
            "CDN-Loop: me, menu, some, me;node=n2\r\n",
            (false, "CDN-Loop: me, menu, some, me;node=n2, me;node=n1\r\n"),
        );
        check(
            "cdn-loop: ME;v=1, b\r\nX: y\r\nCDN-Loop: me, me\r\n",
            (true, "CDN-Loop: ME;v=1, b, me, me, me;node=n1\r\n"),
        );
        check("CDN-Loop: me; v=1; node=n1\r\n", (true, "CDN-Loop: me; v=1; node=n1, me;node=n1\r\n"));
        check("CDN-Loop: other;node=n1\r\n", (false, "CDN-Loop: other;node=n1, me;node=n1\r\n"));
    }
}
