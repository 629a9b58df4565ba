//! A broker that is there and says nothing: the door goes on answering.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    DEADLINE,
    load::{Load, Outcome},
    more,
    proof::{every_200_is_kept_in_order, every_answer_is_200_or_503_in_time},
};
use crate::{
    threats::{
        doors::{Below, Doors, script, signal},
        line::share,
    },
    world::use_parts,
};

/// As long as the promise says.
const FROST: Duration = Duration::from_secs(20);

/// How long the door may take to notice that all wait in vain.
const OPENS: Duration = Duration::from_millis(500);
/// The bound of the promise for refusals once the breaker is open.
const PROMPT: Duration = Duration::from_millis(100);

/// Ends the frost also where the test fails.
struct Frozen(String);

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_a_frozen_broker_holds_no_answer_up() {
    let Some(below) = Below::one_broker() else {
        return;
    };
    let _alone = use_parts(true, true).await;
    let Some(doors) = Doors::start(below, 1, &[]).await else {
        return;
    };
    let load = Arc::new(Load::new(doors.listen(0), 256, 64, usize::MAX));
    let mut posting = JoinSet::new();
    posting.spawn(Arc::clone(&load).run());
    more(&load, 500).await;
    let frozen = Frozen(script("kafka-pid"));
    signal("-STOP", &frozen.0);
    let from = Instant::now();
    tokio::time::sleep(FROST).await;
    drop(frozen);
    let to = Instant::now();
    more(&load, 500).await;
    load.stop();
    let outcome: Outcome = posting.join_next().await.unwrap().unwrap();
    let found = every_200_is_kept_in_order(&outcome, &doors.raw().await);
    let meanwhile = outcome.samples.iter();
    let meanwhile = meanwhile
        .filter(|sample| sample.sent > from && sample.answered() < to)
        .count();
    println!(
        "tally: {} acknowledged, {meanwhile} answers in {FROST:?} of frost, {found:?}",
        load.acknowledged()
    );
    assert!(meanwhile > 0, "the door answers in the frost");
    every_answer_is_200_or_503_in_time(&outcome.samples, DEADLINE);
    // The first posts of the frost have waited for their whole deadline, and so the breaker is open.
    let open = from + DEADLINE + OPENS;
    let refusals = outcome.samples.iter();
    let refusals = refusals.filter(|one| one.sent > open && one.answered() < to);
    let mut refusals: Vec<Duration> = refusals.map(|one| one.took).collect();
    refusals.sort_unstable();
    let p99 = share(&refusals, 990);
    println!(
        "threats: {} refusals by the breaker, p99 {p99:?}",
        refusals.len()
    );
    assert!(p99 < PROMPT, "{p99:?}");
}
