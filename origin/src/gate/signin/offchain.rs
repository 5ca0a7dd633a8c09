//! The envelope of Solana's off-chain messages, which Ledger devices sign instead of the bare text:
//!
//! ```text
//!   ff "solana offchain"  version 0  [application domain 32  format 1  signers n  key 32 x n]  length u16 LE  text
//!                                    [format 1]
//! ```
//!
//! The first form is the specification's (Agave, docs/src/proposals/off-chain-message-signing.md), the second what its
//! command line and Ledger's app made before it. Both are read, since devices sign both.

const BEGIN: &[u8; 16] = b"\xffsolana offchain";
/// One signer: who signs in.
const SIGNERS: u8 = 1;

/// The text in the envelope; the bytes themselves when they are not in one. `None`: an envelope that is not for `signer`, or
/// none that reads.
pub fn text<'a>(signed: &'a [u8], signer: &[u8; 32]) -> Option<&'a str> {
    let Some(rest) = signed.strip_prefix(BEGIN) else {
        // What begins otherwise with this byte is a transaction's or no text.
        return std::str::from_utf8(signed).ok();
    };
    let rest = rest.strip_prefix(&[0])?;
    full(rest, signer).or_else(|| legacy(rest))
}

fn full<'a>(rest: &'a [u8], signer: &[u8; 32]) -> Option<&'a str> {
    let (_application, rest) = rest.split_at_checked(32)?;
    let (&[format, signers], rest) = rest.split_at_checked(2)? else { return None };
    let (key, rest) = rest.split_at_checked(32)?;
    if signers != SIGNERS || key != signer {
        return None;
    }
    body(format, rest)
}

fn legacy(rest: &[u8]) -> Option<&str> {
    let (&format, rest) = rest.split_first()?;
    body(format, rest)
}

/// Format 0 is printable ASCII, 1 UTF-8, 2 longer UTF-8. Lines are more than printable signs, so 0 has none.
fn body(format: u8, rest: &[u8]) -> Option<&str> {
    let (length, text) = rest.split_at_checked(2)?;
    if usize::from(u16::from_le_bytes(length.try_into().ok()?)) != text.len() || format > 2 {
        return None;
    }
    let is_printable = text.iter().all(|byte| (0x20..0x7f).contains(byte));
    if format == 0 && !is_printable { None } else { std::str::from_utf8(text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn envelope(middle: &[u8], text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        [BEGIN.as_slice(), &[0], middle, &length, text.as_bytes()].concat()
    }

    #[test]
    fn both_forms_read_and_a_stranger_in_them_does_not() {
        let full = |key: [u8; 32], format: u8| [[9; 32].as_slice(), &[format, 1], &key].concat();
        assert_eq!(text(b"plain\ntext", &KEY), Some("plain\ntext"));
        assert_eq!(text(&envelope(&[1], "a\nb"), &KEY), Some("a\nb"));
        assert_eq!(text(&envelope(&full(KEY, 1), "a\nb"), &KEY), Some("a\nb"));
        assert_eq!(text(&envelope(&full([8; 32], 1), "a\nb"), &KEY), None);
        assert_eq!(text(&envelope(&full(KEY, 0), "a\nb"), &KEY), None, "a line is not printable");
        assert_eq!(text(&envelope(&[3], "ab"), &KEY), None);
        let whole = envelope(&full(KEY, 1), "ab");
        for end in BEGIN.len()..whole.len() {
            assert_eq!(text(&whole[..end], &KEY), None, "{end}");
        }
        assert_eq!(text(&[0xff], &KEY), None);
    }
}
