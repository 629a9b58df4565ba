//! The sections that every process has.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What a process is for; production refuses what only a trial may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A trial: loopback and made-up data.
    #[default]
    Development,
    /// Real clients.
    Production,
}

/// `[idtrail]`: the whole process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Process {
    /// `development` or `production`.
    pub profile: Profile,
}

/// `[admin]`: health, metrics and status.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Where to listen; loopback unless something else is asked for.
    pub listen: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
        }
    }
}
