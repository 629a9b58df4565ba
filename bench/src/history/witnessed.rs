//! From an event that is appended to the checkpoint that covers it, cosigned by a witness, and stored.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use audit::witness::{Witness, server::Server};
use sqlx::query_as;
use stage::{Chance, Stopper, SystemClock, database::Database};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    feed::Feed,
    load_average,
    place::Place,
    story::{EVENTS, Story},
};
use crate::load::quantile;

/// Checks told of each [`EVERY`]: some hundred events a second.
const CHECKS: i64 = 10;
const EVERY: Duration = Duration::from_millis(50);
/// How often is looked what is there.
const LOOK: Duration = Duration::from_millis(10);
/// How long the last event may wait for its cosignature.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures for so many seconds.
pub(crate) async fn run(place: &mut Place, folder: &Path, seconds: u64) {
    let folder = folder.join("witness");
    let opened = Server::open(&folder, None, Chance::system(), Arc::new(SystemClock));
    let server = opened.await.unwrap();
    let key = audit::verifier_key(&place.config).unwrap().unwrap();
    server.add_log(&key).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    place.config.witnesses = vec![Witness {
        name: "bench".to_owned(),
        url: format!("http://{}", listener.local_addr().unwrap()),
        key: server.vkey(),
    }];
    let stopper = Stopper::new();
    let mut witness = JoinSet::new();
    witness.spawn(server.serve(listener, stopper.clone()));
    let feed = Feed::default();
    let story = Story::of_new_clients().await;
    let measurement = measure(place, &feed, &story, Duration::from_secs(seconds));
    let mut took = place.serve(&feed, measurement).await;
    stopper.stop();
    while witness.join_next().await.is_some() {}
    took.sort_unstable();
    let at = |share: f64| quantile(&took, share).as_secs_f64();
    println!(
        "audit {}: {} events from appended to witnessed: p50 {:.2} s, p99 {:.2} s, longest {:.2} s; load {}",
        place.kind.name(),
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        load_average()
    );
}

/// How long each event waited.
async fn measure(place: &Place, feed: &Feed, story: &Story, time: Duration) -> Vec<Duration> {
    let begun = Instant::now();
    let (mut next, mut pushed) = (0, Instant::now());
    // Entries that nobody has cosigned yet: below this index, since this moment.
    let mut waiting: Vec<(i64, i64, Instant)> = Vec::new();
    let (mut size, mut took) = (0, Vec::new());
    while begun.elapsed() < time || !waiting.is_empty() {
        if begun.elapsed() < time && pushed.elapsed() >= EVERY {
            pushed = Instant::now();
            feed.push(story.records(next..next + CHECKS));
            next += CHECKS;
        }
        assert!(
            begun.elapsed() < time + PATIENCE,
            "no cosignature after {PATIENCE:?}"
        );
        let (appended, cosigned) = look(place).await;
        if appended > size {
            waiting.push((size, appended, Instant::now()));
            size = appended;
        }
        waiting.retain(|(from, below, since)| {
            let covered = *below <= cosigned;
            if covered {
                let events = usize::try_from(below - from).unwrap();
                took.extend(std::iter::repeat_n(since.elapsed(), events));
            }
            !covered
        });
        tokio::time::sleep(LOOK).await;
    }
    assert!(
        took.len() >= usize::try_from(next).unwrap() * EVENTS,
        "events are missing"
    );
    took
}

/// How many leaves there are, and how many of them a cosigned checkpoint covers.
async fn look(place: &Place) -> (i64, i64) {
    let sql = "SELECT (SELECT size FROM head), (SELECT coalesce(max(size), 0) FROM cosignatures)";
    match &place.history {
        Database::Sqlite(pool) => query_as(sql).fetch_one(pool).await.unwrap(),
        Database::Postgres(pool) => query_as(sql).fetch_one(pool).await.unwrap(),
    }
}
