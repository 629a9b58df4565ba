//! Three brokers of which one, then two are lost: at first nothing is noticed for long, then all is refused in time.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    DEADLINE,
    load::{Load, Outcome},
    proof::{every_200_is_kept_in_order, every_answer_is_200_or_503_in_time},
};
use crate::{
    threats::{
        doors::{Below, Doors, part, script},
        line::Sample,
    },
    world::{Parts, use_parts, wait_for},
};

/// How long an election, or the return of two brokers, may take on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the state between two changes is looked at.
const LOOK: Duration = Duration::from_secs(6);
/// A post that was under way when a broker was killed may have been answered by it.
const UNDER_WAY: Duration = Duration::from_millis(100);

/// The nodes, ended when dropped.
struct Cluster;

impl Cluster {
    /// Starts all three together: none is up before a majority is.
    fn start() -> Self {
        let cluster = Self;
        Self::all(&["cluster-1-start", "cluster-2-start", "cluster-3-start"]);
        cluster
    }

    fn all(scripts: &[&str]) {
        let folder = Parts::variable("PARTS").unwrap();
        let run = |name: &&str| Command::new(format!("{folder}/{name}")).spawn().unwrap();
        let children: Vec<_> = scripts.iter().map(run).collect();
        for mut child in children {
            let status = tokio::task::block_in_place(|| child.wait().unwrap());
            assert!(status.success(), "{scripts:?}: {status}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 1..=3 {
            script(&format!("cluster-{node}-kill"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_one_lost_broker_of_three_is_borne_and_two_are_refused() {
    let Some(brokers) = part("CLUSTER") else {
        return;
    };
    let _alone = use_parts(true, true).await;
    let _cluster = Cluster::start();
    let below = Below {
        direct: brokers.clone(),
        doors: brokers,
        replication: 3,
    };
    let Some(doors) = Doors::start(below, 1, &[]).await else {
        return;
    };
    let load = Arc::new(Load::new(doors.listen(0), 60, 12, usize::MAX));
    let mut posting = JoinSet::new();
    posting.spawn(Arc::clone(&load).run());
    flowing(&load).await;

    script("cluster-2-kill");
    let one_lost = Instant::now();
    flowing(&load).await;
    let borne = Instant::now();
    tokio::time::sleep(LOOK).await;

    script("cluster-3-kill");
    let two_lost = Instant::now();
    tokio::time::sleep(LOOK).await;
    let back = Instant::now();
    Cluster::all(&["cluster-2-start", "cluster-3-start"]);
    flowing(&load).await;
    let well = Instant::now();
    tokio::time::sleep(LOOK).await;
    load.stop();
    let outcome: Outcome = posting.join_next().await.unwrap().unwrap();

    // By when they were answered.
    let refused = |from: Instant, to: Instant| {
        let samples = outcome.samples.iter();
        samples
            .filter(|one| one.status != 200 && (from..=to).contains(&one.answered()))
            .count()
    };
    println!(
        "threats: one of three lost: no 200 for {:?} at most, {} refused; two lost: {} refused; both back: no 200 for {:?} at most, all well after {:?}",
        longest_gap(&outcome.samples, one_lost, two_lost),
        refused(one_lost, two_lost),
        refused(two_lost, back),
        longest_gap(&outcome.samples, back, Instant::now()),
        well - back,
    );
    let found = every_200_is_kept_in_order(&outcome, &doors.raw().await);
    println!("tally: {} acknowledged, {found:?}", load.acknowledged());
    assert_eq!(
        refused(borne, two_lost),
        0,
        "after the election all are taken"
    );
    let alone = two_lost + UNDER_WAY;
    let taken = outcome
        .samples
        .iter()
        .filter(|one| one.status == 200 && one.sent >= alone && one.answered() <= back);
    assert_eq!(
        taken.count(),
        0,
        "what one broker alone has is not acknowledged"
    );
    assert!(
        refused(alone, back) > 0,
        "refused, not left without an answer"
    );
    assert_eq!(refused(well, Instant::now()), 0, "and then all is well");
    assert!(outcome.ends.is_empty(), "the door ends no connection");
    every_answer_is_200_or_503_in_time(&outcome.samples, DEADLINE);
}

/// Waits until no client is held up: from now on nobody was refused for longer than an answer can be on its way.
async fn flowing(load: &Load) {
    let begun = Instant::now();
    wait_for("200s for every client", PATIENCE, async || {
        let last = load.last_refusal();
        // What has just been done to the brokers shows only after a deadline.
        let since = last.map_or(begun.elapsed(), |last| last.elapsed().min(begun.elapsed()));
        let before = load.acknowledged();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let grown = load.acknowledged() - before;
        if grown > 0 && since > DEADLINE + Duration::from_secs(1) {
            Ok(())
        } else {
            Err(format!(
                "{grown} in half a second, {since:?} since a refusal"
            ))
        }
    })
    .await;
}

/// The longest time without a 200.
fn longest_gap(samples: &[Sample], from: Instant, to: Instant) -> Duration {
    let taken = samples.iter().filter(|sample| sample.status == 200);
    let at = taken.map(Sample::answered);
    let mut at: Vec<Instant> = at.filter(|at| (from..=to).contains(at)).collect();
    at.push(from);
    at.sort_unstable();
    let gaps = at.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.max().unwrap_or_default()
}
