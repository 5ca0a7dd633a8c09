//! Another edge that asks: it names its hop, and proves itself by the shared key.

use crate::http::fields::fields;

/// What a request says about an edge that sent it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Fellow {
    /// Another edge asks: it must not be sent on to a third one, and takes silence for a failure. Where a key is configured, only with it.
    pub(crate) is_hop: bool,
    /// It has the key: it is told what clients are not (gate, tags), and checks the tokens of its own clients itself.
    pub(crate) is_trusted: bool,
}

/// Reads the fields of a validated head.
pub(crate) fn read(head: &[u8], key: Option<&str>) -> Fellow {
    let mut fellow = Fellow::default();
    for (name, value) in fields(head) {
        if name.eq_ignore_ascii_case(b"streamgate-hop") {
            fellow.is_hop = true;
        } else if name.eq_ignore_ascii_case(b"streamgate-edge-key") {
            fellow.is_trusted = key.is_some_and(|key| is_same(key.as_bytes(), value));
        }
    }
    fellow.is_hop &= fellow.is_trusted || key.is_none();
    fellow
}

/// In a time that does not depend on where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &str, key: Option<&str>, expected: (bool, bool)) {
        let fellow = read(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes(), key);
        assert_eq!((fellow.is_hop, fellow.is_trusted), expected, "{fields:?} {key:?}");
    }

    #[test]
    fn an_edge_is_believed_with_the_key_and_trusted_by_it_alone() {
        let hop = "StreamGate-Hop: tier\r\n";
        check("Host: a\r\n", Some("k"), (false, false));
        check(hop, None, (true, false));
        check(hop, Some("k"), (false, false));
        check(&format!("{hop}StreamGate-Edge-Key: x\r\n"), Some("k"), (false, false));
        check(&format!("{hop}streamgate-edge-key: k\r\n"), Some("k"), (true, true));
        check("StreamGate-Edge-Key: k\r\n", Some("k"), (false, true));
        check("StreamGate-Edge-Key: \r\n", None, (false, false));
    }
}
