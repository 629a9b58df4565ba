//! A crash between the keys and the entries leaves keys that nobody uses, and nothing else.

use std::sync::{Arc, atomic::AtomicU8};

use stage::{database::Database, keep::KeepError};

use super::{
    dying::Dying,
    records::About,
    tiles::are_those_of_the_leaves,
    world::{World, each, keep},
};
use crate::Query;

pub(super) async fn count(database: &Database, sql: &'static str) -> i64 {
    let (count,): (i64,) = match database {
        Database::Sqlite(pool) => sqlx::query_as(sql).fetch_one(pool).await,
        Database::Postgres(pool) => sqlx::query_as(sql).fetch_one(pool).await,
    }
    .unwrap();
    count
}

async fn dies(world: &World, committed: bool) {
    let mut service = world.service().await;
    service.audit.store = Arc::new(Dying {
        inner: Arc::clone(&service.audit.store),
        death: Arc::new(AtomicU8::new(if committed { 2 } else { 1 })),
    });
    let batch = About::check("R-1", "A-1", (0, 0)).journey(world);
    assert!(matches!(
        keep(&service, &batch).await,
        Err(KeepError::Retry(_))
    ));
}

#[tokio::test]
async fn a_crash_before_the_entries_leaves_only_keys_that_the_next_try_uses() {
    each(async |world| {
        dies(world, false).await;
        let keys = world.key_database();
        let (handles, data_keys) = (
            "SELECT count(*) FROM handles",
            "SELECT count(*) FROM data_keys",
        );
        assert_eq!(
            (count(&keys, handles).await, count(&keys, data_keys).await),
            (4, 2)
        );
        let history = world.database();
        assert_eq!(count(&history, "SELECT count(*) FROM entries").await, 0);
        assert_eq!(are_those_of_the_leaves(world).await, 0);
        let batch = About::check("R-1", "A-1", (0, 0)).journey(world);
        keep(&world.service().await, &batch).await.unwrap();
        assert_eq!(
            (count(&keys, handles).await, count(&keys, data_keys).await),
            (4, 2)
        );
        assert_eq!(world.steps(Query::default()).await.len(), 4);
        assert_eq!(are_those_of_the_leaves(world).await, 5);
    })
    .await;
}

#[tokio::test]
async fn a_crash_after_the_commit_repeats_nothing() {
    each(async |world| {
        dies(world, true).await;
        let batch = About::check("R-1", "A-1", (0, 0)).journey(world);
        assert_eq!(
            keep(&world.service().await, &batch).await,
            Err(KeepError::Moved)
        );
        let history = world.database();
        assert_eq!(count(&history, "SELECT count(*) FROM entries").await, 5);
        assert_eq!(count(&history, "SELECT n FROM account_counters").await, 1);
        assert_eq!(are_those_of_the_leaves(world).await, 5);
    })
    .await;
}

#[tokio::test]
async fn a_head_that_was_changed_by_hand_stops_the_writer() {
    let world = World::new("SQLite").await.unwrap();
    let service = world.service().await;
    keep(
        &service,
        &About::check("R-1", "A-1", (0, 0)).journey(&world),
    )
    .await
    .unwrap();
    let database = world.database();
    super::sealing::execute(&database, "DROP TRIGGER head_update").await;
    super::sealing::execute(
        &database,
        "UPDATE head SET root = (SELECT leaf_hash FROM entries WHERE seq = 0)",
    )
    .await;
    let fresh = world.fresh_service().await;
    let next = About::check("R-2", "A-1", (0, 1)).journey(&world);
    let answer = keep(&fresh, &next).await;
    assert!(
        matches!(&answer, Err(KeepError::Retry(retry)) if retry.to_string().contains("contradicts itself"))
    );
}
