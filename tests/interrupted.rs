//! The history while its writer is killed or its database is stopped at once: after each restart there is one history
//! without a hole, whoever recomputes it.

use std::time::Duration;

use schemas::Topic;
use sqlx::{Connection as _, PgConnection, SqliteConnection, query_as};
use stage::Broker;

use crate::{
    crash::Dice,
    world::{Kind, Parts, Setting, Whereabouts, World, wait_for},
};

/// Callbacks that come in while something is interrupted.
const POSTS: usize = 60;
/// Within this time of their beginning it is: about as long as they take to be appended.
const WITHIN_MILLIS: u64 = 400;
/// How long the history may take to have everything, signed.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long all services may take to their end: notices that were being sent when the database went are sent later.
const SETTLE: Duration = Duration::from_mins(6);

/// The process that writes the history, in either kind of world.
const WRITERS: [&str; 2] = ["up", "audit"];

/// What is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The process that writes the history, by SIGKILL.
    Writer,
    /// PostgreSQL, as by `pg_ctl stop -m immediate`: at the next start it recovers from its log.
    Database,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_writer_leaves_one_history_in_files() {
    run(Kind::Embedded, What::Writer, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_writer_leaves_one_history_on_the_real_parts() {
    run(Kind::Real, What::Writer, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_at_once_leaves_one_history() {
    run(Kind::Real, What::Database, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_a_killed_writer_leaves_one_history_in_files() {
    run(Kind::Embedded, What::Writer, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_a_killed_writer_leaves_one_history_on_the_real_parts() {
    run(Kind::Real, What::Writer, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_a_database_that_is_stopped_at_once_leaves_one_history() {
    run(Kind::Real, What::Database, 20).await;
}

async fn run(kind: Kind, what: What, times: usize) {
    let files = tempfile::tempdir().unwrap();
    let Some(mut world) = World::start(kind, signed(kind, what, files.path())).await else {
        return;
    };
    let head = files.path().join("log.head").display().to_string();
    let place = world.whereabouts(Some(head));
    let mut dice = Dice::new();
    let broker = world.broker().await;
    let mut tries = 0;
    let mut torn = 0;
    for time in 0..times {
        let poster = world.poster();
        let mut posting = tokio::task::JoinSet::new();
        posting.spawn(async move { poster.post_many(time * POSTS, POSTS, 8).await });
        tokio::time::sleep(Duration::from_millis(dice.below(WITHIN_MILLIS))).await;
        torn += usize::from(interrupt(&mut world, what, &place));
        for sent in posting.join_next().await.unwrap().unwrap() {
            assert_eq!(sent.status, 200, "{} was never accepted", sent.reference);
            tries += sent.tries;
        }
        caught_up(&place, &broker).await;
        if let Err(violations) = place.recompute() {
            panic!("after {} of {times}: {violations}", time + 1);
        }
    }
    let (tally, whole) = world.settle(SETTLE).await;
    let said = place.recompute().unwrap();
    println!(
        "tally: {kind:?}, {what:?} interrupted {times} times, {} posts in {tries} tries, {} raw, {tally:?}; recomputed \
         {} times, {torn} of them before the restart; {said}",
        times * POSTS,
        whole.raw.len(),
        times + torn + 1,
    );
}

/// A world whose history is signed ten times a second.
fn signed(kind: Kind, what: What, files: &std::path::Path) -> Setting {
    let mut variables = vec![("AUDIT__CHECKPOINT_MS", "100".to_owned())];
    if kind == Kind::Real {
        let file = files.join("log.key");
        std::fs::write(&file, "3c".repeat(32)).unwrap();
        variables.push(("AUDIT__LOG_KEY_FILE", file.display().to_string()));
        let head = format!("file:{}", files.join("log.head").display());
        variables.push(("AUDIT__HEAD__URL", head));
    }
    Setting {
        variables,
        kills_parts: what == What::Database,
        ..Setting::default()
    }
}

/// Interrupts, and starts again; whether the history was recomputed in between.
fn interrupt(world: &mut World, what: What, place: &Whereabouts) -> bool {
    if what == What::Database {
        let parts = Parts::of_environment().unwrap();
        tokio::task::block_in_place(|| parts.stop_postgres_at_once());
        return false;
    }
    let mut names = world.processes().into_iter();
    let writer = names.find(|name| WRITERS.contains(name)).unwrap();
    world.kill(writer);
    if let Err(violations) = tokio::task::block_in_place(|| place.recompute()) {
        panic!("killed, and not yet started again: {violations}");
    }
    world.spawn(writer);
    true
}

/// How far `raw` is read, and how many entries are not signed.
const STAND: &str = "SELECT CAST(coalesce((SELECT sum(next) FROM source_offsets WHERE topic IN
        (SELECT id FROM topics WHERE name LIKE '%.raw')), 0) AS BIGINT),
    (SELECT size FROM head) - coalesce((SELECT max(size) FROM checkpoints), 0)";

/// Waits until every record of `raw` stands in the history, and everything there is signed.
async fn caught_up(place: &Whereabouts, broker: &std::sync::Arc<dyn Broker>) {
    wait_for("the history to have caught up", PATIENCE, async || {
        let extents = broker.extents(Topic::Raw).await;
        let extents = extents.map_err(|error| error.to_string())?;
        let written: i64 = extents.iter().map(|extent| extent.next).sum();
        let (read, unsigned) = stand(place).await.map_err(|error| error.to_string())?;
        if read == written && unsigned == 0 {
            Ok(())
        } else {
            Err(format!("{read} of {written} read, {unsigned} not signed"))
        }
    })
    .await;
}

async fn stand(place: &Whereabouts) -> sqlx::Result<(i64, i64)> {
    if place.history.starts_with("sqlite:") {
        let mut history = SqliteConnection::connect(&place.history).await?;
        return query_as(STAND).fetch_one(&mut history).await;
    }
    let mut history = PgConnection::connect(&place.history).await?;
    query_as(STAND).fetch_one(&mut history).await
}
