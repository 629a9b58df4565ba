//! Each record gets one entry, whatever is read twice and whoever else is at work.

use schemas::Topic;
use sqlx::query_as;
use stage::{
    Record,
    database::Database,
    keep::{Keep as _, KeepError},
};

use super::{
    records::{About, position},
    world::{World, each, keep},
};

/// Every record's number and place; the log's own entries are left out.
async fn entries(world: &World) -> Vec<(i64, String, i32, i64)> {
    let sql = "SELECT e.seq, t.name, e.source_partition, e.source_offset
        FROM entries e JOIN topics t ON t.id = e.topic WHERE t.name <> '' ORDER BY e.seq";
    match world.database() {
        Database::Sqlite(pool) => query_as(sql).fetch_all(&pool).await.unwrap(),
        Database::Postgres(pool) => query_as(sql).fetch_all(&pool).await.unwrap(),
    }
}

fn journeys(world: &World, offsets: std::ops::Range<i64>) -> Vec<Record> {
    let one = |offset: i64| {
        let partition = i32::try_from(offset % 3).unwrap();
        About::check(&format!("R-{offset}"), "A-1", (partition, offset)).journey(world)
    };
    let mut all: Vec<Record> = offsets.flat_map(one).collect();
    all.sort_by_key(|record| {
        (
            record.topic,
            record.position.partition,
            record.position.offset,
        )
    });
    all
}

#[tokio::test]
async fn repeated_and_overlapping_batches_leave_one_entry_for_each_record() {
    each(async |world| {
        let service = world.service().await;
        let first = journeys(world, 0..30);
        keep(&service, &first).await.unwrap();
        assert_eq!(
            keep(&service, &first).await,
            Err(KeepError::Moved),
            "the same again"
        );
        let overlapping = journeys(world, 20..50);
        assert_eq!(
            keep(&service, &overlapping).await,
            Err(KeepError::Moved),
            "half of it again"
        );
        keep(&service, &journeys(world, 30..50)).await.unwrap();
        let found = entries(world).await;
        assert_eq!(found.len(), 200);
        let numbers: Vec<i64> = found.iter().map(|(seq, ..)| *seq).collect();
        // After each batch stands the account of what was read.
        let expected: Vec<i64> = (0..120).chain(121..201).collect();
        assert_eq!(numbers, expected, "numbers have no holes");
        let mut places: Vec<_> = found
            .into_iter()
            .map(|(_, topic, partition, offset)| (topic, partition, offset))
            .collect();
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 200);
    })
    .await;
}

#[tokio::test]
async fn a_second_writer_makes_the_first_one_look_again() {
    each(async |world| {
        let (one, other) = (world.service().await, world.service().await);
        keep(&one, &journeys(world, 0..3)).await.unwrap();
        // The other one still believes that the log is empty.
        assert_eq!(
            keep(&other, &journeys(world, 0..3)).await,
            Err(KeepError::Moved)
        );
        assert_eq!(
            keep(&other, &journeys(world, 0..3)).await,
            Err(KeepError::Moved),
            "and knows it now"
        );
        keep(&other, &journeys(world, 3..6)).await.unwrap();
        assert_eq!(
            keep(&one, &journeys(world, 6..9)).await,
            Err(KeepError::Moved),
            "the log has grown"
        );
        keep(&one, &journeys(world, 6..9)).await.unwrap();
        assert_eq!(entries(world).await.len(), 36);
    })
    .await;
}

#[tokio::test]
async fn two_writers_at_the_same_moment_store_each_record_once() {
    each(async |world| {
        let (one, other) = (world.service().await, world.service().await);
        for round in 0..10 {
            let batch = journeys(world, round * 3..round * 3 + 3);
            let (first, second) = tokio::join!(keep(&one, &batch), keep(&other, &batch));
            assert!(
                first.is_ok() || second.is_ok() || {
                    // Both may have been surprised by the round before; then either may go again.
                    keep(&one, &batch).await.is_ok()
                }
            );
        }
        assert_eq!(entries(world).await.len(), 120);
    })
    .await;
}

#[tokio::test]
async fn reading_goes_on_where_it_ended_also_over_holes() {
    each(async |world| {
        let service = world.service().await;
        let mut batch = journeys(world, 0..6);
        // The marks of transactions take offsets.
        batch.retain(|record| record.topic != Topic::Checked || record.position.offset != 0);
        keep(&service, &batch).await.unwrap();
        let again = world.service().await;
        let mut offsets = again.audit.offsets().await.unwrap();
        offsets.sort();
        let expected: Vec<_> = [Topic::Raw, Topic::Checked, Topic::Enriched, Topic::Notified]
            .into_iter()
            .flat_map(|topic| {
                (0..3).map(move |partition| (topic, partition, i64::from(partition) + 4))
            })
            .collect();
        assert_eq!(offsets, expected);
    })
    .await;
}

#[tokio::test]
async fn receipts_cover_every_record_once_and_carry_the_root() {
    each(async |world| {
        let service = world.service().await;
        keep(&service, &journeys(world, 0..6)).await.unwrap();
        keep(&service, &journeys(world, 6..9)).await.unwrap();
        let receipts = service.receipts.store.receipts(0, 100).await.unwrap();
        let numbers: Vec<i64> = receipts.iter().map(|receipt| receipt.number).collect();
        assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
        assert_eq!(
            receipts.iter().map(|receipt| receipt.records).sum::<i64>(),
            36
        );
        let view = service.receipts.store.view().await.unwrap();
        let newest = receipts.last().unwrap();
        assert_eq!(
            (newest.tree_size, newest.root.as_slice()),
            (38, view.tree.root().as_slice())
        );
        let of_the_first = receipts
            .iter()
            .find(|receipt| receipt.offsets == (0, 3))
            .unwrap();
        assert_eq!((of_the_first.tree_size, of_the_first.records), (25, 2));
        service.receipts.store.forget(20).await.unwrap();
        assert_eq!(service.receipts.store.published().await.unwrap(), 20);
        let left = service.receipts.store.receipts(20, 2).await.unwrap();
        assert_eq!(
            left.iter()
                .map(|receipt| receipt.number)
                .collect::<Vec<_>>(),
            [21, 22]
        );
        service.receipts.store.forget(3).await.unwrap();
        assert_eq!(
            service.receipts.store.published().await.unwrap(),
            20,
            "the mark never falls"
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_by_its_bytes_and_stops_nothing() {
    each(async |world| {
        let service = world.service().await;
        let about = About::check("R-1", "A-1", (0, 0));
        let mut batch = vec![about.raw()];
        for (offset, value) in [
            (0, None),
            (1, Some(b"garbage".to_vec())),
            (2, Some(vec![0, 0, 0, 9, 9, 1])),
        ] {
            for topic in [Topic::Checked, Topic::Operated, Topic::Raw] {
                let offset = if topic == Topic::Raw {
                    offset + 1
                } else {
                    offset
                };
                batch.push(Record {
                    topic,
                    position: position(topic, (0, offset)),
                    key: None,
                    value: value.clone(),
                    headers: vec![("odd".into(), vec![0xff, 0xfe])],
                    ..about.raw()
                });
            }
        }
        // Its schema id is unknown; the loop would have waited for the registry, and then this is what it decodes to.
        let batch = service.audit.ready(batch).await;
        service.audit.keep(&batch).await.unwrap();
        assert_eq!(entries(world).await.len(), 10);
        let steps = world.steps(crate::Query::default()).await;
        assert_eq!(
            steps.len(),
            3,
            "each unreadable event is told as one: {steps:?}"
        );
        assert!(
            steps
                .iter()
                .all(|step| step.step == "checked" && step.outcome.is_none())
        );
    })
    .await;
}

#[tokio::test]
async fn times_never_fall_though_the_clock_does() {
    each(async |world| {
        let service = world.service().await;
        keep(&service, &journeys(world, 0..3)).await.unwrap();
        let late = service.receipts.store.view().await.unwrap().at;
        // A process with a clock that is an hour behind.
        let mut behind = world.service().await;
        let hour_ago = schemas::Timestamp::from_micros(super::world::BEGIN - 3_600_000_000);
        behind.audit.clock = std::sync::Arc::new(stage::clock::MockClock::at(hour_ago));
        keep(&behind, &journeys(world, 3..6)).await.unwrap();
        assert_eq!(behind.receipts.store.view().await.unwrap().at, late);
        world.clock.advance(std::time::Duration::from_millis(7));
        let service = world.service().await;
        keep(&service, &journeys(world, 6..9)).await.unwrap();
        let steps = world.steps(crate::Query::default()).await;
        let mut by_number: Vec<_> = steps.iter().map(|step| (step.seq, step.at)).collect();
        by_number.sort_unstable();
        assert!(by_number.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        assert_eq!(service.receipts.store.view().await.unwrap().at, late + 7);
    })
    .await;
}
