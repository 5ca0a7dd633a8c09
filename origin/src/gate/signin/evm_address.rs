//! Ethereum addresses: 20 bytes, written with the checksum of EIP-55.

use sha3::{Digest, Keccak256};

/// The last 20 bytes of the hash of a key, or a contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvmAddress(pub [u8; 20]);

/// Keccak-256 of some parts, one after the other.
pub(super) fn keccak(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Keccak256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

impl EvmAddress {
    /// Reads `0x` and 40 digits. Of mixed case they must be the checksum; all of one case is taken as without one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x")?;
        let address = Self(unhex(digits)?);
        let is_of_one_case = !digits.bytes().any(|digit| digit.is_ascii_lowercase())
            || !digits.bytes().any(|digit| digit.is_ascii_uppercase());
        (is_of_one_case || address.to_string() == text).then_some(address)
    }

    /// Reads what [`Self::to_string`] writes and nothing else.
    pub fn parse_checked(text: &str) -> Option<Self> {
        Self::parse(text).filter(|address| address.to_string() == text)
    }
}

impl std::fmt::Display for EvmAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = hex(&self.0);
        let hash = keccak(&[digits.as_bytes()]);
        f.write_str("0x")?;
        digits.chars().enumerate().try_for_each(|(at, digit)| {
            let nibble = hash[at / 2] >> (4 * (1 - at % 2)) & 15;
            write!(f, "{}", if nibble > 7 { digit.to_ascii_uppercase() } else { digit })
        })
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly `N` bytes of hexadecimal, of either case.
fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    unhex_all(digits)?.try_into().ok()
}

/// Bytes of hexadecimal, of either case.
pub(super) fn unhex_all(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    };
    Some(digits.as_bytes().chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_eip_55_are_written_so_and_no_other_case_reads() {
        for text in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let address = EvmAddress::parse(text).unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(EvmAddress::parse_checked(text), Some(address));
            assert_eq!(EvmAddress::parse(&text.to_lowercase()), Some(address));
        }
        for bad in [
            "",
            "0x",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
            "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg",
            "0x5äAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        ] {
            assert_eq!(EvmAddress::parse(bad), None, "{bad}");
        }
        assert_eq!(EvmAddress::parse_checked("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), None);
    }
}
