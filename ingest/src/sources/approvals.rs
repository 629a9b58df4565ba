//! Networks that an operator lets in for some hours, as the topic `operated` has them. Time is a parameter.

use std::{net::IpAddr, str::FromStr as _, time::Duration};

use ipnet::IpNet;
use schemas::{Operated, Timestamp};

use super::allow::{canonical, is_wide};

/// The action of such an event.
pub const APPROVE: &str = "approve_source";
/// Longest approval: a week, in which the configuration can be changed.
pub const MAX_HOURS: u32 = 7 * 24;
/// Approvals kept; the one that ends first goes. A provider that moves has a few new networks.
pub const MAX_APPROVALS: usize = 64;
/// What divides network and end in the event's subject.
const UNTIL: &str = " until ";

/// One approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The network.
    pub network: IpNet,
    /// When it ends by itself.
    pub until: Timestamp,
    /// When it was given.
    pub since: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Why a network cannot be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// Too wide.
    #[error(
        "{0} is wider than a /16 (IPv4) or /32 (IPv6); approve the networks that the provider names"
    )]
    Wide(IpNet),
    /// Too long.
    #[error("an approval lasts 168 hours at most; what lasts belongs in `door.allow`")]
    Long,
}

/// The event that lets a network in until some hours from now; 0 hours take an approval back.
pub fn order(
    network: IpNet,
    hours: u32,
    (by, reason): (&str, &str),
    now: Timestamp,
) -> Result<Operated, NotApproved> {
    let network = canonical(network);
    if is_wide(network) {
        return Err(NotApproved::Wide(network));
    }
    if hours > MAX_HOURS {
        return Err(NotApproved::Long);
    }
    let until = now.micros().saturating_add(micros_of(hours));
    let subject = format!("{network}{UNTIL}{}", Timestamp::from_micros(until));
    Ok(Operated::new(APPROVE, by, reason, Some(subject), now))
}

fn micros_of(hours: u32) -> i64 {
    i64::try_from(Duration::from_hours(u64::from(hours)).as_micros()).unwrap_or(i64::MAX)
}

/// The approvals that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals(Vec<Approval>);

impl Approvals {
    /// Takes in an event; what is no approval, or breaks its bounds, is passed over. Of two for one network the later
    /// counts, in whichever order they come.
    pub fn take(&mut self, operated: &Operated) {
        let Some(new) = read(operated) else { return };
        match self.0.iter_mut().find(|old| old.network == new.network) {
            Some(old) if old.since <= new.since => *old = new,
            Some(_) => {}
            None => self.0.push(new),
        }
        if self.0.len() > MAX_APPROVALS {
            let first = self.0.iter().enumerate().min_by_key(|(_, one)| one.until);
            if let Some((place, _)) = first {
                self.0.swap_remove(place);
            }
        }
    }

    /// Whether an address is let in now.
    pub fn contains(&self, address: IpAddr, now: Timestamp) -> bool {
        let address = address.to_canonical();
        self.live(now).any(|one| one.network.contains(&address))
    }

    /// Those that hold now.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Approval> {
        self.0.iter().filter(move |one| now < one.until)
    }
}

fn read(operated: &Operated) -> Option<Approval> {
    if operated.action() != APPROVE {
        return None;
    }
    let (network, until) = operated.target()?.split_once(UNTIL)?;
    let network = canonical(IpNet::from_str(network).ok()?);
    let until = Timestamp::parse_rfc3339(until)?;
    let longest = operated.at().micros().saturating_add(micros_of(MAX_HOURS));
    if is_wide(network) || until.micros() > longest {
        return None;
    }
    Some(Approval {
        network,
        until,
        since: operated.at(),
        by: operated.operator().to_owned(),
        reason: operated.reason().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_micros(hours * HOUR)
    }

    fn given(network: &str, hours: u32, now: i64) -> Operated {
        let network = network.parse().unwrap();
        order(network, hours, ("ann", "told by the provider"), at(now)).unwrap()
    }

    #[test]
    fn an_approval_lets_its_network_in_until_it_ends_by_itself() {
        let mut approvals = Approvals::default();
        approvals.take(&given("192.0.2.9/24", 2, 10));
        let inside = ["192.0.2.1", "::ffff:192.0.2.1"].map(|ip| ip.parse::<IpAddr>().unwrap());
        for address in inside {
            assert!(approvals.contains(address, at(10)));
            assert!(approvals.contains(address, Timestamp::from_micros(12 * HOUR - 1)));
            assert!(!approvals.contains(address, at(12)));
        }
        assert!(!approvals.contains("192.0.3.1".parse().unwrap(), at(10)));
        assert_eq!(approvals.live(at(11)).count(), 1);
        assert_eq!(approvals.live(at(12)).count(), 0);
    }

    #[test]
    fn the_later_one_counts_and_nought_hours_take_it_back() {
        let (long, none) = (given("192.0.2.0/24", 5, 1), given("192.0.2.0/24", 0, 2));
        for both in [[&long, &none], [&none, &long]] {
            let mut approvals = Approvals::default();
            for one in both {
                approvals.take(one);
            }
            assert_eq!(approvals.live(at(3)).count(), 0);
        }
    }

    #[test]
    fn what_breaks_the_bounds_is_neither_given_nor_taken() {
        let order =
            |network: &str, hours| order(network.parse().unwrap(), hours, ("a", "b"), at(0));
        assert!(matches!(order("0.0.0.0/0", 1), Err(NotApproved::Wide(_))));
        assert!(matches!(order("::/31", 1), Err(NotApproved::Wide(_))));
        assert_eq!(order("192.0.2.0/24", 169), Err(NotApproved::Long));
        let mut approvals = Approvals::default();
        for (action, subject) in [
            (APPROVE, Some("0.0.0.0/0 until 1970-01-01T05:00:00Z")),
            (APPROVE, Some("192.0.2.0/24 until 1999-01-01T00:00:00Z")),
            (APPROVE, Some("192.0.2.0/24 until never")),
            (APPROVE, Some("192.0.2.0/24")),
            (APPROVE, None),
            ("drift", Some("192.0.2.0/24 until 1970-01-01T05:00:00Z")),
        ] {
            let subject = subject.map(str::to_owned);
            approvals.take(&Operated::new(action, "ann", "x", subject, at(0)));
        }
        assert_eq!(approvals, Approvals::default());
    }

    #[test]
    fn the_room_is_bounded() {
        let mut approvals = Approvals::default();
        for number in 0..200_u32 {
            approvals.take(&given(&format!("10.0.{number}.0/24"), 1 + number % 100, 0));
        }
        assert_eq!(approvals.0.len(), MAX_APPROVALS);
        assert!(approvals.contains("10.0.99.1".parse().unwrap(), at(1)));
    }
}
