//! The store in one SQLite file. Only one process opens it, so one lock within the process makes one writer.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use schemas::Timestamp;
use sqlx::SqlitePool;
use stage::Retry;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    COUNTED, Offset, Store, Work,
    row::{self, unready},
};
use crate::draft::{Publication, Waiting};

mod work;

pub(super) const OFFSETS: &str = "SELECT topic, partition, next FROM source_offsets";

/// The file.
#[derive(Debug)]
pub(super) struct Sqlite {
    pool: SqlitePool,
    /// Writers queue here in order. At the file they would poll for its lock, with pauses that grow to 100 ms.
    writing: Arc<Mutex<()>>,
}

impl Sqlite {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            writing: Arc::default(),
        }
    }

    async fn begin_writing(&self) -> Result<work::Writing, Retry> {
        let lock: OwnedMutexGuard<()> = Arc::clone(&self.writing).lock_owned().await;
        let transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(unready)?;
        Ok(work::Writing { transaction, lock })
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn offsets(&self) -> Result<Vec<Offset>, Retry> {
        let rows = sqlx::query_as(OFFSETS).fetch_all(&self.pool).await;
        rows.map_err(unready)?
            .into_iter()
            .map(row::offset)
            .collect()
    }

    async fn begin(&self) -> Result<Box<dyn Work>, Retry> {
        Ok(Box::new(self.begin_writing().await?))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, Retry> {
        let rows = sqlx::query_as(
            "SELECT number, record_key, draft, attempts FROM outbox AS this
             WHERE started_at IS NULL AND due_at <= ?
               AND NOT EXISTS (SELECT 1 FROM outbox AS before
                               WHERE before.lane = this.lane AND before.number < this.number)
             ORDER BY due_at, number LIMIT ?",
        )
        .bind(now.micros())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await;
        let rows: Vec<row::WaitingRow> = rows.map_err(unready)?;
        rows.into_iter().map(row::waiting).collect()
    }

    async fn start(&self, numbers: &[i64], now: Timestamp) -> Result<Vec<i64>, Retry> {
        let mut writing = self.begin_writing().await?;
        let rows: Vec<(i64,)> = sqlx::query_as(
            "UPDATE outbox SET started_at = ?, attempts = attempts + 1
             WHERE number IN (SELECT value FROM json_each(?)) AND started_at IS NULL RETURNING number",
        )
        .bind(now.micros())
        .bind(row::json(&numbers))
        .fetch_all(&mut *writing.transaction)
        .await
        .map_err(unready)?;
        Box::new(writing).commit().await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn release(&self, numbers: &[i64]) -> Result<(), Retry> {
        let mut writing = self.begin_writing().await?;
        sqlx::query(
            "UPDATE outbox SET started_at = NULL, attempts = attempts - 1
             WHERE number IN (SELECT value FROM json_each(?)) AND started_at IS NOT NULL",
        )
        .bind(row::json(&numbers))
        .execute(&mut *writing.transaction)
        .await
        .map_err(unready)?;
        Box::new(writing).commit().await
    }

    async fn recover(&self) -> Result<u64, Retry> {
        let mut writing = self.begin_writing().await?;
        let recovered =
            sqlx::query("UPDATE outbox SET started_at = NULL WHERE started_at IS NOT NULL")
                .execute(&mut *writing.transaction)
                .await
                .map_err(unready)?;
        Box::new(writing).commit().await?;
        Ok(recovered.rows_affected())
    }

    async fn backlog(&self) -> Result<(i64, Option<Timestamp>), Retry> {
        let row: (i64, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)),
                    (SELECT decided_at FROM outbox ORDER BY number LIMIT 1)",
        )
        .bind(COUNTED)
        .fetch_one(&self.pool)
        .await
        .map_err(unready)?;
        Ok((row.0, row.1.map(Timestamp::from_micros)))
    }

    async fn window_ended(&self, now: Timestamp) -> Result<bool, Retry> {
        let ended: (bool,) =
            sqlx::query_as("SELECT EXISTS (SELECT 1 FROM alert_windows WHERE ends_at <= ?)")
                .bind(now.micros())
                .fetch_one(&self.pool)
                .await
                .map_err(unready)?;
        Ok(ended.0)
    }

    async fn numbers(&self) -> Result<(i64, i64), Retry> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT name, value FROM counters")
            .fetch_all(&self.pool)
            .await
            .map_err(unready)?;
        let rows: HashMap<_, _> = rows.into_iter().collect();
        let of = |name| rows.get(name).copied().unwrap_or(0);
        Ok((of("given"), of("published")))
    }

    async fn after(&self, number: i64, limit: usize) -> Result<Vec<(i64, Publication)>, Retry> {
        let rows = sqlx::query_as(
            "SELECT number, record_key, traceparent, event FROM publications
             WHERE number > ? ORDER BY number LIMIT ?",
        )
        .bind(number)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await;
        let rows: Vec<row::PublicationRow> = rows.map_err(unready)?;
        rows.into_iter().map(row::publication).collect()
    }

    async fn published(&self, number: i64) -> Result<(), Retry> {
        let mut writing = self.begin_writing().await?;
        sqlx::query("DELETE FROM publications WHERE number <= ?")
            .bind(number)
            .execute(&mut *writing.transaction)
            .await
            .map_err(unready)?;
        sqlx::query("UPDATE counters SET value = ? WHERE name = 'published' AND value < ?1")
            .bind(number)
            .execute(&mut *writing.transaction)
            .await
            .map_err(unready)?;
        Box::new(writing).commit().await
    }
}
