//! The store in PostgreSQL. Writers queue for one row, which makes them as orderly as those of a file.
//!
//! A prepared statement keeps its plan. One that was made while a table was small reads the whole table
//! long after it has grown (measured: 380 ms for what takes 0.7 ms). So what is asked outside a writing
//! transaction is planned each time (`persistent(false)`), and a writing transaction turns such plans off.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use schemas::Timestamp;
use sqlx::PgPool;
use stage::Retry;

use super::{
    COUNTED, Offset, Store, Work,
    row::{self, unready},
};
use crate::draft::{Publication, Waiting};

mod parcel;
mod work;

pub(super) const OFFSETS: &str = "SELECT topic, partition, next FROM source_offsets";

/// How long another writer may hold its row before it counts as stuck, and this one as waiting for it. Ours
/// take tens of milliseconds; a process that was cut off from the server is forgotten only after hours.
const HELD: Duration = Duration::from_secs(10);

/// The database.
#[derive(Debug)]
pub(super) struct Postgres {
    pool: PgPool,
}

impl Postgres {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    async fn begin_writing(&self) -> Result<work::Writing, Retry> {
        let mut transaction = self.pool.begin().await.map_err(unready)?;
        // From here on nobody else decides or numbers: two processes that both believe to lead, each with
        // partitions of its own, cannot both tell of one check, and numbers appear in their order.
        sqlx::query(
            "SELECT set_config('enable_seqscan', 'off', true) FROM counters WHERE name = 'given' FOR UPDATE",
        )
            .execute(&mut *transaction)
            .await
            .map_err(unready)?;
        Ok(work::Writing { transaction })
    }
}

#[async_trait]
impl Store for Postgres {
    async fn offsets(&self) -> Result<Vec<Offset>, Retry> {
        let rows = sqlx::query_as(OFFSETS).fetch_all(&self.pool).await;
        rows.map_err(unready)?
            .into_iter()
            .map(row::offset)
            .collect()
    }

    async fn begin(&self) -> Result<Box<dyn Work>, Retry> {
        let begun = tokio::time::timeout(HELD, self.begin_writing()).await;
        let writing = begun.map_err(|_| {
            Retry::because("another process holds the outbox in a transaction that does not end")
        })??;
        Ok(Box::new(writing))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, Retry> {
        let rows = sqlx::query_as(
            "SELECT number, record_key, draft, attempts FROM outbox AS this
             WHERE started_at IS NULL AND due_at <= $1
               AND NOT EXISTS (SELECT 1 FROM outbox AS before
                               WHERE before.lane = this.lane AND before.number < this.number)
             ORDER BY due_at, number LIMIT $2",
        )
        .bind(now.micros())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .persistent(false)
        .fetch_all(&self.pool)
        .await;
        let rows: Vec<row::WaitingRow> = rows.map_err(unready)?;
        rows.into_iter().map(row::waiting).collect()
    }

    async fn start(&self, numbers: &[i64], now: Timestamp) -> Result<Vec<i64>, Retry> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "UPDATE outbox SET started_at = $1, attempts = attempts + 1
             WHERE number = ANY($2) AND started_at IS NULL RETURNING number",
        )
        .bind(now.micros())
        .bind(numbers)
        .persistent(false)
        .fetch_all(&self.pool)
        .await
        .map_err(unready)?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn release(&self, numbers: &[i64]) -> Result<(), Retry> {
        let released = sqlx::query(
            "UPDATE outbox SET started_at = NULL, attempts = attempts - 1
             WHERE number = ANY($1) AND started_at IS NOT NULL",
        )
        .bind(numbers)
        .persistent(false)
        .execute(&self.pool)
        .await;
        released.map(|_| ()).map_err(unready)
    }

    async fn recover(&self) -> Result<u64, Retry> {
        let recovered =
            sqlx::query("UPDATE outbox SET started_at = NULL WHERE started_at IS NOT NULL")
                .execute(&self.pool)
                .await
                .map_err(unready)?;
        Ok(recovered.rows_affected())
    }

    async fn backlog(&self) -> Result<(i64, Option<Timestamp>), Retry> {
        let row: (i64, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS waiting),
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
            sqlx::query_as("SELECT EXISTS (SELECT 1 FROM alert_windows WHERE ends_at <= $1)")
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
             WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(number)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .persistent(false)
        .fetch_all(&self.pool)
        .await;
        let rows: Vec<row::PublicationRow> = rows.map_err(unready)?;
        rows.into_iter().map(row::publication).collect()
    }

    async fn published(&self, number: i64) -> Result<(), Retry> {
        // One statement, so one transaction. From below, too: what was deleted before lies there until the server has
        // cleaned up, and would be walked through each time.
        let done = sqlx::query(
            "WITH gone AS (DELETE FROM publications
                           WHERE number > (SELECT value FROM counters WHERE name = 'published') AND number <= $1)
             UPDATE counters SET value = $1 WHERE name = 'published' AND value < $1",
        )
        .bind(number)
        .persistent(false)
        .execute(&self.pool)
        .await;
        done.map(|_| ()).map_err(unready)
    }
}
