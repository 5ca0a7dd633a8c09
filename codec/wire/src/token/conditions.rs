//! Claims that depend on more than time and path: where the viewer is, on whose page, and how many watch at once. Reading is
//! here; whether they are met is for who sees the request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::TokenError;
use super::cbor::{Decoder, put_array, put_bytes, put_tag, put_text, put_unsigned};
use crate::limits::{
    COUNTRIES_MAX, NETWORKS_MAX, REFERRERS_MAX, STREAM_CLASS_BYTES_MAX, STREAM_ID_BYTES_MAX, STREAMS_MAX,
};

/// CBOR tags of addresses and prefixes (RFC 9164).
const IPV4: u64 = 52;
const IPV6: u64 = 54;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The range of the first `prefix` bits of `address`; `None`: it has not as many.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if prefix <= 32 => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask_32(prefix))),
            IpAddr::V6(v6) if prefix <= 128 => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask_128(prefix))),
            _ => return None,
        };
        Some(Self { address, prefix })
    }

    /// Is `address` in it? An IPv4 address written as IPv6 counts as what it is.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => ours.to_bits() == theirs.to_bits() & mask_32(self.prefix),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => ours.to_bits() == theirs.to_bits() & mask_128(self.prefix),
            _ => false,
        }
    }
}

fn mask_32(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn mask_128(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Network {
    type Err = TokenError;

    /// `ADDRESS/BITS` or `ADDRESS`; bits of the host must be zero.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| TokenError::ClaimInvalid)?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(whole), str::parse).map_err(|_| TokenError::ClaimInvalid)?;
        Self::new(address, prefix).filter(|network| network.address == address).ok_or(TokenError::ClaimInvalid)
    }
}

/// A country (ISO 3166-1 alpha-2), in capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country([u8; 2]);

impl Country {
    /// `SE`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(TokenError::ClaimInvalid),
        }
    }
}

/// How many streams may play at once, and which one this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streams {
    /// What is counted together for one subject: an asset, or what several have in common.
    pub class: String,
    /// As many at once, at least one.
    pub max: u32,
    /// This one's own name; a renewed token keeps it.
    pub id: Vec<u8>,
}

impl Streams {
    pub(super) fn check(&self) -> Result<(), TokenError> {
        let class = (1..=STREAM_CLASS_BYTES_MAX).contains(&self.class.len());
        let id = (1..=STREAM_ID_BYTES_MAX).contains(&self.id.len());
        if class && id && (1..=STREAMS_MAX).contains(&self.max) { Ok(()) } else { Err(TokenError::ClaimInvalid) }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_array(out, 3);
        put_text(out, &self.class);
        put_unsigned(out, u64::from(self.max));
        put_bytes(out, &self.id);
    }

    pub(super) fn read(map: &mut Decoder<'_>) -> Result<Self, TokenError> {
        if map.array()? != 3 {
            return Err(TokenError::ClaimInvalid);
        }
        let (class, max, id) = (map.text()?.to_owned(), map.unsigned()?, map.bytes()?.to_vec());
        let streams = Self { class, max: u32::try_from(max).map_err(|_| TokenError::ClaimInvalid)?, id };
        streams.check().map(|()| streams)
    }
}

/// The host of a page, as `Origin` and `Referer` name it: letters, digits, `.`, `-`, `:` and brackets; small letters.
pub(super) fn check_host(host: &str) -> Result<(), TokenError> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    if (1..=255).contains(&host.len()) && host.bytes().all(letter) { Ok(()) } else { Err(TokenError::ClaimInvalid) }
}

/// As many items as `max`, none of them read yet.
fn items(map: &mut Decoder<'_>, max: usize) -> Result<usize, TokenError> {
    usize::try_from(map.array()?).ok().filter(|count| *count <= max).ok_or(TokenError::ClaimInvalid)
}

pub(super) fn put_networks(out: &mut Vec<u8>, networks: &[Network]) {
    put_array(out, networks.len() as u64);
    for network in networks {
        let octets = match network.address {
            IpAddr::V4(v4) => (IPV4, v4.octets().to_vec()),
            IpAddr::V6(v6) => (IPV6, v6.octets().to_vec()),
        };
        put_tag(out, octets.0);
        put_array(out, 2);
        put_unsigned(out, u64::from(network.prefix));
        put_bytes(out, &octets.1);
    }
}

/// Addresses and prefixes (RFC 9164 section 3). The number of an autonomous system is understood and not supported.
pub(super) fn read_networks(map: &mut Decoder<'_>) -> Result<Vec<Network>, TokenError> {
    (0..items(map, NETWORKS_MAX)?).map(|_| read_network(map)).collect()
}

fn read_network(map: &mut Decoder<'_>) -> Result<Network, TokenError> {
    let tag = map.tag()?.ok_or(TokenError::RestrictionUnsupported)?;
    let prefix = if map.next_is_array() {
        if map.array()? != 2 {
            return Err(TokenError::ClaimInvalid);
        }
        Some(u8::try_from(map.unsigned()?).map_err(|_| TokenError::ClaimInvalid)?)
    } else {
        None
    };
    let bytes = map.bytes()?;
    let (address, whole) = match tag {
        IPV4 => (IpAddr::from(octets::<4>(bytes, prefix.is_some())?), 32),
        IPV6 => (IpAddr::from(octets::<16>(bytes, prefix.is_some())?), 128),
        _ => return Err(TokenError::ClaimInvalid),
    };
    Network::new(address, prefix.unwrap_or(whole)).ok_or(TokenError::ClaimInvalid)
}

/// A prefix may leave zeros at its end out (section 3.1.3); an address has all its bytes.
fn octets<const N: usize>(bytes: &[u8], may_be_short: bool) -> Result<[u8; N], TokenError> {
    let mut octets = [0; N];
    let fits = bytes.len() == N || (may_be_short && bytes.len() < N);
    octets.get_mut(..bytes.len()).filter(|_| fits).ok_or(TokenError::ClaimInvalid)?.copy_from_slice(bytes);
    Ok(octets)
}

pub(super) fn put_countries(out: &mut Vec<u8>, countries: &[Country]) {
    put_array(out, countries.len() as u64);
    for country in countries {
        put_text(out, country.as_str());
    }
}

/// Countries alone: a part of one (`US-CA`) is not supported.
pub(super) fn read_countries(map: &mut Decoder<'_>) -> Result<Vec<Country>, TokenError> {
    let country = |map: &mut Decoder<'_>| map.text()?.parse().map_err(|_| TokenError::RestrictionUnsupported);
    (0..items(map, COUNTRIES_MAX)?).map(|_| country(map)).collect()
}

pub(super) fn put_referrers(out: &mut Vec<u8>, hosts: &[String]) {
    put_array(out, hosts.len() as u64);
    for host in hosts {
        put_text(out, host);
    }
}

pub(super) fn read_referrers(map: &mut Decoder<'_>) -> Result<Vec<String>, TokenError> {
    let host = |map: &mut Decoder<'_>| {
        let host = map.text()?;
        check_host(host).map(|()| host.to_owned())
    };
    (0..items(map, REFERRERS_MAX)?).map(|_| host(map)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        let check = |network: &str, address: &str, expected: bool| {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.holds(address.parse().unwrap()), expected, "{network} {address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("0.0.0.0/0", "255.1.2.3", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("2001:db8::/33", "2001:db8:7fff::1", true);
        check("2001:db8::/33", "2001:db8:8000::1", false);
        check("::/0", "::1", true);
        for wrong in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "::1/129", "a", "", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
