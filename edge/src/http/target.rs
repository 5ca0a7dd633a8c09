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
}
