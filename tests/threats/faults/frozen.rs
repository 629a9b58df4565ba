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
        corpus::{FORM, PATH},
        doors::{Below, Doors, script, signal},
        line::share,
        wire::exchange,
    },
    world::{body_of, use_parts, wait_for},
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

/// What waits for the broker is in hand as what is being read is, and one bound holds for both.
#[tokio::test(flavor = "multi_thread")]
async fn t25_a_body_that_waits_for_the_broker_holds_its_room() {
    let Some(below) = Below::one_broker() else {
        return;
    };
    let _alone = use_parts(true, true).await;
    let (_, body) = body_of("approved", "waits", Some("A-1:C-1"));
    let room = (body.len() + 50).to_string();
    let settings = [("DOOR__MAX_BYTES_IN_HAND", room.as_str())];
    let Some(doors) = Doors::start(below, 1, &settings).await else {
        return;
    };
    let post = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let door = doors.listen(0);
    assert_eq!(exchange(door, post.as_bytes()).await.statuses(), [200]);
    let frozen = Frozen(script("kafka-pid"));
    signal("-STOP", &frozen.0);
    // One waits for the broker and is told so in the end; the other finds no room, and is asked to come again soon.
    let (one, other) = tokio::join!(
        exchange(door, post.as_bytes()),
        exchange(door, post.as_bytes())
    );
    let mut told: Vec<bool> = [one, other]
        .iter()
        .map(|answered| answered.text.contains("retry-after: 1"))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [false, true]);
    drop(frozen);
    wait_for(
        "the room to be given back",
        OPENS * 20,
        async || match exchange(door, post.as_bytes()).await.statuses()[..] {
            [200] => Ok(()),
            ref other => Err(format!("{other:?}")),
        },
    )
    .await;
}
