//! Sender drift: strangers whose posts look like the provider's, before the provider is locked out.
//!
//! Vendors change their addresses. Of the strangers' posts a bounded sample is judged; what is well-formed is counted
//! for its network, and a network that posts like a provider is told of. The answers stay 403 and no body is kept.
//! Time is a parameter.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use ipnet::IpNet;
use schemas::{Operated, Timestamp};

/// Strangers' posts judged: one in this time. A handshake and 64 KiB a second are all that strangers can cost.
pub const JUDGE_EVERY: Duration = Duration::from_secs(1);
/// Well-formed posts of one network that are an alert: one may be a test of somebody, three are a sender.
pub const ALERT_AT: usize = 3;
/// Within how long.
pub const WINDOW: Duration = Duration::from_mins(10);
/// How long a network is not told of again: as long as an operator may need to find out whose it is.
pub const ALERT_AGAIN: Duration = Duration::from_hours(6);
/// Networks counted apart; a provider has a few, and the others are counted together.
pub const MAX_NETWORKS: usize = 64;
/// Bits of the network that an address is counted with.
const BITS: (u8, u8) = (24, 48);

/// A network that posts like a provider; none: several, of which each alone is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The network.
    pub network: Option<IpNet>,
}

impl Alert {
    /// Tells the log and the metrics.
    pub fn tell(self) {
        metrics::counter!("idtrail_ingest_drift_alerts_total").increment(1);
        tracing::warn!(
            network = self.name(),
            "a network that is not on the list posts well-formed callbacks; if it is the provider's, `idtrail sources approve` lets it in"
        );
    }

    /// The alert as an event.
    pub fn operated(self, now: Timestamp) -> Operated {
        let reason = "posts well-formed callbacks and is not on the list";
        Operated::new(Operated::DRIFT, "idtrail", reason, Some(self.name()), now)
    }

    fn name(self) -> String {
        self.network.map_or_else(
            || "several networks".to_owned(),
            |network| network.to_string(),
        )
    }
}

/// What is known of the strangers.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    judged: Option<Timestamp>,
    networks: BTreeMap<IpNet, Seen>,
    rest: Seen,
}

/// The last well-formed posts of a network.
#[derive(Clone, Debug, Default)]
struct Seen {
    at: VecDeque<Timestamp>,
    told: Option<Timestamp>,
}

impl Seen {
    /// Takes in a post; whether it is to be told of.
    fn take(&mut self, now: Timestamp) -> bool {
        if self.at.len() >= ALERT_AT {
            self.at.pop_front();
        }
        self.at.push_back(now);
        let many = self.at.len() >= ALERT_AT
            && self
                .at
                .front()
                .is_some_and(|first| passed(*first, now) <= WINDOW);
        let due = self
            .told
            .is_none_or(|told| passed(told, now) >= ALERT_AGAIN);
        if many && due {
            self.told = Some(now);
        }
        many && due
    }

    /// Whether nothing of it matters any more.
    fn is_over(&self, now: Timestamp) -> bool {
        let old = |at: Option<&Timestamp>, span| at.is_none_or(|at| passed(*at, now) > span);
        old(self.at.back(), WINDOW) && old(self.told.as_ref(), ALERT_AGAIN)
    }
}

impl Drift {
    /// Whether a stranger's post may be judged now. Whoever gets a yes has used it up.
    pub fn may_judge(&mut self, now: Timestamp) -> bool {
        // A clock that was set back does not end the watch.
        let may = self
            .judged
            .is_none_or(|judged| now < judged || passed(judged, now) >= JUDGE_EVERY);
        if may {
            self.judged = Some(now);
        }
        may
    }

    /// Counts a well-formed post of a stranger; an alert where its network has now posted often enough.
    pub fn well_formed(&mut self, address: IpAddr, now: Timestamp) -> Option<Alert> {
        let network = network_of(address.to_canonical());
        if !self.networks.contains_key(&network) && self.networks.len() >= MAX_NETWORKS {
            self.networks.retain(|_, seen| !seen.is_over(now));
        }
        let full = self.networks.len() >= MAX_NETWORKS;
        if full && !self.networks.contains_key(&network) {
            return self.rest.take(now).then_some(Alert { network: None });
        }
        let seen = self.networks.entry(network).or_default();
        seen.take(now).then_some(Alert {
            network: Some(network),
        })
    }
}

fn network_of(address: IpAddr) -> IpNet {
    let bits = if address.is_ipv4() { BITS.0 } else { BITS.1 };
    IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |network| network.trunc())
}

fn passed(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.micros().saturating_sub(from.micros()).max(0);
    Duration::from_micros(micros.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn ip(number: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + (number << 8)).to_be_bytes())
    }

    fn network(text: &str) -> Alert {
        Alert {
            network: Some(text.parse().unwrap()),
        }
    }

    #[test]
    fn a_network_is_told_of_at_its_third_post_within_the_window_and_not_again_soon() {
        let mut drift = Drift::default();
        let hosts: [IpAddr; 3] =
            ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3"].map(|ip| ip.parse().unwrap());
        assert_eq!(drift.well_formed(hosts[0], at(0)), None);
        assert_eq!(drift.well_formed(hosts[1], at(1)), None);
        assert_eq!(drift.well_formed(ip(1), at(2)), None, "another network");
        assert_eq!(
            drift.well_formed(hosts[2], at(600)),
            Some(network("192.0.2.0/24"))
        );
        for second in [601, 5_000, 5_001, 5_002, 22_199] {
            assert_eq!(drift.well_formed(hosts[0], at(second)), None, "{second}");
        }
        for second in [30_000, 30_001] {
            assert_eq!(drift.well_formed(hosts[0], at(second)), None, "{second}");
        }
        assert_eq!(
            drift.well_formed(hosts[0], at(30_002)),
            Some(network("192.0.2.0/24"))
        );
    }

    #[test]
    fn posts_that_lie_far_apart_are_no_sender() {
        let mut drift = Drift::default();
        for number in 0..50 {
            assert_eq!(drift.well_formed(ip(1), at(number * 301)), None);
        }
    }

    #[test]
    fn networks_beyond_the_bound_are_told_of_together() {
        let mut drift = Drift::default();
        for number in 0..64 {
            assert_eq!(drift.well_formed(ip(number), at(0)), None);
        }
        assert_eq!(drift.well_formed(ip(100), at(1)), None);
        assert_eq!(drift.well_formed(ip(101), at(1)), None);
        assert_eq!(
            drift.well_formed(ip(102), at(1)),
            Some(Alert { network: None })
        );
        // Those who are counted apart are not lost by it.
        assert_eq!(drift.well_formed(ip(5), at(2)), None);
        assert!(drift.well_formed(ip(5), at(3)).is_some());
        // Later there is room again.
        for second in [1_000, 1_001] {
            assert_eq!(drift.well_formed(ip(100), at(second)), None);
        }
        assert!(
            drift
                .well_formed(ip(100), at(1_002))
                .is_some_and(|alert| alert.network.is_some())
        );
    }

    proptest! {
        #[test]
        fn at_most_one_a_second_is_judged_and_the_room_is_bounded(
            posts in prop::collection::vec((0..200_u32, 0..400_000_i64), 1..300),
        ) {
            let mut drift = Drift::default();
            let (mut now, mut judged) = (0, None::<i64>);
            for (number, pause) in posts {
                now += pause;
                let time = Timestamp::from_micros(now);
                if drift.may_judge(time) {
                    prop_assert!(judged.is_none_or(|judged| now - judged >= 1_000_000));
                    judged = Some(now);
                }
                let _alert = drift.well_formed(ip(number), time);
                prop_assert!(drift.networks.len() <= MAX_NETWORKS);
            }
        }
    }
}
