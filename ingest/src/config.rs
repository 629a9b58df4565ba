//! `[door]`: who may post, how much, and how long it may take.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use stage::config::{ConfigError, Profile};

use crate::{
    http::connection::Times,
    sources::{Kind, Reread},
    tls::{self, Tls},
};

mod access;

pub use access::{Published, Secret};

/// `[door]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Of each provider, whose published addresses may post.
    pub sources: Published,
    /// Further networks that may post, in CIDR form.
    pub allow: Vec<IpNet>,
    /// Whether networks wider than a /16 (IPv4) or /32 (IPv6) are taken for a list.
    pub allow_wide_sources: bool,
    /// Networks of our own proxies, whose word on the client counts.
    pub proxies: Vec<IpNet>,
    /// The header field that the proxies write; without it whichever is there, and both are refused.
    pub forwarded: Option<Kind>,
    /// Whether connections of the proxies must begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Up to two secret path segments; none means that the bare path is open to the listed peers.
    pub secrets: Vec<Secret>,
    /// How these settings are read again while the door runs.
    #[serde(skip)]
    pub reread: Option<Reread>,
    /// TLS of the door's own; none where a proxy of ours ends it.
    pub tls: Option<tls::Config>,
    /// How long a post may wait for the broker, in milliseconds.
    pub deadline_ms: u64,
    /// How long the header fields of a request may take, in milliseconds.
    pub header_ms: u64,
    /// How long a body may take, in milliseconds.
    pub body_ms: u64,
    /// How long a connection may wait for its next request, in milliseconds.
    pub idle_ms: u64,
    /// Bytes a second that a body must come at, after a grace of two seconds.
    pub body_bytes_per_second: u64,
    /// How long the sender may take to accept an answer, in milliseconds.
    pub write_ms: u64,
    /// How long requests are still taken after a stop was asked for, in milliseconds, while `/readyz` says no:
    /// as long as whoever sends us here needs to notice.
    pub announce_ms: u64,
    /// Largest form body (Netverify generation), in bytes.
    pub max_form_bytes: usize,
    /// Largest JSON body (KYX), in bytes.
    pub max_json_bytes: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Connections of one network (/24, /48) at the same time.
    pub max_connections_per_network: usize,
    /// Bytes of bodies that may be in hand at the same time, over all connections: from before the first byte is read
    /// until it is answered, so it bounds what waits for the broker too. One network may hold a quarter of it.
    pub max_bytes_in_hand: usize,
    /// Where posts go while the broker is away; none means that they are answered 503.
    pub spool: Option<crate::spool::Config>,
    /// Posts a second of one listed peer.
    pub rate: u32,
    /// Posts of one listed peer at once above its rate.
    pub burst: u32,
    /// Posts a second of all listed peers together.
    pub total_rate: u32,
    /// Posts at once above that rate.
    pub total_burst: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            sources: Published::default(),
            allow: Vec::new(),
            allow_wide_sources: false,
            proxies: Vec::new(),
            forwarded: None,
            proxy_protocol: false,
            secrets: Vec::new(),
            reread: None,
            tls: None,
            // The provider's own time-out is not documented; two seconds is well below any that is guessed at.
            deadline_ms: 2_000,
            header_ms: 5_000,
            body_ms: 10_000,
            idle_ms: 60_000,
            body_bytes_per_second: 1_024,
            write_ms: 5_000,
            announce_ms: 0,
            // All stated maxima together are 7,477 characters, at most nine bytes each when percent-encoded.
            max_form_bytes: 256 << 10,
            // Recorded KYX callbacks are below 1 kB.
            max_json_bytes: 64 << 10,
            max_connections: 4_096,
            // A quarter: the provider's few addresses may lie in one network, a broken neighbour may not take all.
            max_connections_per_network: 1_024,
            // 256 of the largest bodies, thousands of usual ones.
            max_bytes_in_hand: 64 << 20,
            spool: None,
            rate: 500,
            burst: 2_000,
            // About what one core makes durable.
            total_rate: 10_000,
            total_burst: 20_000,
        }
    }
}

impl Config {
    /// Refuses what must not face the internet.
    pub fn check(&self, profile: Profile) -> Result<(), ConfigError> {
        self.check_access(profile)?;
        self.check_rates()?;
        if let Some(tls) = &self.tls {
            Tls::open(tls)?;
        }
        Ok(())
    }

    /// Refuses rates that no peer could reach.
    fn check_rates(&self) -> Result<(), ConfigError> {
        for (total, all, each, one) in [
            ("door.total_rate", self.total_rate, "door.rate", self.rate),
            (
                "door.total_burst",
                self.total_burst,
                "door.burst",
                self.burst,
            ),
        ] {
            if all < one {
                return Err(ConfigError::Unsafe {
                    setting: total.to_owned(),
                    why: format!(
                        "{all} for all peers together is below the {one} of `{each}`, which no peer could reach then"
                    ),
                });
            }
        }
        Ok(())
    }

    /// The time limits of a connection.
    pub(crate) fn times(&self) -> Times {
        Times {
            head: Duration::from_millis(self.header_ms),
            idle: Duration::from_millis(self.idle_ms),
            body: Duration::from_millis(self.body_ms),
            rate: self.body_bytes_per_second,
            write: Duration::from_millis(self.write_ms),
        }
    }

    /// How long a post may wait for the broker.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_all_below_that_of_one_is_refused_by_name() {
        let said = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            let judged = config.check(Profile::Production);
            judged.map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(said(|_| ()), "");
        assert_eq!(said(|config| config.rate = config.total_rate), "");
        let rate = said(|config| config.rate = config.total_rate + 1);
        assert!(rate.contains("door.total_rate"), "{rate}");
        let burst = said(|config| config.total_burst = config.burst - 1);
        assert!(burst.contains("door.total_burst"), "{burst}");
    }
}
