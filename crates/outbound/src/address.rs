//! Which IP addresses are somebody's on the public internet.
//!
//! The blocks are those of the IANA special-purpose address registries (RFC 6890 and its updates), and what the clouds
//! keep for their machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of IPv4 addresses and the length of its prefix in bits.
type Block4 = (Ipv4Addr, u32);
type Block6 = (Ipv6Addr, u32);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const NOT_PUBLIC_V4: &[Block4] = &[
    (v4(0, 0, 0, 0), 8),      // this network (RFC 791); 0.0.0.0 connects to this machine
    (v4(10, 0, 0, 0), 8),     // private (RFC 1918)
    (v4(100, 64, 0, 0), 10),  // carrier-grade NAT (RFC 6598); the metadata of Alibaba Cloud
    (v4(127, 0, 0, 0), 8),    // loopback
    (v4(169, 254, 0, 0), 16), // link-local (RFC 3927); the metadata of most clouds
    (v4(172, 16, 0, 0), 12),  // private
    (v4(192, 0, 0, 0), 24),   // IETF protocols (RFC 6890); the metadata of Oracle Cloud
    (v4(192, 0, 2, 0), 24),   // documentation (RFC 5737)
    (v4(192, 88, 99, 0), 24), // relays of 6to4 (RFC 7526)
    (v4(192, 168, 0, 0), 16), // private
    (v4(198, 18, 0, 0), 15),  // benchmarks (RFC 2544)
    (v4(198, 51, 100, 0), 24),
    (v4(203, 0, 113, 0), 24),
    (v4(224, 0, 0, 0), 4), // multicast
    (v4(240, 0, 0, 0), 4), // reserved, and broadcast
    (WIRE_SERVER, 32),
];

/// What a machine of Azure asks for its own configuration; the address is of a public block.
const WIRE_SERVER: Ipv4Addr = v4(168, 63, 129, 16);

/// Only 2000::/3 is handed out to anybody. Outside of it lie, among others, loopback, unspecified, IPv4-mapped and
/// -compatible addresses, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), discard, unique local, link-local, multicast.
const GLOBAL_UNICAST: Block6 = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

const NOT_PUBLIC_V6: &[Block6] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocols: Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which holds an IPv4 address
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

/// What stays closed also to a name that an operator lists: an address that says who asks (metadata, the link), or none.
const NEVER_BY_NAME_V4: &[Block4] = &[
    (v4(0, 0, 0, 0), 8),
    (v4(100, 100, 100, 200), 32),
    (v4(169, 254, 0, 0), 16),
    (v4(192, 0, 0, 192), 32),
    (v4(224, 0, 0, 0), 4),
    (v4(240, 0, 0, 0), 4),
    (WIRE_SERVER, 32),
];

const NEVER_BY_NAME_V6: &[Block6] = &[
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), // the metadata of AWS
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128),  // the metadata of Google Cloud
];

/// Whether the address may be somebody's on the public internet. An IPv4 address inside an IPv6 one never is: nobody who
/// means it well writes it so.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !in_any_v4(address, NOT_PUBLIC_V4),
        IpAddr::V6(address) => in_v6(address, GLOBAL_UNICAST) && !in_any_v6(address, NOT_PUBLIC_V6),
    }
}

/// Whether the address stays closed also to names that an operator lists.
pub fn is_never_by_name(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => in_any_v4(address, NEVER_BY_NAME_V4),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => in_any_v4(inner, NEVER_BY_NAME_V4),
            None => in_any_v6(address, NEVER_BY_NAME_V6),
        },
    }
}

fn in_any_v4(address: Ipv4Addr, blocks: &[Block4]) -> bool {
    blocks.iter().any(|(block, prefix)| (address.to_bits() ^ block.to_bits()).leading_zeros() >= *prefix)
}

fn in_any_v6(address: Ipv6Addr, blocks: &[Block6]) -> bool {
    blocks.iter().any(|block| in_v6(address, *block))
}

fn in_v6(address: Ipv6Addr, (block, prefix): Block6) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_special_is_public() {
        let closed = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in closed {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_neighbours_of_what_is_special_are_public() {
        let open = [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "168.63.129.15",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
        ];
        for address in open {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_listed_name_opens_private_networks_and_no_metadata() {
        let never = |text: &str| is_never_by_name(text.parse().unwrap());
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::",
            "ff02::1",
        ] {
            assert!(never(address), "{address}");
        }
        for address in ["127.0.0.1", "10.1.2.3", "192.168.1.1", "100.64.0.1", "::1", "fd12::1", "8.8.8.8"] {
            assert!(!never(address), "{address}");
        }
    }
}
