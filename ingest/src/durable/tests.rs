//! Durable or refused, never a hang: over the real embedded broker behind a switch that makes it fail, hang and lie.

use std::time::{Duration, Instant};

use super::*;

mod bounds;
mod crash;
mod order;
mod sealed;
pub(crate) mod world;

use world::{Mode, World, output};

#[tokio::test]
async fn a_hanging_broker_costs_a_caller_its_deadline_and_then_nobody_waits() {
    let world = World::hurried().await;
    let durable = world.durable(None).await;
    world.broker.set(Mode::Hangs);
    let failing = (0..breaker::FAILURES).map(|n| durable.append(output("k", n.into())));
    let begun = Instant::now();
    for answer in futures::future::join_all(failing).await {
        assert_eq!(answer, Err(NotKept::Unavailable));
    }
    assert!(begun.elapsed() < world::DEADLINE + Duration::from_millis(200));
    // One of these may be the probe; all others are refused at once.
    let mut took = Vec::new();
    for n in 0..300 {
        let begun = Instant::now();
        assert_eq!(
            durable.append(output("k", n)).await,
            Err(NotKept::Unavailable)
        );
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    assert!(took[296] < Duration::from_millis(100), "{:?}", took[296]);
    assert!(
        took[299] < world::DEADLINE + Duration::from_millis(200),
        "{:?}",
        took[299]
    );
}

#[tokio::test]
async fn the_spool_has_its_time_within_the_deadline() {
    for (deadline_ms, broker_ms) in [(2_000, 1_850), (100, 50)] {
        let mut world = World::new().await;
        world.config.deadline_ms = deadline_ms;
        for (spool, given) in [(Some(world.spool()), broker_ms), (None, deadline_ms)] {
            let durable = world.durable(spool).await;
            // Whether the disk is quick enough for the short one does not matter here.
            durable.append(output("k", 1)).await.ok();
            assert_eq!(world.broker.given(), Duration::from_millis(given));
        }
    }
}

#[tokio::test]
async fn a_broker_that_is_back_is_found_within_the_ceiling() {
    let world = World::new().await;
    let durable = world.durable(None).await;
    world.broker.set(Mode::Fails);
    for n in 0..50 {
        assert_eq!(
            durable.append(output("k", n)).await,
            Err(NotKept::Unavailable)
        );
    }
    assert_ne!(durable.status().breaker, Standing::Closed);
    world.broker.set(Mode::Works);
    world::until("the broker is asked again", async || {
        durable.append(output("k", 99)).await.is_ok()
    })
    .await;
    assert_eq!(durable.status().breaker, Standing::Closed);
}

#[tokio::test]
async fn a_caller_who_leaves_while_probing_does_not_keep_it_shut() {
    let world = World::hurried().await;
    let durable = world.durable(None).await;
    world.broker.set(Mode::Fails);
    for n in 0..breaker::FAILURES {
        assert!(durable.append(output("k", n.into())).await.is_err());
    }
    world.broker.set(Mode::Hangs);
    world::until("a probe is on its way and left", async || {
        let probe = durable.append(output("k", 1));
        tokio::time::timeout(Duration::from_millis(10), probe)
            .await
            .is_err()
    })
    .await;
    world.broker.set(Mode::Works);
    world::until("another may probe", async || {
        durable.append(output("k", 2)).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_record_that_is_too_large_is_no_failure_of_the_broker() {
    let world = World::new().await;
    let durable = world.durable(None).await;
    let mut large = output("k", 0);
    large.value = vec![b'x'; 2 << 20];
    for _ in 0..breaker::FAILURES * 2 {
        assert_eq!(durable.append(large.clone()).await, Err(NotKept::TooLarge));
    }
    assert_eq!(durable.status().breaker, Standing::Closed);
}
