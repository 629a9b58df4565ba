//! One transaction on the file.

use std::{collections::HashMap, sync::LazyLock};

use async_trait::async_trait;
use schemas::Timestamp;
use sqlx::{Sqlite, Transaction};
use stage::Retry;
use tokio::sync::OwnedMutexGuard;

use super::OFFSETS;
use crate::{
    decide::Told,
    draft::{Draft, Publication},
    store::{
        Offset, Work,
        row::{self, unready},
    },
    windows::Window,
};

/// Rows written by one statement: each crosses to SQLite's thread and back, which costs as much as several rows.
const ROWS: usize = 64;

/// An open transaction, and the lock that makes it the only one.
pub(super) struct Writing {
    pub(super) transaction: Transaction<'static, Sqlite>,
    /// Held after the transaction: fields are dropped in the order in which they stand.
    pub(super) lock: OwnedMutexGuard<()>,
}

/// A statement for one row and the same for [`ROWS`], so that two prepared statements serve every number of rows.
struct Insert {
    one: LazyLock<&'static str>,
    many: LazyLock<&'static str>,
}

macro_rules! insert {
    ($head:literal, $row:literal, $tail:literal) => {
        Insert {
            one: LazyLock::new(|| statement($head, $row, $tail, 1)),
            many: LazyLock::new(|| statement($head, $row, $tail, ROWS)),
        }
    };
}

static REMEMBER: Insert = insert!(
    "INSERT OR REPLACE INTO checks (name, rank, outcome, events, at) VALUES ",
    "(?, ?, ?, ?, ?)",
    ""
);
static PUBLISH: Insert = insert!(
    "INSERT INTO publications (number, record_key, traceparent, event) VALUES ",
    "(?, ?, ?, ?)",
    ""
);
static QUEUE: Insert = insert!(
    "INSERT INTO outbox (lane, record_key, draft, attempts, decided_at, due_at) VALUES ",
    "(?, ?, ?, 0, ?, ?)",
    ""
);

fn statement(head: &str, row: &str, tail: &str, rows: usize) -> &'static str {
    let rows = vec![row; rows].join(", ");
    Box::leak(format!("{head}{rows}{tail}").into_boxed_str())
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

impl Writing {
    /// Writes rows: as many as fit by the statement for many, the rest one by one.
    async fn insert<T: Sync>(
        &mut self,
        insert: &'static Insert,
        rows: &[T],
        bind: impl for<'q> Fn(Query<'q>, &T) -> Query<'q> + Send + Sync,
    ) -> Result<(), Retry> {
        let whole = rows.len() - rows.len() % ROWS;
        let (many, single) = rows.split_at(whole);
        for chunk in many.chunks(ROWS).chain(single.chunks(1)) {
            let sql = if chunk.len() == ROWS {
                *insert.many
            } else {
                *insert.one
            };
            let query = chunk.iter().fold(sqlx::query(sql), &bind);
            query
                .execute(&mut *self.transaction)
                .await
                .map_err(unready)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Work for Writing {
    async fn offsets(&mut self) -> Result<Vec<Offset>, Retry> {
        let rows = sqlx::query_as(OFFSETS)
            .fetch_all(&mut *self.transaction)
            .await;
        rows.map_err(unready)?
            .into_iter()
            .map(row::offset)
            .collect()
    }

    async fn move_offsets(&mut self, moves: &[Offset]) -> Result<(), Retry> {
        for (topic, partition, next) in moves {
            sqlx::query("INSERT OR REPLACE INTO source_offsets VALUES (?, ?, ?)")
                .bind(topic.as_str())
                .bind(partition)
                .bind(next)
                .execute(&mut *self.transaction)
                .await
                .map_err(unready)?;
        }
        Ok(())
    }

    async fn told(&mut self, checks: &[&str]) -> Result<HashMap<String, Told>, Retry> {
        let rows: Vec<row::ToldRow> = sqlx::query_as(
            "SELECT name, rank, outcome, events FROM checks
             WHERE name IN (SELECT value FROM json_each(?))",
        )
        .bind(row::json(&checks))
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(unready)?;
        Ok(rows.into_iter().map(row::told).collect())
    }

    async fn remember(&mut self, checks: &[(&str, &Told)], now: Timestamp) -> Result<(), Retry> {
        self.insert(&REMEMBER, checks, |query, (name, told)| {
            let (rank, outcome, events) = told.stored();
            query
                .bind((*name).to_owned())
                .bind(rank)
                .bind(outcome)
                .bind(events)
                .bind(now.micros())
        })
        .await
    }

    async fn windows(&mut self) -> Result<Vec<Window>, Retry> {
        let rows: Vec<row::WindowRow> = sqlx::query_as(
            "SELECT kind, started_at, ends_at, counted, record_key, first FROM alert_windows",
        )
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(unready)?;
        rows.into_iter().map(row::window).collect()
    }

    async fn open_windows(&mut self, windows: &[&Window]) -> Result<(), Retry> {
        for window in windows {
            sqlx::query("INSERT OR REPLACE INTO alert_windows VALUES (?, ?, ?, ?, ?, ?)")
                .bind(&window.kind)
                .bind(window.started_at.micros())
                .bind(window.ends_at.micros())
                .bind(window.counted)
                .bind(&window.first.origin.key)
                .bind(row::json(&window.first))
                .execute(&mut *self.transaction)
                .await
                .map_err(unready)?;
        }
        Ok(())
    }

    async fn close_window(&mut self, kind: &str) -> Result<(), Retry> {
        let deleted = sqlx::query("DELETE FROM alert_windows WHERE kind = ?")
            .bind(kind)
            .execute(&mut *self.transaction)
            .await;
        deleted.map(|_| ()).map_err(unready)
    }

    async fn queue(&mut self, drafts: &[Draft], due_at: Timestamp) -> Result<(), Retry> {
        self.insert(&QUEUE, drafts, |query, draft| {
            query
                .bind(draft.lane())
                .bind(draft.origin.key.clone())
                .bind(row::json(draft))
                .bind(draft.origin.decided_at.micros())
                .bind(due_at.micros())
        })
        .await
    }

    async fn remove(&mut self, numbers: &[i64]) -> Result<Vec<i64>, Retry> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "DELETE FROM outbox WHERE number IN (SELECT value FROM json_each(?)) RETURNING number",
        )
        .bind(row::json(&numbers))
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(unready)?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn postpone(&mut self, later: &[(i64, Timestamp)]) -> Result<(), Retry> {
        for (number, due_at) in later {
            sqlx::query("UPDATE outbox SET started_at = NULL, due_at = ? WHERE number = ?")
                .bind(due_at.micros())
                .bind(number)
                .execute(&mut *self.transaction)
                .await
                .map_err(unready)?;
        }
        Ok(())
    }

    async fn publish(&mut self, ended: &[Publication]) -> Result<(), Retry> {
        let count = i64::try_from(ended.len()).unwrap_or(i64::MAX);
        let (last,): (i64,) = sqlx::query_as(
            "UPDATE counters SET value = value + ? WHERE name = 'given' RETURNING value",
        )
        .bind(count)
        .fetch_one(&mut *self.transaction)
        .await
        .map_err(unready)?;
        let numbered: Vec<_> = (last - count + 1..).zip(ended).collect();
        self.insert(&PUBLISH, &numbered, |query, (number, publication)| {
            query
                .bind(*number)
                .bind(publication.key.clone())
                .bind(publication.traceparent.clone())
                .bind(row::json(&publication.event))
        })
        .await
    }

    async fn commit(self: Box<Self>) -> Result<(), Retry> {
        let Self { transaction, lock } = *self;
        let done = transaction.commit().await.map_err(unready);
        drop(lock);
        done
    }
}
