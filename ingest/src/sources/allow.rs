//! The allow-list: networks in, a verdict out in a few nanoseconds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Fewest bits of an IPv4 network: a /16 is what one owner may have, more is a part of the internet.
pub const MIN_BITS_V4: u8 = 16;
/// Fewest bits of an IPv6 network: a /32 is what a registry gives to one provider of addresses.
pub const MIN_BITS_V6: u8 = 32;
/// Where IPv4 begins in an IPv4-mapped address.
const MAPPED_BITS: u8 = 96;

/// Why networks are no allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    /// Nobody could come in.
    #[error("nobody may post; name a data centre or a network")]
    Empty,
    /// So wide that it lets strangers in.
    #[error(
        "{0} is so wide that it is no allow-list; only `door.allow_wide_sources = true` allows it"
    )]
    Wide(IpNet),
}

/// Who may come in. Ranges are sorted and do not touch, so that a look-up is one binary search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl AllowList {
    /// The list of these networks; `wide` allows networks of any width.
    pub fn new(networks: &[IpNet], wide: bool) -> Result<Self, NoList> {
        if networks.is_empty() {
            return Err(NoList::Empty);
        }
        let list = Self::perhaps_empty(networks, wide)?;
        Ok(list)
    }

    /// The same for a list that may be empty, such as that of proxies.
    pub fn perhaps_empty(networks: &[IpNet], wide: bool) -> Result<Self, NoList> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks.iter().copied().map(canonical) {
            if !wide && is_wide(network) {
                return Err(NoList::Wide(network));
            }
            match network {
                IpNet::V4(network) => {
                    v4.push((u32::from(network.network()), u32::from(network.broadcast())));
                }
                IpNet::V6(network) => v6.push((
                    u128::from(network.network()),
                    u128::from(network.broadcast()),
                )),
            }
        }
        Ok(Self {
            v4: joined(v4),
            v6: joined(v6),
        })
    }

    /// Whether an address is on it. An IPv4-mapped address is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => holds(&self.v4, u32::from(address)),
            IpAddr::V6(address) => holds(&self.v6, u128::from(address)),
        }
    }

    /// Whether nobody is on it.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

/// The network without its host bits; of an IPv4-mapped one the IPv4 network.
pub fn canonical(network: IpNet) -> IpNet {
    let network = network.trunc();
    let IpNet::V6(mapped) = network else {
        return network;
    };
    let address = mapped.network().to_ipv4_mapped();
    let bits = mapped.prefix_len().checked_sub(MAPPED_BITS);
    match address.zip(bits) {
        Some((address, bits)) => Ipv4Net::new(address, bits).map_or(network, IpNet::V4),
        None => network,
    }
}

/// Whether a network is too wide to be an allow-list. All of loopback is this machine, however wide.
pub fn is_wide(network: IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() < MIN_BITS_V4 && !LOOPBACK_V4.contains(&network),
        IpNet::V6(network) => network.prefix_len() < MIN_BITS_V6 && network != LOOPBACK_V6,
    }
}

const LOOPBACK_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
const LOOPBACK_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);

fn joined<N: Copy + Ord>(mut ranges: Vec<(N, N)>) -> Vec<(N, N)> {
    ranges.sort_unstable();
    let mut all: Vec<(N, N)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match all.last_mut() {
            // Networks nest or are apart; the outer one comes first.
            Some((_, end)) if first <= *end => *end = last.max(*end),
            Some(_) | None => all.push((first, last)),
        }
    }
    all
}

fn holds<N: Copy + Ord>(ranges: &[(N, N)], address: N) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after
        .checked_sub(1)
        .and_then(|at| ranges.get(at))
        .is_some_and(|(_, last)| address <= *last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn refuses_what_lets_nobody_or_everybody_in() {
        assert_eq!(AllowList::new(&[], true), Err(NoList::Empty));
        for wide in [
            "0.0.0.0/0",
            "10.0.0.0/15",
            "::/0",
            "2001:db8::/31",
            "::ffff:10.0.0.0/111",
        ] {
            let networks = nets(&[wide]);
            assert!(
                matches!(AllowList::new(&networks, false), Err(NoList::Wide(_))),
                "{wide}"
            );
            assert!(AllowList::new(&networks, true).is_ok(), "{wide}");
        }
        for narrow in [
            "10.0.0.0/16",
            "2001:db8::/32",
            "127.0.0.0/8",
            "::1/128",
            "::ffff:10.0.0.0/112",
        ] {
            assert!(AllowList::new(&nets(&[narrow]), false).is_ok(), "{narrow}");
        }
    }

    #[test]
    fn a_mapped_entry_is_the_entry_of_ipv4() {
        let list = AllowList::new(&nets(&["::ffff:192.0.2.77/120"]), false).unwrap();
        assert!(list.contains("192.0.2.1".parse().unwrap()));
        assert!(!list.contains("192.0.3.1".parse().unwrap()));
    }

    fn network() -> impl Strategy<Value = IpNet> {
        let v4 = (any::<u32>(), 0..=32_u8)
            .prop_map(|(address, bits)| IpNet::new(Ipv4Addr::from(address).into(), bits).unwrap());
        let v6 = (any::<u128>(), 0..=128_u8)
            .prop_map(|(address, bits)| IpNet::new(Ipv6Addr::from(address).into(), bits).unwrap());
        prop_oneof![v4, v6]
    }

    proptest! {
        #[test]
        fn an_address_and_its_mapped_form_get_the_same_verdict(
            networks in prop::collection::vec(network(), 1..20),
            address in any::<u32>(),
            inside in any::<prop::sample::Index>(),
        ) {
            let list = AllowList::new(&networks, true).unwrap();
            // Addresses by chance are seldom on a list: one that is near an entry is tried too.
            let near = match inside.get(&networks) {
                IpNet::V4(network) => network.addr(),
                IpNet::V6(_) => Ipv4Addr::from(address),
            };
            for address in [Ipv4Addr::from(address), near] {
                let mapped = IpAddr::V6(address.to_ipv6_mapped());
                prop_assert_eq!(list.contains(address.into()), list.contains(mapped));
            }
        }

        #[test]
        fn agrees_with_asking_each_network(
            networks in prop::collection::vec(network(), 1..20),
            address in any::<u128>(),
            inside in any::<prop::sample::Index>(),
        ) {
            let list = AllowList::new(&networks, true).unwrap();
            let low = u32::try_from(address & 0xffff_ffff).unwrap();
            let addresses: [IpAddr; 3] = [
                Ipv6Addr::from(address).into(),
                Ipv4Addr::from(low).into(),
                inside.get(&networks).addr(),
            ];
            for address in addresses.map(|address| address.to_canonical()) {
                let each = networks.iter().any(|network| canonical(*network).contains(&address));
                prop_assert_eq!(list.contains(address), each);
            }
        }
    }

    #[test]
    #[ignore = "a measurement, for release builds"]
    fn a_look_up_takes_nanoseconds() {
        let networks: Vec<_> = jumio::sources::DataCentre::ALL
            .into_iter()
            .flat_map(jumio::sources::networks)
            .collect();
        let list = AllowList::new(&networks, false).unwrap();
        let rounds = 10_000_000_u32;
        let begun = std::time::Instant::now();
        let mut listed = 0_u32;
        for number in 0..rounds {
            let address = IpAddr::from(number.wrapping_mul(2_654_435_761).to_be_bytes());
            listed += u32::from(list.contains(std::hint::black_box(address)));
        }
        let each = begun.elapsed() / rounds;
        assert!(each.as_nanos() <= 30, "{each:?} each, {listed} listed");
    }
}
