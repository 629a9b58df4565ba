//! Places for connections: in all, for each network, for strangers, for handshakes under way.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Config;

/// Strangers that are told so at the same time; one more is cut off without a word.
const STRANGERS: usize = 64;
/// TLS handshakes under way at the same time. Each costs about a millisecond of the door's thread; more at once would
/// only make all of them late.
const HANDSHAKES: usize = 128;

/// What bounds the connections.
pub(super) struct Places {
    listed: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    networks: Arc<Networks>,
}

/// The place of a connection, given back when dropped.
pub(super) struct Place {
    _one: OwnedSemaphorePermit,
    _network: Option<InNetwork>,
}

impl Places {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            listed: Arc::new(Semaphore::new(config.max_connections)),
            strangers: Arc::new(Semaphore::new(STRANGERS)),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            networks: Arc::new(Networks {
                counts: Mutex::default(),
                each: config.max_connections_per_network,
            }),
        }
    }

    /// A place for a listed peer.
    pub(super) fn listed(&self, address: IpAddr) -> Option<Place> {
        Some(Place {
            _network: Some(self.networks.enter(address)?),
            _one: Arc::clone(&self.listed).try_acquire_owned().ok()?,
        })
    }

    /// A place for a proxy of ours, behind which all the world may be: no network of its own to be counted with.
    pub(super) fn proxy(&self) -> Option<Place> {
        Some(Place {
            _network: None,
            _one: Arc::clone(&self.listed).try_acquire_owned().ok()?,
        })
    }

    /// A place to be told that one is a stranger.
    pub(super) fn stranger(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.strangers).try_acquire_owned().ok()
    }

    /// A turn for a handshake.
    pub(super) fn handshake(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.handshakes).try_acquire_owned().ok()
    }
}

/// Connections of each network, so that one cannot take the places of all.
struct Networks {
    counts: Mutex<HashMap<IpNet, usize>>,
    each: usize,
}

/// A place of a network, given back when dropped.
struct InNetwork {
    networks: Arc<Networks>,
    network: IpNet,
}

impl Networks {
    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<InNetwork> {
        let network = network_of(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(InNetwork {
            networks: Arc::clone(self),
            network,
        })
    }
}

impl Drop for InNetwork {
    fn drop(&mut self) {
        let mut counts = self
            .networks
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// The network that an address is counted with: /24 and /48, which are as small as networks are given out.
fn network_of(address: IpAddr) -> IpNet {
    let bits = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |network| network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_a_network_is_given_back() {
        let networks = Arc::new(Networks {
            counts: Mutex::default(),
            each: 1,
        });
        let held = networks.enter([10, 0, 0, 1].into());
        assert!(held.is_some());
        assert!(
            networks.enter([10, 0, 0, 2].into()).is_none(),
            "the same /24"
        );
        assert!(networks.enter([10, 0, 1, 1].into()).is_some(), "another");
        drop(held);
        assert!(networks.enter([10, 0, 0, 2].into()).is_some());
        assert!(
            networks.counts.lock().unwrap().len() <= 1,
            "nobody is remembered who left"
        );
    }
}
