//! Addresses and amounts as rules write them.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::gate::chains::solana::Key;

/// An address of an EVM chain. Letters of both cases must be its checksum (EIP-55): a typing error is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wallet(pub(crate) Address);

impl FromStr for Wallet {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40).ok_or(())?;
        let is_mixed =
            digits.contains(|c: char| c.is_ascii_lowercase()) && digits.contains(|c: char| c.is_ascii_uppercase());
        if is_mixed {
            return Address::parse_checksummed(text, None).map(Self).map_err(|_| ());
        }
        Address::from_str(text).map(Self).map_err(|_| ())
    }
}

impl fmt::Display for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_checksum(None))
    }
}

impl Serialize for Wallet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wallet {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom("an address has 0x, 40 hex digits and the checksum of EIP-55"))
    }
}

/// A wallet that has proved itself, and where it holds: a key is the same on every chain of its kind, a contract is itself on one alone, and
/// may be somebody else's on another. Written as the address, or as CAIP-10 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holder {
    /// The address of a key, or of a contract.
    Evm {
        wallet: Wallet,
        /// EIP-155, of a contract.
        only_on: Option<u64>,
    },
    /// On every cluster of Solana.
    Solana(Key),
}

impl Holder {
    /// Its address on a chain of this number (EIP-155).
    pub(crate) fn on(&self, chain: u64) -> Option<Wallet> {
        match self {
            Self::Evm { wallet, only_on } => only_on.is_none_or(|only| only == chain).then_some(*wallet),
            Self::Solana(_) => None,
        }
    }

    /// Its address of Ethereum's kind.
    pub(crate) fn evm(&self) -> Option<Wallet> {
        match self {
            Self::Evm { wallet, .. } => Some(*wallet),
            Self::Solana(_) => None,
        }
    }

    /// Its address on Solana.
    pub(crate) fn solana(&self) -> Option<Key> {
        match self {
            Self::Evm { .. } => None,
            Self::Solana(key) => Some(*key),
        }
    }

    /// Whether it is this one of a list, and for whom a list opens: a list names no chain, and the contract of an address may be another
    /// one's elsewhere.
    pub(super) fn is_let_in_as(&self, member: &Member) -> bool {
        !matches!(self, Self::Evm { only_on: Some(_), .. }) && self.is(member)
    }

    /// Whether it is this one of a list.
    pub(super) fn is(&self, member: &Member) -> bool {
        match (self, member) {
            (Self::Evm { wallet, .. }, Member::Evm(listed)) => wallet == listed,
            (Self::Solana(key), Member::Solana(listed)) => key == listed,
            _ => false,
        }
    }
}

impl FromStr for Holder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(key) = text.strip_prefix("solana:") {
            return key.parse().map(Self::Solana);
        }
        let Some(rest) = text.strip_prefix("eip155:") else {
            return Ok(match text.parse()? {
                Member::Evm(wallet) => Self::Evm { wallet, only_on: None },
                Member::Solana(key) => Self::Solana(key),
            });
        };
        let (chain, address) = rest.split_once(':').ok_or(())?;
        Ok(Self::Evm { wallet: address.parse()?, only_on: Some(chain.parse().map_err(|_| ())?) })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evm { wallet, only_on: None } => wallet.fmt(f),
            Self::Evm { wallet, only_on: Some(chain) } => write!(f, "eip155:{chain}:{wallet}"),
            Self::Solana(key) => write!(f, "solana:{key}"),
        }
    }
}

impl Serialize for Holder {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Holder {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom("a wallet is an address, eip155:N:address, or solana:address"))
    }
}

/// A wallet of a list: an address of Ethereum's kind or of Solana's. None is both: one begins with 0x, which base58 has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Evm(Wallet),
    Solana(Key),
}

impl FromStr for Member {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.starts_with("0x") { text.parse().map(Self::Evm) } else { text.parse().map(Self::Solana) }
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Evm(wallet) => wallet.serialize(to),
            Self::Solana(key) => key.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let why = "an address has 0x, 40 hex digits and the checksum of EIP-55, or is 32 bytes in base58";
        text.parse().map_err(|()| serde::de::Error::custom(why))
    }
}

/// A number of up to 256 bits, written in decimal as a string: JSON's numbers end before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Amount(pub(crate) U256);

impl Amount {
    pub(super) fn of(n: u64) -> Self {
        Self(U256::from(n))
    }
}

impl FromStr for Amount {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.is_empty() || text.len() > 78 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        U256::from_str_radix(text, 10).map(Self).map_err(|_| ())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|()| serde::de::Error::custom("an amount is a string of decimal digits below 2^256"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_typing_error_is_none() {
        // EIP-55's first example.
        let good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        assert_eq!(good.parse::<Wallet>().unwrap().to_string(), good);
        assert_eq!(good.to_lowercase().parse::<Wallet>().unwrap().to_string(), good);
        for bad in ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", "", "0x", &good[2..], &good[..41], "0xzz"] {
            assert!(bad.parse::<Wallet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_holder_is_written_with_the_chain_that_it_is_bound_to() {
        let address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        let solana = "solana:TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
        for text in [address.to_owned(), format!("eip155:10:{address}"), solana.to_owned()] {
            assert_eq!(text.parse::<Holder>().unwrap().to_string(), text);
        }
        for bad in ["", "eip155:10", "eip155::0x", "eip155:x:0x", "solana:10:0x"] {
            assert!(bad.parse::<Holder>().is_err(), "{bad}");
        }
        assert_eq!(solana["solana:".len()..].parse::<Holder>(), solana.parse::<Holder>());
        assert!(format!("solana:{address}").parse::<Holder>().is_err());
        let (one, other): (Holder, Holder) = (address.parse().unwrap(), solana.parse().unwrap());
        assert_eq!((one.solana(), other.evm(), other.on(1)), (None, None, None), "none of them is of the other kind");
    }

    #[test]
    fn an_amount_is_digits_below_the_bound() {
        let max = U256::MAX.to_string();
        assert_eq!(max.parse::<Amount>(), Ok(Amount(U256::MAX)));
        for bad in ["", "-1", "+1", "0x1", "1e3", "1_0", " 1", &format!("{}0", &max[..78]), &"9".repeat(78)] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }
}
