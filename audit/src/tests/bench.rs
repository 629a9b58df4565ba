//! How fast: `cargo test --release -p audit bench -- --ignored --nocapture`, with `IDTRAIL_TEST_POSTGRES` for both.

use std::{sync::Arc, time::Instant};

use schemas::Timestamp;
use stage::{Record, database::Ways};

use super::{
    records::About,
    world::{BEGIN, World, keep},
};
use crate::{Query, service::Service};

/// Batches of 1,000 records, each of 200 callbacks of 3.2 KB and what comes of them: checked, enriched, told to two.
/// `IDTRAIL_TEST_BATCHES` makes it more.
const BATCHES: i64 = 40;
const JOURNEYS: i64 = 200;

fn batch(world: &World, number: i64, body: &[u8]) -> Vec<Record> {
    let journey = |at: i64| {
        let offset = number * JOURNEYS + at;
        // Four callbacks of each client, each about a check of its own.
        let about = About::check(
            &format!("R-{offset}"),
            &format!("A-{}", offset / 4),
            (0, offset),
        );
        let mut records = about.journey(world);
        records[0] = about.raw_with(body, None);
        let mut second = records[2].clone();
        second.position.partition = 1;
        records.push(second);
        records
    };
    let mut records: Vec<Record> = (0..JOURNEYS).flat_map(journey).collect();
    records.sort_by_key(|record| (record.topic, record.position.offset));
    records
}

#[expect(clippy::print_stderr, reason = "a measurement tells its result")]
async fn measure(name: &'static str) {
    let Some(world) = World::new(name).await else {
        return;
    };
    let body = vec![b'x'; 3_200];
    let kek = Arc::new(world.config.kek().unwrap());
    let databases = (world.database(), world.key_database());
    let (context, mut ways) = (world.context(), Ways::default());
    let service = Service::new((&databases.0, &databases.1), kek, &context, &mut ways);
    let story = async {
        keep(&service, &batch(&world, 0, &body)).await.unwrap();
        let (mut entries, mut seconds) = (0, 0.0);
        for number in 1..=batches() {
            let batch = batch(&world, number, &body);
            let begun = Instant::now();
            keep(&service, &batch).await.unwrap();
            seconds += begun.elapsed().as_secs_f64();
            entries += i32::try_from(batch.len()).unwrap();
        }
        let rate = f64::from(entries) / seconds;
        eprintln!("{name}: {entries} entries in {seconds:.2} s = {rate:.0} entries/s");
        let ask = async |what: &str, query: Query| {
            let begun = Instant::now();
            let page = world.history().checks(&query).await.unwrap();
            eprintln!(
                "{name}: {what}: {} checks in {:.0} ms",
                page.checks.len(),
                begun.elapsed().as_secs_f64() * 1e3
            );
        };
        let (account, since) = (Some("A-77".to_owned()), Some(Timestamp::from_micros(BEGIN)));
        ask("the first page of all", Query::default()).await;
        ask(
            "one account",
            Query {
                account,
                ..Query::default()
            },
        )
        .await;
        ask(
            "the first page since a time",
            Query {
                since,
                ..Query::default()
            },
        )
        .await;
    };
    ways.open_for(story).await;
    world.clear().await;
}

fn batches() -> i64 {
    let given = std::env::var_os("IDTRAIL_TEST_BATCHES");
    given
        .and_then(|number| number.to_str()?.parse().ok())
        .unwrap_or(BATCHES)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn bench_sqlite() {
    measure("SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn bench_postgres() {
    measure("PostgreSQL").await;
}
