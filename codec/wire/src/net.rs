//! A range of addresses, as an operator writes it: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Net {
    base: u128,
    bits: u32,
    v4: bool,
}

/// Why a text is no range of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NetError {
    /// No address before the slash.
    #[error("it does not begin with an IP address")]
    Address,
    /// No length behind the slash, or more bits than the address has.
    #[error("behind the slash stands no length that the address has")]
    Length,
    /// Bits are set behind the length: what was meant cannot be known.
    #[error("the address has bits set behind its length")]
    Bits,
}

impl Net {
    /// Whether `ip` lies in it. An IPv4 address counts as such in either way of writing it.
    pub fn holds(&self, ip: IpAddr) -> bool {
        let (value, v4) = number(ip.to_canonical());
        v4 == self.v4 && (value ^ self.base) & mask(self.bits, v4) == 0
    }
}

impl FromStr for Net {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Net, NetError> {
        let (ip, length) = text.split_once('/').map_or((text, None), |(ip, length)| (ip, Some(length)));
        let (base, v4) = number(ip.parse().map_err(|_| NetError::Address)?);
        let width = if v4 { 32 } else { 128 };
        let bits = match length {
            None => width,
            Some(length) => length.parse().ok().filter(|bits| *bits <= width).ok_or(NetError::Length)?,
        };
        if base & !mask(bits, v4) != 0 {
            return Err(NetError::Bits);
        }
        Ok(Net { base, bits, v4 })
    }
}

fn number(ip: IpAddr) -> (u128, bool) {
    match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), true),
        IpAddr::V6(ip) => (u128::from(ip), false),
    }
}

/// The first `bits` of an address.
fn mask(bits: u32, v4: bool) -> u128 {
    let width = if v4 { 32 } else { 128 };
    let all = if v4 { u128::from(u32::MAX) } else { u128::MAX };
    all & all.checked_shl(width - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses() {
        for (net, ip, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "a00::1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let parsed: Net = net.parse().expect("a range");
            assert_eq!(parsed.holds(ip.parse().expect("an address")), holds, "{ip} in {net}");
        }
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (text, why) in [
            ("", NetError::Address),
            ("localhost", NetError::Address),
            ("10.0.0/8", NetError::Address),
            ("10.0.0.0/", NetError::Length),
            ("10.0.0.0/33", NetError::Length),
            ("10.0.0.1/8", NetError::Bits),
            ("::1/64", NetError::Bits),
        ] {
            assert_eq!(text.parse::<Net>(), Err(why), "{text}");
        }
    }
}
