//! Token buckets whose time is a parameter: one for all, one for each peer.

use std::{collections::HashMap, net::IpAddr};

use schemas::Timestamp;

/// Peers whose buckets are kept. Listed networks have tens of addresses; beyond this the fullest buckets are let go,
/// which gives their peers at most one burst too many.
const MAX_PEERS: usize = 4_096;

/// Lets `rate` a second through, and `burst` at once.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Timestamp,
}

impl Bucket {
    pub(super) fn full(rate: u32, burst: u32, now: Timestamp) -> Self {
        Self {
            rate: f64::from(rate),
            burst: f64::from(burst),
            tokens: f64::from(burst),
            filled: now,
        }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }

    fn fill(&mut self, now: Timestamp) {
        let passed = now.micros().saturating_sub(self.filled.micros()).max(0);
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 285 years between two requests"
        )]
        let seconds = passed as f64 / 1e6;
        self.tokens = (self.tokens + seconds * self.rate).min(self.burst);
        self.filled = now;
    }

    fn is_full(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        self.tokens >= self.burst
    }
}

/// The rates of a door.
#[derive(Debug)]
pub(super) struct Buckets {
    all: Bucket,
    fresh: Bucket,
    peers: HashMap<IpAddr, Bucket>,
}

impl Buckets {
    /// `each` and `all` are a rate and a burst.
    pub(super) fn new(each: (u32, u32), all: (u32, u32), now: Timestamp) -> Self {
        Self {
            all: Bucket::full(all.0, all.1, now),
            fresh: Bucket::full(each.0, each.1, now),
            peers: HashMap::new(),
        }
    }

    /// Takes a token of the peer and one of all.
    pub(super) fn take(&mut self, peer: IpAddr, now: Timestamp) -> bool {
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            self.peers.retain(|_, bucket| !bucket.is_full(now));
            if self.peers.len() >= MAX_PEERS {
                self.peers.clear();
            }
        }
        let bucket = self.peers.entry(peer).or_insert_with(|| Bucket {
            filled: now,
            ..self.fresh.clone()
        });
        bucket.take(now) && self.all.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn lets_the_burst_through_and_then_the_rate() {
        let mut bucket = Bucket::full(10, 3, at(0));
        assert_eq!((0..5).filter(|_| bucket.take(at(0))).count(), 3);
        assert!(!bucket.take(at(50)));
        assert!(bucket.take(at(150)));
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_away() {
        let mut bucket = Bucket::full(1, 1, at(10_000));
        assert!(bucket.take(at(10_000)));
        assert!(!bucket.take(at(0)));
    }

    #[test]
    fn one_peer_beyond_its_rate_takes_nothing_from_another() {
        let mut buckets = Buckets::new((1, 2), (100, 100), at(0));
        let (loud, quiet) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert_eq!((0..50).filter(|_| buckets.take(loud, at(0))).count(), 2);
        assert!(buckets.take(quiet, at(0)));
    }

    #[test]
    fn many_peers_take_a_bounded_room() {
        let mut buckets = Buckets::new((1, 1), (u32::MAX, u32::MAX), at(0));
        for number in 0..20_000_u32 {
            assert!(buckets.take(IpAddr::from(number.to_be_bytes()), at(i64::from(number))));
        }
        assert!(buckets.peers.len() <= MAX_PEERS);
    }
}
