//! From which addresses the provider says that it calls.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// Where the provider keeps an account; each place calls from its own addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataCentre {
    /// Europe.
    Eu,
    /// The United States.
    Us,
    /// Singapore.
    Sgp,
}

/// Of which generation of products a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generation {
    /// Netverify.
    Netverify,
    /// The platform (KYX).
    Platform,
}

impl Generation {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Netverify => "netverify",
            Self::Platform => "platform",
        }
    }
}

/// One list as the provider printed it.
#[derive(Clone, Copy, Debug)]
pub struct Printed {
    /// Of which generation's page.
    pub generation: Generation,
    /// For which data centre.
    pub data_centre: DataCentre,
    /// Since when the public guides have it, or from when on the undated page was read.
    pub since: &'static str,
    /// Where it stands.
    pub source: &'static str,
    /// The name under which DNS gives the list of today.
    pub hostname: &'static str,
    /// The addresses.
    pub addresses: &'static [Ipv4Addr],
}

const NETVERIFY_PAGE: &str =
    "documentation.jumio.ai/docs/Integrate/netVerifyv2 (undated, read 2024 or later)";
const KYX_PAGE: &str =
    "docs.jumio.com/production/Content/Integration/Callback.htm (undated, read 2024 or later)";

const EU: &[Ipv4Addr] = &[
    Ipv4Addr::new(34, 253, 41, 236),
    Ipv4Addr::new(35, 157, 27, 193),
    Ipv4Addr::new(52, 48, 0, 25),
    Ipv4Addr::new(52, 57, 194, 92),
    Ipv4Addr::new(52, 58, 113, 86),
    Ipv4Addr::new(52, 209, 180, 134),
];

/// The lists in force. Older ones are left out: an address that the provider gave back is a stranger's.
///
/// The two pages disagree on three addresses of the United States, so [`networks`] allows the union;
/// what an installation allows is its configuration.
pub const PRINTED: &[Printed] = &[
    Printed {
        generation: Generation::Netverify,
        data_centre: DataCentre::Eu,
        since: "2019-10-30",
        source: NETVERIFY_PAGE,
        hostname: "callback.lon.jumio.com",
        addresses: EU,
    },
    Printed {
        generation: Generation::Netverify,
        data_centre: DataCentre::Us,
        since: "2019-10-30",
        source: NETVERIFY_PAGE,
        hostname: "callback.jumio.com",
        addresses: &[
            Ipv4Addr::new(34, 202, 241, 227),
            Ipv4Addr::new(34, 226, 103, 119),
            Ipv4Addr::new(34, 226, 254, 127),
            Ipv4Addr::new(52, 52, 51, 178),
            Ipv4Addr::new(52, 53, 95, 123),
            Ipv4Addr::new(54, 67, 101, 173),
        ],
    },
    Printed {
        generation: Generation::Netverify,
        data_centre: DataCentre::Sgp,
        since: "2020-04-09",
        source: NETVERIFY_PAGE,
        hostname: "callback.core-sgp.jumio.com",
        addresses: &[
            Ipv4Addr::new(3, 0, 109, 121),
            Ipv4Addr::new(52, 76, 184, 73),
            Ipv4Addr::new(52, 77, 102, 92),
        ],
    },
    Printed {
        generation: Generation::Platform,
        data_centre: DataCentre::Eu,
        since: "2024",
        source: KYX_PAGE,
        hostname: "callback.emea-1.jumio.ai",
        addresses: EU,
    },
    Printed {
        generation: Generation::Platform,
        data_centre: DataCentre::Us,
        since: "2024",
        source: KYX_PAGE,
        hostname: "callback.amer-1.jumio.ai",
        addresses: &[
            Ipv4Addr::new(34, 202, 241, 227),
            Ipv4Addr::new(34, 226, 103, 119),
            Ipv4Addr::new(34, 226, 254, 127),
            Ipv4Addr::new(52, 8, 136, 236),
            Ipv4Addr::new(54, 177, 61, 57),
            Ipv4Addr::new(54, 183, 15, 212),
        ],
    },
    Printed {
        generation: Generation::Platform,
        data_centre: DataCentre::Sgp,
        since: "2024",
        source: KYX_PAGE,
        hostname: "callback.apac-1.jumio.ai",
        addresses: &[
            Ipv4Addr::new(3, 0, 109, 121),
            Ipv4Addr::new(52, 76, 184, 73),
            Ipv4Addr::new(52, 77, 102, 92),
            Ipv4Addr::new(13, 238, 100, 17),
            Ipv4Addr::new(13, 238, 203, 238),
            Ipv4Addr::new(52, 64, 132, 26),
        ],
    },
];

/// Every address from which a data centre may call, sorted, each once.
pub fn networks(data_centre: DataCentre) -> Vec<IpNet> {
    let mut networks: Vec<_> = PRINTED
        .iter()
        .filter(|list| list.data_centre == data_centre)
        .flat_map(|list| list.addresses)
        .map(|address| IpNet::from(IpAddr::V4(*address)))
        .collect();
    networks.sort_unstable();
    networks.dedup();
    networks
}

/// The lists of these data centres, both generations of each.
pub fn printed(data_centres: &[DataCentre]) -> impl Iterator<Item = &'static Printed> {
    PRINTED
        .iter()
        .filter(|list| data_centres.contains(&list.data_centre))
}

impl DataCentre {
    /// Every data centre.
    pub const ALL: [Self; 3] = [Self::Eu, Self::Us, Self::Sgp];

    /// The word for it, as in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
            Self::Sgp => "sgp",
        }
    }
}

impl std::fmt::Display for DataCentre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no data centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of `eu`, `us`, `sgp`")]
pub struct NoDataCentre;

impl std::str::FromStr for DataCentre {
    type Err = NoDataCentre;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|data_centre| data_centre.as_str() == text)
            .ok_or(NoDataCentre)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_centre_allows_the_union_of_both_products() {
        for (data_centre, count) in [
            (DataCentre::Eu, 6),
            (DataCentre::Us, 9),
            (DataCentre::Sgp, 6),
        ] {
            let networks = networks(data_centre);
            assert_eq!(networks.len(), count);
            assert!(networks.iter().all(|network| network.prefix_len() == 32));
        }
    }

    #[test]
    fn no_address_calls_from_two_data_centres() {
        let mut all: Vec<_> = DataCentre::ALL.into_iter().flat_map(networks).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn every_data_centre_has_a_dated_list_and_a_host_of_its_own_for_each_generation() {
        let mut hosts: Vec<_> = PRINTED.iter().map(|list| list.hostname).collect();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts.len(), PRINTED.len());
        for data_centre in DataCentre::ALL {
            let generations: Vec<_> = printed(&[data_centre])
                .map(|list| list.generation)
                .collect();
            assert_eq!(
                generations,
                [Generation::Netverify, Generation::Platform],
                "{data_centre}"
            );
            for list in printed(&[data_centre]) {
                assert!(list.since.starts_with("20") && !list.source.is_empty());
                assert!(!list.addresses.is_empty());
            }
        }
    }

    #[test]
    fn data_centres_are_named_by_their_words() {
        for data_centre in DataCentre::ALL {
            assert_eq!(data_centre.as_str().parse(), Ok(data_centre));
        }
        assert_eq!("EU".parse::<DataCentre>(), Err(NoDataCentre));
    }
}
