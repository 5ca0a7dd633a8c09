//! Which addresses may be connected to. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wire::net::Net;

/// Where a client may connect to.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// Wherever: the operator named the address. For chain nodes; webhooks never get it.
    #[cfg_attr(not(test), allow(dead_code))]
    Anywhere,
    /// To public addresses and to these ranges: someone else named it.
    Public(Vec<Net>),
}

impl Reach {
    /// Whether `ip` may be connected to.
    pub(crate) fn allows(&self, ip: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Public(besides) => is_public(ip) || besides.iter().any(|net| net.holds(ip)),
        }
    }
}

/// Whether an address is one of the open Internet, by the registries of special-purpose addresses (RFC 6890 and IANA's lists
/// of today). What is in no list of global unicast is not.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    // 168.63.129.16 is public by its number, and the metadata service of a large cloud.
    !matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16]
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // 2000::/3 is all that is assigned. Of it: 2001::/23 is for protocols (Teredo), 2002::/16 carries IPv4 addresses within
    // (6to4), 2001:db8::/32 and 3fff::/20 are for documents.
    match ip.segments() {
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for public in ["1.1.1.1", "100.63.255.255", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.255.0.9",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn ranges_that_are_named_are_let_in_and_no_more() {
        let reach = Reach::Public(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let may = |ip: &str| reach.allows(ip.parse().unwrap());
        assert!(may("10.0.0.1") && may("::ffff:10.0.0.1") && may("fd00::1") && may("1.1.1.1"));
        assert!(!may("127.0.0.1") && !may("192.168.0.1") && !may("::1"));
        assert!(Reach::Anywhere.allows("127.0.0.1".parse().unwrap()));
    }
}
