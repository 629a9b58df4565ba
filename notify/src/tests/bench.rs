//! How fast: notices decided and stored, and then published, with the channel that tells nobody.

use std::time::{Duration, Instant};

use schemas::Outcome;
use stage::{Record, keep::Keep as _, relay::Outbox as _};

use super::{
    events::event,
    sending::telling,
    world::{World, each, until},
};

const BATCH: usize = 1_000;
const BATCHES: usize = 40;

#[expect(clippy::print_stdout, reason = "the figures are what this is for")]
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn say(world: &World, what: &str, notices: usize, took: Duration) {
    let rate = notices as f64 / took.as_secs_f64();
    println!(
        "{}: {what}: {notices} notices in {took:.2?}: {rate:.0}/s",
        world.name
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; run it with --release"]
async fn bench_notices_per_second() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let batches: Vec<Vec<Record>> = (0..BATCHES)
            .map(|batch| {
                (0..BATCH)
                    .map(|n| {
                        world.record(&event(&format!("check-{batch}-{n}"), Outcome::Passed, ""))
                    })
                    .collect()
            })
            .collect();
        service.codec.learn(&batches[0]).await.unwrap();
        let notices = 2 * BATCH * BATCHES;
        let begun = Instant::now();
        for batch in &batches {
            service.notify.keep(batch).await.unwrap();
        }
        say(world, "decided and stored", notices, begun.elapsed());

        let begun = Instant::now();
        let mut publisher = world.broker.publisher("notify-relay").await.unwrap();
        let mut last = 0;
        loop {
            let waiting = service.relay.after(last, 1_000).await.unwrap();
            let Some((newest, _)) = waiting.last() else {
                break;
            };
            let newest = *newest;
            let outputs = waiting.into_iter().map(|(_, output)| output).collect();
            publisher.publish(outputs, last, newest).await.unwrap();
            service.relay.published(newest).await.unwrap();
            last = newest;
        }
        say(
            world,
            "published to the embedded broker",
            notices,
            begun.elapsed(),
        );
    })
    .await;
}

/// With a channel that costs nothing: what the outbox, the directory's question and the records cost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; run it with --release"]
async fn bench_letters_per_second() {
    each(async |world: &World| {
        telling(world, async |service| {
            let batch: Vec<Record> = (0..BATCH)
                .map(|n| world.record(&event(&format!("check-{n}"), Outcome::Passed, "")))
                .collect();
            let begun = Instant::now();
            world.keep(service, &batch).await;
            until("all letters", async || world.script.tries() == 2 * BATCH).await;
            say(world, "told through the outbox", 2 * BATCH, begun.elapsed());
            let mut delays = Vec::new();
            for n in 0..50 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let record = world.record(&event(&format!("late-{n}"), Outcome::Passed, ""));
                world.keep(service, &[record]).await;
                let begun = Instant::now();
                let before = 2 * BATCH + 2 * n;
                while world.script.tries() == before {
                    tokio::task::yield_now().await;
                }
                delays.push(begun.elapsed());
            }
            delays.sort();
            say(
                world,
                "one notice, from commit to channel, median",
                1,
                delays[25],
            );
            say(
                world,
                "one notice, from commit to channel, longest",
                1,
                delays[49],
            );
        })
        .await;
    })
    .await;
}
