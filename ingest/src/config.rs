//! `[door]`: who may post, how much, and how long it may take.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use jumio::sources::{self, DataCentre};
use serde::{Deserialize, Serialize};
use stage::config::{ConfigError, Profile};

use crate::{
    http::connection::Times,
    tls::{self, Tls},
};

/// `[door]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The provider's data centre whose published addresses may post: `eu`, `us` or `sgp`; empty for none.
    pub data_centre: String,
    /// Further networks that may post, in CIDR form.
    pub allow: Vec<IpNet>,
    /// Files that each hold a secret path segment; none means that the bare path is open to the listed peers.
    pub secret_files: Vec<PathBuf>,
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
    /// Bytes of bodies that may be in hand at the same time, over all connections.
    pub max_bytes_in_hand: usize,
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
            data_centre: "eu".to_owned(),
            allow: Vec::new(),
            secret_files: Vec::new(),
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
            rate: 500,
            burst: 2_000,
            // About what one core makes durable.
            total_rate: 10_000,
            total_burst: 20_000,
        }
    }
}

impl Config {
    /// The networks that may post.
    pub fn networks(&self) -> Result<Vec<IpNet>, ConfigError> {
        let mut networks = self.allow.clone();
        if !self.data_centre.is_empty() {
            let centre: DataCentre =
                self.data_centre.parse().map_err(|_| ConfigError::Section {
                    section: "door".to_owned(),
                    why: "data_centre is none of eu, us, sgp".to_owned(),
                })?;
            networks.extend(sources::networks(centre));
        }
        Ok(networks)
    }

    /// Refuses what must not face the internet.
    pub fn check(&self, profile: Profile) -> Result<(), ConfigError> {
        let networks = self.networks()?;
        let unsafe_setting = |setting: &str, why: &str| {
            Err(ConfigError::Unsafe {
                setting: setting.to_owned(),
                why: why.to_owned(),
            })
        };
        if networks.is_empty() {
            return unsafe_setting(
                "door.allow",
                "nobody may post; name a data centre or a network",
            );
        }
        // Fewer than 8 bits would let a large part of the internet in.
        let wide =
            |network: &IpNet| network.prefix_len() < if network.addr().is_ipv4() { 8 } else { 16 };
        if networks.iter().any(wide) {
            return unsafe_setting(
                "door.allow",
                "a network is so wide that it is no allow-list",
            );
        }
        if let Some(tls) = &self.tls {
            Tls::open(tls)?;
        }
        if profile == Profile::Production
            && networks.iter().any(|network| network.addr().is_loopback())
        {
            return unsafe_setting(
                "door.allow",
                "loopback is allowed in the development profile only",
            );
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

    /// The secret path segments, read from their files.
    pub fn secrets(&self) -> Result<Vec<String>, ConfigError> {
        let read = |file: &PathBuf| {
            let why = match std::fs::read_to_string(file) {
                // 128 bits in hex: what cannot be guessed over HTTP.
                Ok(text) if text.trim().len() >= 32 => return Ok(text.trim().to_owned()),
                Ok(_) => "a secret path segment needs at least 32 characters".to_owned(),
                Err(error) => error.to_string(),
            };
            Err(ConfigError::File {
                file: file.clone(),
                why,
            })
        };
        self.secret_files.iter().map(read).collect()
    }
}
