//! Who may come in, and whom a connection speaks for.
//!
//! The door asks in this order; each step is cheap and nothing is read from a stranger before it is one:
//!
//! 1. after `accept`: [`Sources::gate`] with the socket's peer. `Stranger` is turned away before TLS (the drift watch
//!    may let one a second through, [`Drift::may_judge`]); `Listed` is served; `Proxy` is served, but nobody is listed yet.
//! 2. from a `Proxy`, where [`Sources::expects_header`] says so: bytes are read until [`proxy_protocol::read`] says
//!    something other than `Incomplete` (at most [`proxy_protocol::MAX`] bytes), before TLS. `Malformed` ends the
//!    connection. `Header { client: Some(client), len }`: `len` bytes are passed over, and `client` takes the place of
//!    the socket's peer from step 1 on (which may be another proxy, then without a header of its own). `client: None`
//!    is the proxy's own connection: its peer stays the socket's.
//! 3. each request: [`Sources::client`] with that peer and all header fields, then [`Sources::is_listed`] with what it
//!    answers. A [`Refused`] is answered as a stranger is (403) and counted by [`Refused::as_str`].
//!
//! `Sources::follow` runs beside the door and reads changed settings again. Approvals come by the orders of
//! operators ([`crate::orders`]).

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use schemas::Timestamp;
use stage::config::ConfigError;

use crate::{Config, orders::Standing, secrets::Secrets};

pub mod allow;
pub mod approvals;
pub mod drift;
pub mod forwarded;
pub mod proxy_protocol;

pub use allow::{AllowList, NoList};
pub use approvals::{Approval, Approvals};
pub use drift::{Alert, Drift};
pub use forwarded::{Kind, Refused};
pub use proxy_protocol::ProxyHeader;

/// How often the settings' file is looked at: a change is in force soon, and a look costs one system call.
const LOOK: Duration = Duration::from_secs(2);

/// Whose connection it is, as far as the socket tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Of somebody who may post.
    Listed(IpAddr),
    /// Of a proxy of ours, which has to say whom it speaks for.
    Proxy(IpAddr),
    /// Of somebody else.
    Stranger(IpAddr),
}

/// What the settings say of sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Who may post.
    pub listed: AllowList,
    /// Whose word on the client counts.
    pub proxies: AllowList,
    /// Which header field the proxies write.
    pub forwarded: Option<Kind>,
    /// Whether they begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
}

/// Reads the door's settings again.
#[derive(Clone)]
pub struct Reread {
    file: Option<PathBuf>,
    read: Arc<dyn Fn() -> Result<Config, String> + Send + Sync>,
}

impl std::fmt::Debug for Reread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reread")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Reread {
    /// `read` gives the whole effective settings of the door, judged; `file` is the one to watch.
    pub fn new(
        file: Option<PathBuf>,
        read: impl Fn() -> Result<Config, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            file,
            read: Arc::new(read),
        }
    }

    fn seen(&self) -> Option<(u64, SystemTime)> {
        let metadata = std::fs::metadata(self.file.as_ref()?).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    }
}

/// The sources in force.
#[derive(Debug)]
pub struct Sources {
    lists: RwLock<Arc<Lists>>,
    secrets: RwLock<Secrets>,
    orders: Standing,
    reread: Option<Reread>,
    /// What the file looked like before it was read; a change while the door starts is a change.
    seen: RwLock<Option<(u64, SystemTime)>>,
}

impl Sources {
    /// The sources of these settings, and what operators have approved.
    pub(crate) fn new(config: &Config, orders: Standing) -> Result<Self, ConfigError> {
        Ok(Self {
            lists: RwLock::new(Arc::new(config.lists()?)),
            secrets: RwLock::new(config.open_secrets()?),
            orders,
            seen: RwLock::new(config.reread.as_ref().and_then(Reread::seen)),
            reread: config.reread.clone(),
        })
    }

    /// What the settings say now.
    pub fn lists(&self) -> Arc<Lists> {
        Arc::clone(&self.lists.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Judges a socket's peer, or the client that a header of the PROXY protocol named.
    pub fn gate(&self, peer: SocketAddr, now: Timestamp) -> Gate {
        let address = forwarded::of_peer(peer);
        if self.lists().proxies.contains(address) {
            Gate::Proxy(address)
        } else if self.is_listed(address, now) {
            Gate::Listed(address)
        } else {
            Gate::Stranger(address)
        }
    }

    /// Whether a connection of this peer must begin with a header of the PROXY protocol.
    pub fn expects_header(&self, peer: SocketAddr) -> bool {
        let lists = self.lists();
        lists.proxy_protocol && lists.proxies.contains(forwarded::of_peer(peer))
    }

    /// Whom a request is from: the peer itself, or whom it names where it is a proxy of ours. Header fields of anybody
    /// else are not looked at.
    pub fn client<'a>(
        &self,
        peer: SocketAddr,
        fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<IpAddr, Refused> {
        let (lists, address) = (self.lists(), forwarded::of_peer(peer));
        if !lists.proxies.contains(address) {
            return Ok(address);
        }
        let client = forwarded::client(lists.forwarded, fields, |hop| lists.proxies.contains(hop));
        if let Err(refused) = client {
            metrics::counter!("idtrail_ingest_clients_refused_total", "reason" => refused.as_str())
                .increment(1);
        }
        client
    }

    /// Whether an address may post now.
    pub fn is_listed(&self, address: IpAddr, now: Timestamp) -> bool {
        self.lists().listed.contains(address) || self.orders.approves(address, now)
    }

    /// Whether a secret path segment, or the want of one, opens the door now.
    pub fn opens(&self, segment: Option<&str>, now: Timestamp) -> bool {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.opens(segment, now)
    }

    /// Reads the settings again when their file changes and on SIGHUP, for ever. Requests in flight keep the verdict
    /// that they got. Settings that are refused change nothing.
    pub(crate) async fn follow(&self) {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => Some(hangup),
            Err(error) => {
                tracing::warn!("SIGHUP cannot be listened to: {error}");
                None
            }
        };
        loop {
            let asked = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await.is_some(),
                    None => std::future::pending().await,
                }
            };
            let asked = tokio::select! {
                asked = asked => asked,
                () = tokio::time::sleep(LOOK) => false,
            };
            self.look(asked);
        }
    }

    fn look(&self, asked: bool) {
        let Some(reread) = &self.reread else { return };
        // Taken before the file is read: what is written meanwhile is seen at the next look.
        let seen = reread.seen();
        let changed = {
            let mut before = self.seen.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *before, seen) != seen
        };
        if asked || changed {
            self.replace((reread.read)());
        }
    }

    fn replace(&self, config: Result<Config, String>) {
        let read = |config: Config| Ok((config.lists()?, config.open_secrets()?));
        let read = |config| read(config).map_err(|error: ConfigError| error.to_string());
        match config.and_then(read) {
            Ok((lists, secrets)) => {
                metrics::counter!("idtrail_ingest_sources_reloaded_total").increment(1);
                tracing::info!("the door's sources and secrets were read again");
                *self.lists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
                *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
            }
            Err(why) => {
                metrics::counter!("idtrail_ingest_sources_refused_total").increment(1);
                tracing::error!("the door keeps its sources; the new settings are refused: {why}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
