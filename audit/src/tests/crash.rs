//! A crash between the keys and the entries leaves keys that nobody uses, and nothing else.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use stage::{Retry, database::Database, keep::KeepError};
use uuid::Uuid;

use super::{
    records::About,
    tiles::are_those_of_the_leaves,
    world::{World, each, keep},
};
use crate::{
    Query,
    store::{Append, LogStore, Place, Reading, Receipt, Select, Store, Stored, View},
};

/// A history that dies when it is appended to, before or after the commit.
#[derive(Debug)]
pub(super) struct Dying {
    pub(super) inner: Arc<dyn Store>,
    /// 0: never; 1: before the commit; 2: after it.
    pub(super) when: Arc<AtomicU8>,
}

#[async_trait]
impl Reading for Dying {
    async fn size(&self) -> Result<i64, Retry> {
        self.inner.size().await
    }

    async fn topics(&self) -> Result<Vec<(i32, String)>, Retry> {
        self.inner.topics().await
    }

    async fn time_of(&self, seq: i64) -> Result<Option<i64>, Retry> {
        self.inner.time_of(seq).await
    }

    async fn first_of(&self, checks: &[Uuid], select: &Select) -> Result<Vec<(Uuid, i64)>, Retry> {
        self.inner.first_of(checks, select).await
    }

    async fn checks_between(&self, from: i64, below: i64) -> Result<Vec<Uuid>, Retry> {
        self.inner.checks_between(from, below).await
    }

    async fn of_checks(
        &self,
        checks: &[Uuid],
        below: i64,
        limit: i64,
    ) -> Result<Vec<Stored>, Retry> {
        self.inner.of_checks(checks, below, limit).await
    }

    async fn at(&self, places: &[Place], below: i64) -> Result<Vec<Stored>, Retry> {
        self.inner.at(places, below).await
    }

    async fn between(&self, from: i64, below: i64) -> Result<Vec<Stored>, Retry> {
        self.inner.between(from, below).await
    }

    async fn first_offset(&self, partition: (i32, i32)) -> Result<Option<i64>, Retry> {
        self.inner.first_offset(partition).await
    }

    async fn of_topic(&self, topic: i32, after: i64, limit: i64) -> Result<Vec<Stored>, Retry> {
        self.inner.of_topic(topic, after, limit).await
    }
}

#[async_trait]
impl Store for Dying {
    fn log(&self) -> &dyn LogStore {
        self.inner.log()
    }

    async fn view(&self) -> Result<View, Retry> {
        self.inner.view().await
    }

    async fn counters(&self, accounts: &[Uuid]) -> Result<HashMap<Uuid, i64>, Retry> {
        self.inner.counters(accounts).await
    }

    async fn append(&self, append: &Append) -> Result<(), KeepError> {
        let when = self.when.load(Ordering::Relaxed);
        if when != 1 {
            self.inner.append(append).await?;
        }
        if when == 0 {
            return Ok(());
        }
        Err(KeepError::Retry(Retry::because("the process dies here")))
    }

    async fn published(&self) -> Result<i64, Retry> {
        self.inner.published().await
    }

    async fn receipts(&self, after: i64, limit: i64) -> Result<Vec<Receipt>, Retry> {
        self.inner.receipts(after, limit).await
    }

    async fn forget(&self, up_to: i64) -> Result<(), Retry> {
        self.inner.forget(up_to).await
    }
}

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
        when: Arc::new(AtomicU8::new(if committed { 2 } else { 1 })),
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
