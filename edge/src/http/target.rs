//! The request target: origin-form only, and nothing in it that two readers could take for two different paths.

use crate::refusal::Refusal;

/// Checks a target (`/path?query`). Pure ASCII, no dot segments even when encoded, no encoded slash, backslash or NUL in the path.
pub(crate) fn check(target: &[u8]) -> Result<(), Refusal> {
    if target.first() != Some(&b'/') {
        return Err(Refusal::TargetForm);
    }
    // One pass for the common case: no percent sign, no dot segment, no odd byte.
    let mut suspicious = false;
    let mut odd = false;
    let mut before = 0u8;
    for b in target {
        odd |= !ALLOWED[*b as usize];
        suspicious |= *b == b'%' || (*b == b'.' && before == b'/');
        before = *b;
    }
    if odd {
        return Err(Refusal::TargetBytes);
    }
    if suspicious {
        return check_closely(target);
    }
    Ok(())
}

/// Visible ASCII without fragment sign and backslash.
const ALLOWED: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0x21;
    while b < 0x7f {
        table[b] = b as u8 != b'#' && b as u8 != b'\\';
        b += 1;
    }
    table
};

fn check_closely(target: &[u8]) -> Result<(), Refusal> {
    let path = path(target);
    let mut i = 0;
    while i < path.len() {
        if path[i] == b'%' {
            let byte = escape(&path[i..]).ok_or(Refusal::TargetBytes)?;
            if matches!(byte, b'/' | b'\\' | 0) {
                return Err(Refusal::TargetEncodedSlash);
            }
            i += 3;
        } else {
            i += 1;
        }
    }
    for segment in path.split(|b| *b == b'/') {
        if is_dots(segment) {
            return Err(Refusal::TargetTraversal);
        }
    }
    Ok(())
}

/// The path of a target, without its query.
pub(crate) fn path(target: &[u8]) -> &[u8] {
    target.iter().position(|b| *b == b'?').map_or(target, |at| &target[..at])
}

/// The target that a reference in an answer to `base` names, when it is on one of `hosts`, this one among them
/// (RFC 3986 section 5.2).
pub(crate) fn resolve(reference: &[u8], base: &[u8], hosts: &[&[u8]]) -> Option<Vec<u8>> {
    let reference = reference.split(|b| *b == b'#').next()?;
    let absolute = strip_scheme(reference).or_else(|| reference.strip_prefix(b"//"));
    let resolved = match absolute {
        Some(rest) => {
            let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
            if !hosts.iter().any(|host| host.eq_ignore_ascii_case(&rest[..end])) {
                return None;
            }
            let from_root = rest.get(end) == Some(&b'/');
            [if from_root { &b""[..] } else { b"/" }, &rest[end..]].concat()
        }
        None if reference.is_empty() => base.to_vec(),
        None if reference[0] == b'/' => reference.to_vec(),
        None if reference[0] == b'?' => [path(base), reference].concat(),
        None => {
            let folder = path(base).iter().rposition(|b| *b == b'/')?;
            [&base[..=folder], reference].concat()
        }
    };
    let resolved = without_dots(&resolved);
    check(&resolved).ok()?;
    Some(resolved)
}

/// The target without its plain dot segments (RFC 3986 section 5.2.4).
fn without_dots(target: &[u8]) -> Vec<u8> {
    let (path, query) = target.split_at(path(target).len());
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path.split(|b| *b == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            b"." | b".." => {
                if segment == b".." {
                    kept.pop();
                }
                if segments.peek().is_none() {
                    kept.push(b"");
                }
            }
            _ => kept.push(segment),
        }
    }
    let mut out = Vec::with_capacity(target.len());
    for segment in kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    out.extend_from_slice(query);
    out
}

fn strip_scheme(reference: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = reference.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

fn escape(at: &[u8]) -> Option<u8> {
    let hex = |b: u8| (b as char).to_digit(16);
    Some((hex(*at.get(1)?)? * 16 + hex(*at.get(2)?)?) as u8)
}

/// Whether a segment is `.` or `..`, with any of the dots encoded.
fn is_dots(mut segment: &[u8]) -> bool {
    let mut dots = 0;
    while !segment.is_empty() {
        segment = match segment {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return false,
        };
        dots += 1;
    }
    dots == 1 || dots == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_odd_target_has_its_reason() {
        let cases: [(&str, Result<(), Refusal>); 16] = [
            ("/v/a/1.m4s?x=../y", Ok(())),
            ("/a/.hidden/..b/c..", Ok(())),
            ("/a%20b", Ok(())),
            ("http://h/x", Err(Refusal::TargetForm)),
            ("*", Err(Refusal::TargetForm)),
            ("/a/../b", Err(Refusal::TargetTraversal)),
            ("/a/..", Err(Refusal::TargetTraversal)),
            ("/./a", Err(Refusal::TargetTraversal)),
            ("/a/%2e%2E/b", Err(Refusal::TargetTraversal)),
            ("/a/.%2e/b", Err(Refusal::TargetTraversal)),
            ("/a%2fb", Err(Refusal::TargetEncodedSlash)),
            ("/a%5Cb", Err(Refusal::TargetEncodedSlash)),
            ("/a%00", Err(Refusal::TargetEncodedSlash)),
            ("/a%zz", Err(Refusal::TargetBytes)),
            ("/a\\b", Err(Refusal::TargetBytes)),
            ("/a\u{e9}", Err(Refusal::TargetBytes)),
        ];
        for (target, want) in cases {
            assert_eq!(check(target.as_bytes()), want, "{target}");
        }
    }

    #[test]
    fn references_resolve_on_this_host_only() {
        let check = |reference: &str| {
            resolve(reference.as_bytes(), b"/a/b?c", &[b"h:1"]).map(|t| String::from_utf8_lossy(&t).into_owned())
        };
        for (reference, want) in [
            ("/x?y#z", "/x?y"),
            ("x", "/a/x"),
            ("?q", "/a/b?q"),
            ("", "/a/b?c"),
            ("http://H:1/x", "/x"),
            ("HTTPS://h:1?q", "/?q"),
            ("//h:1", "/"),
            ("../x?..", "/x?.."),
            ("./", "/a/"),
            ("../../..", "/"),
        ] {
            assert_eq!(check(reference).as_deref(), Some(want), "{reference}");
        }
        for none in ["http://other/x", "//other/x", "/a/%2e%2e/b", "http://h:1@other/x"] {
            assert_eq!(check(none), None, "{none}");
        }
    }
}
