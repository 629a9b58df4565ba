//! Places for connections: in all, for each network, for strangers, for handshakes under way; and room for bodies.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

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
            networks: Networks::of(config.max_connections_per_network),
        }
    }

    /// A place for a listed peer.
    pub(super) fn listed(&self, address: IpAddr) -> Option<Place> {
        Some(Place {
            _network: Some(self.networks.enter(address, 1)?),
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

/// The part of all room that one network may hold is one of so many: whoever states large bodies and sends nothing
/// leaves the rest to the others. A provider's few addresses may lie in one network, so it is not less.
const SHARES: usize = 4;

/// Room for the bodies in hand: in all, and for each network.
pub(super) struct Rooms {
    all: Semaphore,
    networks: Arc<Networks>,
}

/// Room that is held, given back when dropped.
pub(super) struct Room<'a> {
    _all: SemaphorePermit<'a>,
    _network: InNetwork,
}

impl Rooms {
    /// As the settings say; a network may always hold one body of the largest kind.
    pub(super) fn new(config: &Config) -> Self {
        let largest = config.max_form_bytes.max(config.max_json_bytes);
        Self {
            all: Semaphore::new(config.max_bytes_in_hand),
            networks: Networks::of((config.max_bytes_in_hand / SHARES).max(largest)),
        }
    }

    /// Room for so many bytes; none where all that may be in hand is, or all that this network may hold.
    pub(super) fn take(&self, address: IpAddr, bytes: u32) -> Option<Room<'_>> {
        Some(Room {
            _network: self.networks.enter(address, usize::try_from(bytes).ok()?)?,
            _all: self.all.try_acquire_many(bytes).ok()?,
        })
    }
}

/// What each network holds, of connections or of bytes, so that one cannot take what is for all.
struct Networks {
    counts: Mutex<HashMap<IpNet, usize>>,
    each: usize,
}

/// A place of a network, given back when dropped.
struct InNetwork {
    networks: Arc<Networks>,
    network: IpNet,
    amount: usize,
}

impl Networks {
    fn of(each: usize) -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::default(),
            each,
        })
    }

    fn enter(self: &Arc<Self>, address: IpAddr, amount: usize) -> Option<InNetwork> {
        let network = network_of(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let held = counts.get(&network).copied().unwrap_or(0);
        let count = held
            .checked_add(amount)
            .filter(|count| *count <= self.each)?;
        counts.insert(network, count);
        Some(InNetwork {
            networks: Arc::clone(self),
            network,
            amount,
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
            *count -= self.amount;
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
        let networks = Networks::of(1);
        let held = networks.enter([10, 0, 0, 1].into(), 1);
        assert!(held.is_some());
        assert!(
            networks.enter([10, 0, 0, 2].into(), 1).is_none(),
            "the same /24"
        );
        assert!(networks.enter([10, 0, 1, 1].into(), 1).is_some(), "another");
        drop(held);
        assert!(networks.enter([10, 0, 0, 2].into(), 1).is_some());
        assert!(
            networks.counts.lock().unwrap().len() <= 1,
            "nobody is remembered who left"
        );
    }

    #[test]
    fn one_network_cannot_hold_the_room_of_all_and_always_has_room_for_one_body() {
        let config = |max_bytes_in_hand| Config {
            max_bytes_in_hand,
            max_form_bytes: 100,
            max_json_bytes: 10,
            ..Config::default()
        };
        let (greedy, other) = ([10, 0, 0, 1].into(), [10, 0, 1, 1].into());
        let rooms = Rooms::new(&config(4_000));
        let held: Vec<_> = (0..40).filter_map(|_| rooms.take(greedy, 100)).collect();
        assert_eq!(held.len(), 10, "a quarter");
        assert!(rooms.take(other, 100).is_some());
        drop(held);
        assert!(rooms.take(greedy, 1_000).is_some(), "it was given back");
        assert!(Rooms::new(&config(150)).take(greedy, 100).is_some());
    }
}
