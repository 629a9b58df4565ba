//! A log of many leaves: filled by the service, kept for the next run, asked for proofs and histories, and verified whole.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use audit::{
    Evidence,
    log::{key::VerifierKey, policy::Policy, tile},
    verify::{self, Claims, Folder, Leaves},
};
use sqlx::query_as;
use stage::{Record, database::Database};
use tokio::net::TcpStream;

use super::{
    client,
    feed::{Feed, PARTITIONS},
    load_average,
    place::Place,
    story::{EVENTS, Story},
};
use crate::{load::quantile, system::free};

/// Checks of each client: spread over the whole log, so that its history is never read from one place.
const CHECKS: i64 = 3;
/// Checks that wait for the service at most: some batches.
const AHEAD: i64 = 10_000;
/// Questions of each kind.
const QUESTIONS: usize = 2_000;
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(10);
/// Takes the checks to be asked for from all over the log: odd, and far from any size that is a round number.
const STRIDE: i64 = 7_919_317;

/// Fills the log up to so many leaves, then measures what it answers. What is there already is kept.
pub(crate) async fn run(place: &mut Place, folder: &Path, leaves: usize) {
    let checks = i64::try_from(leaves / EVENTS).unwrap();
    let story = Story::of_small_bodies((checks / CHECKS).max(1)).await;
    let address = free();
    place.config.listen = Some(address);
    let feed = Feed::default();
    let measurement = async {
        fill(place, &feed, &story, checks).await;
        wait_for_checkpoint(place).await;
        place.settle().await;
        Box::pin(ask(place, &story, (address, checks))).await;
    };
    Box::pin(place.serve(&feed, Box::pin(measurement))).await;
    verify(place, folder).await;
}

/// Where the service goes on to read, for each topic and partition.
async fn stored(place: &Place) -> BTreeMap<(String, i32), i64> {
    let sql = "SELECT name, source_partition, next FROM source_offsets JOIN topics ON id = topic WHERE name <> ''";
    let rows: Vec<(String, i32, i64)> = match &place.history {
        Database::Sqlite(pool) => query_as(sql).fetch_all(pool).await.unwrap(),
        Database::Postgres(pool) => query_as(sql).fetch_all(pool).await.unwrap(),
    };
    let stored = rows.into_iter();
    stored
        .map(|(name, partition, next)| ((name, partition), next))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn fill(place: &Place, feed: &Feed, story: &Story, checks: i64) {
    let stored = stored(place).await;
    let known = |record: &Record| {
        let position = &record.position;
        let next = stored.get(&(position.topic.clone(), position.partition));
        next.is_some_and(|next| position.offset < *next)
    };
    let whole = stored.len() == EVENTS * usize::try_from(PARTITIONS).unwrap();
    let least = stored.values().min().filter(|_| whole);
    let from = least.map_or(0, |next| next * i64::from(PARTITIONS));
    let begun = Instant::now();
    let before = place.events().await;
    let mut told = Instant::now();
    let mut next = from;
    while next < checks {
        let below = checks.min(next + AHEAD);
        let records = story.records(next..below).into_iter();
        feed.push(records.filter(|record| !known(record)).collect());
        next = below;
        while feed.waiting() > usize::try_from(AHEAD).unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if told.elapsed() > TOLD {
            told = Instant::now();
            let events = place.events().await;
            let rate = (events - before) as f64 / begun.elapsed().as_secs_f64();
            eprintln!(
                "audit {}: filled {events} events, {rate:.0}/s",
                place.kind.name()
            );
        }
    }
    place.holds(checks * i64::try_from(EVENTS).unwrap()).await;
}

/// Waits until the newest checkpoint covers every event; proofs of the last ones would else be pending.
async fn wait_for_checkpoint(place: &Place) {
    let evidence = Evidence::open(&place.config).await.unwrap();
    let events = u64::try_from(place.events().await).unwrap();
    let begun = Instant::now();
    while evidence
        .checkpoint()
        .await
        .unwrap()
        .is_none_or(|shown| shown.size < events)
    {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "no checkpoint covers {events} events after a minute"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ask(place: &Place, story: &Story, (address, checks): (SocketAddr, i64)) {
    let mut stream = client::connect(address).await;
    let chosen = |at: usize| i64::try_from(at).unwrap() * STRIDE % checks;
    let proof = |at: usize| format!("/v1/checks/{}/proof", story.event_id(chosen(at)));
    let account = |at: usize| format!("/v1/checks?account=A-{}", story.client(chosen(at)));
    let leaves = place.events().await;
    let name = place.kind.name();
    let what = format!("audit {name}: of {leaves} events: the proofs of a check ({EVENTS} leaves)");
    tell(&what, &question(&mut stream, proof, "\"integrated\"").await);
    let what =
        format!("audit {name}: of {leaves} events: the history of an account ({CHECKS} checks)");
    tell(&what, &question(&mut stream, account, "\"enriched\"").await);
}

/// Asks; how long each answer took, in order of that. The answer must hold a text: refusals are fast.
async fn question(
    stream: &mut TcpStream,
    path: impl Fn(usize) -> String,
    holds: &str,
) -> Vec<Duration> {
    let mut took = Vec::with_capacity(QUESTIONS);
    for at in 0..QUESTIONS {
        let path = path(at);
        let begun = Instant::now();
        let answer = client::get(stream, &path).await;
        took.push(begun.elapsed());
        assert!(answer.contains(holds), "{path}: {answer}");
    }
    took.sort_unstable();
    took
}

fn tell(what: &str, took: &[Duration]) {
    let ms = |share: f64| quantile(took, share).as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms; load {}",
        ms(0.5),
        ms(0.99),
        ms(1.0),
        load_average()
    );
}

/// Exports checkpoint, tiles and leaves, and verifies all of them as an auditor does.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn verify(place: &Place, folder: &Path) {
    let exported = tempfile::tempdir_in(folder).unwrap();
    let evidence = Evidence::open(&place.config).await.unwrap();
    let shown = evidence.checkpoint().await.unwrap().unwrap();
    let begun = Instant::now();
    std::fs::write(exported.path().join("checkpoint"), &shown.note).unwrap();
    for tile in tile::all(shown.size) {
        let data = evidence.tile(&tile, shown.size).await.unwrap().unwrap();
        let path = exported.path().join(tile.to_string());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, data).unwrap();
    }
    let export = shown.size as f64 / begun.elapsed().as_secs_f64();
    let key = audit::verifier_key(&place.config).unwrap().unwrap();
    let claims = Claims {
        policy: Policy::of_log(VerifierKey::parse(&key).unwrap()),
        leaves: Leaves::Ours,
        since: None,
    };
    let begun = Instant::now();
    let report = verify::log(&Folder::new(exported.path()), &claims, &mut |_, _| {})
        .await
        .unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(report.holds(), "{:?}", report.findings);
    println!(
        "audit {}: {} leaves exported at {export:.0}/s, verified whole in {seconds:.1} s = {:.0} leaves/s; load {}",
        place.kind.name(),
        report.entries,
        report.entries as f64 / seconds,
        load_average()
    );
}
