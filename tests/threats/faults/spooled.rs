//! Kafka is gone, the spool takes over: nothing that it took is lost, not by a kill and not by a full disk.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    DEADLINE, STANDSTILL,
    load::{Load, Outcome},
    more,
    proof::{
        connections_end_only_while_the_door_is_down, every_200_is_kept_in_order,
        every_answer_is_200_or_503_in_time,
    },
};
use crate::{
    threats::doors::{Below, Doors, script},
    world::{use_parts, wait_for},
};

/// How long a full spool is looked at.
const LOOK: Duration = Duration::from_secs(3);

/// Kafka, started again also where the test fails.
struct Gone;

impl Gone {
    fn begin() -> Self {
        script("kafka-kill");
        Self
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        script("kafka-start");
    }
}

/// A door with a spool, whose folder outlives it.
async fn doors(max_bytes: &str, file_kilobytes: Option<u32>) -> Option<Doors> {
    let below = Below::one_broker()?;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("spool.key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    let (file, key) = (
        folder.path().join("spool.db").display().to_string(),
        key.display().to_string(),
    );
    let settings = [
        ("DOOR__SPOOL__FILE", file.as_str()),
        ("DOOR__SPOOL__KEY_FILE", &key),
        ("DOOR__SPOOL__MAX_BYTES", max_bytes),
    ];
    Doors::start_limited(below, &settings, folder, file_kilobytes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_the_spool_keeps_what_it_took_through_a_kill() {
    let _alone = use_parts(true, true).await;
    let Some(mut doors) = doors("268435456", None).await else {
        return;
    };
    let load = Arc::new(Load::new(doors.listen(0), 256, 64, usize::MAX));
    let mut posting = JoinSet::new();
    posting.spawn(Arc::clone(&load).run());
    more(&load, 300).await;
    let gone = Gone::begin();
    let lost = Instant::now();
    more(&load, 1_000).await;
    println!(
        "threats: 1000 posts without Kafka after {:?}",
        lost.elapsed()
    );
    let killed = Instant::now();
    doors.kill(0);
    doors.spawn(0);
    more(&load, 500).await;
    let down = [(killed, Instant::now())];
    drop(gone);
    let back = Instant::now();
    more(&load, 300).await;
    load.stop();
    let outcome: Outcome = posting.join_next().await.unwrap().unwrap();
    drained(&doors).await;
    let found = every_200_is_kept_in_order(&outcome, &doors.raw().await);
    println!(
        "tally: {} acknowledged, {found:?}, the spool is empty {:?} after Kafka is back",
        load.acknowledged(),
        back.elapsed()
    );
    connections_end_only_while_the_door_is_down(&outcome.ends, &down);
    every_answer_is_200_or_503_in_time(&outcome.samples, DEADLINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_a_full_spool_refuses_and_loses_nothing() {
    fills("1048576", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_a_full_disk_under_the_spool_refuses_and_loses_nothing() {
    fills("268435456", Some(2_048)).await;
}

async fn fills(max_bytes: &str, file_kilobytes: Option<u32>) {
    let _alone = use_parts(true, true).await;
    let Some(doors) = doors(max_bytes, file_kilobytes).await else {
        return;
    };
    let load = Arc::new(Load::new(doors.listen(0), 256, 64, usize::MAX));
    let mut posting = JoinSet::new();
    posting.spawn(Arc::clone(&load).run());
    more(&load, 300).await;
    let gone = Gone::begin();
    let before = load.acknowledged();
    wait_for("a spool that is full", STANDSTILL, async || {
        let before = load.acknowledged();
        tokio::time::sleep(LOOK).await;
        let grown = load.acknowledged() - before;
        let refused = load.last_refusal().is_some();
        let full = grown == 0 && refused;
        full.then_some(())
            .ok_or_else(|| format!("{grown} more taken in {LOOK:?}"))
    })
    .await;
    let taken = load.acknowledged() - before;
    assert!(taken > 0, "the spool has taken nothing");
    if file_kilobytes.is_some() {
        // To delete takes room too, so a disk that stays full holds the drain up; whoever makes room ends that.
        doors.make_room(0);
    }
    drop(gone);
    more(&load, 300).await;
    load.stop();
    let outcome: Outcome = posting.join_next().await.unwrap().unwrap();
    drained(&doors).await;
    let found = every_200_is_kept_in_order(&outcome, &doors.raw().await);
    println!(
        "tally: {taken} taken without Kafka until full, {} acknowledged, {found:?}",
        load.acknowledged()
    );
    assert!(outcome.ends.is_empty(), "the door ends no connection");
    if file_kilobytes.is_some() {
        let said = std::fs::read_to_string(doors.folder.path().join("door-0.log")).unwrap();
        let told = said
            .matches("the door's spool cannot be read or written")
            .count();
        assert_eq!(told, 1, "a full disk is told of once: {said}");
    }
    every_answer_is_200_or_503_in_time(&outcome.samples, DEADLINE);
}

/// Waits until nothing is left in the spool.
async fn drained(doors: &Doors) {
    wait_for("an empty spool", STANDSTILL, async || {
        let page = doors.page(0, "/metrics").await;
        let (_, page) = page.map_err(|error| error.to_string())?;
        let mut lines = page.lines();
        let line = lines.find(|line| line.starts_with("idtrail_ingest_spool_records "));
        match line {
            Some("idtrail_ingest_spool_records 0") => Ok(()),
            other => Err(other.unwrap_or("no such metric").to_owned()),
        }
    })
    .await;
}
