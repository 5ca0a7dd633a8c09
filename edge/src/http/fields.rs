//! Header lines of a head that has been parsed: walking them, and which of them end at this hop.

/// Bytes `from..to` of the buffer a head was parsed from.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Span {
    /// Where `part` lies in `whole`. `part` must be a piece of `whole`.
    pub(crate) fn of(part: &[u8], whole: &[u8]) -> Span {
        let from = part.as_ptr() as usize - whole.as_ptr() as usize;
        Span { from: from as u32, to: (from + part.len()) as u32 }
    }

    pub(crate) fn of_buffer(self, buffer: &[u8]) -> &[u8] {
        &buffer[self.from as usize..self.to as usize]
    }
}

/// Walks the header lines of a validated head: the start line is skipped, the empty line ends it. Values are trimmed.
pub(crate) fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.split(|b| *b == b'\n').skip(1).map_while(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|b| *b == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// Writes one header line and says where its value lies.
pub(crate) fn push_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Span {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let from = out.len() as u32;
    out.extend_from_slice(value);
    let to = out.len() as u32;
    out.extend_from_slice(b"\r\n");
    Span { from, to }
}

/// Members of a comma-separated list, trimmed; empty ones are left out. Quoted commas are kept inside their member.
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let end = list_end(rest);
            let member = rest[..end].trim_ascii();
            rest = rest.get(end + 1..).unwrap_or(&[]);
            if !member.is_empty() {
                return Some(member);
            }
        }
    })
}

fn list_end(rest: &[u8]) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (i, b) in rest.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return i,
            _ => {}
        }
    }
    rest.len()
}

/// Whether a list contains `word`, without regard to case.
pub(crate) fn has_member(value: &[u8], word: &[u8]) -> bool {
    members(value).any(|m| m.eq_ignore_ascii_case(word))
}

/// Fields that end at this hop (RFC 9110 section 7.6.1) and must neither be stored nor forwarded.
pub(crate) fn ends_here(name: &[u8]) -> bool {
    const HOP: [&[u8]; 10] = [
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-authentication-info",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    ];
    HOP.iter().any(|hop| name.eq_ignore_ascii_case(hop))
}

/// Fields that belong to us: a client's are never forwarded, an origin's never leave the edge.
pub(crate) fn is_ours(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"streamgate-";
    name.len() >= PREFIX.len() && name[..PREFIX.len()].eq_ignore_ascii_case(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_walked_after_the_start_line() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nX:  b c \r\n\r\nHost: body";
        let got: Vec<_> = fields(head).collect();
        assert_eq!(got, [(&b"Host"[..], &b"a"[..]), (b"X", b"b c")]);
    }

    #[test]
    fn lists_keep_quoted_commas_together() {
        let got: Vec<_> = members(b" a, \"b,\\\",c\" ,, d").collect();
        assert_eq!(got, [&b"a"[..], b"\"b,\\\",c\"", b"d"]);
        assert!(has_member(b"keep-alive, Close", b"close"));
        assert!(!has_member(b"closed", b"close"));
    }
}
