//! What must hold after a run of faults, judged by the topic itself and by what the clients were answered.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use stage::Record;

use super::load::{Outcome, told_by};
use crate::threats::line::{Sample, share};

/// How long an answer may take beyond the door's deadline.
const GRACE: Duration = Duration::from_millis(200);

/// What was found in the topic.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) records: usize,
    /// Records that repeat an earlier one: the answer to that one was lost or came too late.
    pub(super) repeats: usize,
}

/// Every 200 is in the topic, and each client's callbacks came in order.
pub(super) fn every_200_is_kept_in_order(outcome: &Outcome, raw: &[Record]) -> Found {
    let stored = raw.iter().map(|record| {
        let body = record.value.as_deref().unwrap();
        let identity = jumio::identify(jumio::Media::guess(body), body).unwrap();
        told_by(&identity.provider_reference).expect("only this run posts to its topic")
    });
    judge(stored, &outcome.acknowledged).unwrap_or_else(|fault| panic!("{fault}"))
}

/// `stored` is client and counter of each record, in the order of partitions and offsets; `acknowledged` is how many
/// callbacks of each client were answered 200.
fn judge(
    stored: impl Iterator<Item = (usize, usize)>,
    acknowledged: &[usize],
) -> Result<Found, String> {
    let mut next = vec![0; acknowledged.len()];
    let mut found = Found::default();
    for (client, counter) in stored {
        found.records += 1;
        let expected: &mut usize = next.get_mut(client).ok_or("a client that is none")?;
        if counter > *expected {
            return Err(format!(
                "client {client}: {counter} stands before {expected}, or {expected} is lost"
            ));
        }
        if counter == *expected {
            *expected += 1;
        } else {
            found.repeats += 1;
        }
    }
    for (client, (stored, acknowledged)) in next.iter().zip(acknowledged).enumerate() {
        if stored < acknowledged {
            return Err(format!(
                "client {client}: {acknowledged} callbacks were answered 200, {stored} are there"
            ));
        }
    }
    Ok(found)
}

/// Nothing but 200 and 503, none of them late; prints how long they took.
pub(super) fn every_answer_is_200_or_503_in_time(samples: &[Sample], deadline: Duration) {
    let mut statuses: BTreeMap<u16, Vec<Duration>> = BTreeMap::new();
    for sample in samples {
        statuses.entry(sample.status).or_default().push(sample.took);
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    for (status, took) in &mut statuses {
        took.sort_unstable();
        println!(
            "threats: {} times {status}: p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
            took.len(),
            share(took, 500),
            share(took, 990),
            share(took, 999),
            share(took, 1_000),
        );
    }
    println!("threats: load of this machine {}", load.trim());
    let others: Vec<_> = statuses
        .keys()
        .filter(|status| ![200, 503].contains(*status))
        .collect();
    assert!(
        others.is_empty(),
        "answers other than 200 and 503: {others:?}"
    );
    let longest = samples.iter().map(|sample| sample.took).max();
    let longest = longest.expect("something was posted");
    assert!(
        longest <= deadline + GRACE,
        "an answer took {longest:?}; the deadline is {deadline:?}, {GRACE:?} are given on top"
    );
}

/// Connections end without an answer only while the door was down.
pub(super) fn connections_end_only_while_the_door_is_down(
    ends: &[Instant],
    down: &[(Instant, Instant)],
) {
    let within = |end: &Instant| down.iter().any(|(from, to)| from <= end && end <= to);
    let others = ends.iter().filter(|end| !within(end)).count();
    assert_eq!(
        others,
        0,
        "of {} connections that ended without an answer, so many were not ended by a kill",
        ends.len()
    );
}

#[test]
fn a_lost_or_overtaken_callback_is_seen() {
    let judged = |stored: &[(usize, usize)], acknowledged: &[usize]| {
        judge(stored.iter().copied(), acknowledged)
    };
    let sound = judged(&[(0, 0), (1, 0), (0, 0), (0, 1), (1, 1)], &[2, 1]);
    assert_eq!(
        sound,
        Ok(Found {
            records: 5,
            repeats: 1
        })
    );
    assert!(judged(&[(0, 0)], &[2]).is_err(), "the last is lost");
    assert!(judged(&[(0, 0), (0, 2)], &[3]).is_err(), "one is lost");
    assert!(judged(&[(0, 1), (0, 0)], &[2]).is_err(), "overtaken");
}
