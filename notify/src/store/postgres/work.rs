//! One transaction on PostgreSQL. Whole batches travel as arrays, one statement for each table.

use std::collections::HashMap;

use async_trait::async_trait;
use schemas::Timestamp;
use sqlx::{Postgres, Transaction};
use stage::Retry;

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

/// An open transaction that holds the writers' row.
pub(super) struct Writing {
    pub(super) transaction: Transaction<'static, Postgres>,
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
        let topics: Vec<&str> = moves.iter().map(|(topic, _, _)| topic.as_str()).collect();
        let partitions: Vec<i32> = moves.iter().map(|(_, partition, _)| *partition).collect();
        let nexts: Vec<i64> = moves.iter().map(|(_, _, next)| *next).collect();
        let done = sqlx::query(
            "INSERT INTO source_offsets (topic, partition, next)
             SELECT * FROM UNNEST($1::text[], $2::int[], $3::bigint[])
             ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next",
        )
        .bind(topics)
        .bind(partitions)
        .bind(nexts)
        .execute(&mut *self.transaction)
        .await;
        done.map(|_| ()).map_err(unready)
    }

    async fn told(&mut self, checks: &[&str]) -> Result<HashMap<String, Told>, Retry> {
        let rows: Vec<row::ToldRow> = sqlx::query_as(
            "SELECT name, rank, outcome, events FROM checks WHERE name = ANY($1::text[])",
        )
        .bind(checks)
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(unready)?;
        Ok(rows.into_iter().map(row::told).collect())
    }

    async fn remember(&mut self, checks: &[(&str, &Told)], now: Timestamp) -> Result<(), Retry> {
        let names: Vec<&str> = checks.iter().map(|(name, _)| *name).collect();
        let mut ranks = Vec::with_capacity(checks.len());
        let mut outcomes = Vec::with_capacity(checks.len());
        let mut events = Vec::with_capacity(checks.len());
        for (_, told) in checks {
            let (rank, outcome, ids) = told.stored();
            ranks.push(rank);
            outcomes.push(outcome);
            events.push(ids);
        }
        let remembered = sqlx::query(
            "INSERT INTO checks (name, rank, outcome, events, at)
             SELECT *, $5 FROM UNNEST($1::text[], $2::int[], $3::text[], $4::bytea[])
             ON CONFLICT (name) DO UPDATE SET rank = excluded.rank, outcome = excluded.outcome,
                                              events = excluded.events, at = excluded.at",
        )
        .bind(names)
        .bind(ranks)
        .bind(outcomes)
        .bind(events)
        .bind(now.micros())
        .execute(&mut *self.transaction)
        .await;
        remembered.map(|_| ()).map_err(unready)
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
            sqlx::query(
                "INSERT INTO alert_windows (kind, started_at, ends_at, counted, record_key, first)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (kind) DO UPDATE SET started_at = $2, ends_at = $3, counted = $4,
                                                  record_key = $5, first = $6",
            )
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
        let deleted = sqlx::query("DELETE FROM alert_windows WHERE kind = $1")
            .bind(kind)
            .execute(&mut *self.transaction)
            .await;
        deleted.map(|_| ()).map_err(unready)
    }

    async fn queue(&mut self, drafts: &[Draft], due_at: Timestamp) -> Result<(), Retry> {
        let lanes: Vec<Option<String>> = drafts.iter().map(Draft::lane).collect();
        let keys: Vec<&[u8]> = drafts
            .iter()
            .map(|draft| draft.origin.key.as_slice())
            .collect();
        let texts: Vec<String> = drafts.iter().map(row::json).collect();
        let decided: Vec<i64> = drafts
            .iter()
            .map(|draft| draft.origin.decided_at.micros())
            .collect();
        let queued = sqlx::query(
            "INSERT INTO outbox (lane, record_key, draft, attempts, decided_at, due_at)
             SELECT lane, record_key, draft, 0, decided_at, $5
             FROM UNNEST($1::text[], $2::bytea[], $3::text[], $4::bigint[])
                  WITH ORDINALITY AS new (lane, record_key, draft, decided_at, place)
             ORDER BY place",
        )
        .bind(lanes)
        .bind(keys)
        .bind(texts)
        .bind(decided)
        .bind(due_at.micros())
        .execute(&mut *self.transaction)
        .await;
        queued.map(|_| ()).map_err(unready)
    }

    async fn remove(&mut self, number: i64) -> Result<bool, Retry> {
        let deleted = sqlx::query("DELETE FROM outbox WHERE number = $1")
            .bind(number)
            .execute(&mut *self.transaction)
            .await
            .map_err(unready)?;
        Ok(deleted.rows_affected() == 1)
    }

    async fn postpone(&mut self, number: i64, due_at: Timestamp) -> Result<(), Retry> {
        let done =
            sqlx::query("UPDATE outbox SET started_at = NULL, due_at = $2 WHERE number = $1")
                .bind(number)
                .bind(due_at.micros())
                .execute(&mut *self.transaction)
                .await;
        done.map(|_| ()).map_err(unready)
    }

    async fn publish(&mut self, ended: &[Publication]) -> Result<(), Retry> {
        let keys: Vec<&[u8]> = ended.iter().map(|one| one.key.as_slice()).collect();
        let traces: Vec<Option<&str>> =
            ended.iter().map(|one| one.traceparent.as_deref()).collect();
        let events: Vec<String> = ended.iter().map(|one| row::json(&one.event)).collect();
        let published = sqlx::query(
            "WITH given AS (UPDATE counters SET value = value + $4 WHERE name = 'given' RETURNING value)
             INSERT INTO publications (number, record_key, traceparent, event)
             SELECT given.value - $4 + new.place, new.record_key, new.traceparent, new.event
             FROM given, UNNEST($1::bytea[], $2::text[], $3::text[])
                         WITH ORDINALITY AS new (record_key, traceparent, event, place)",
        )
        .bind(keys)
        .bind(traces)
        .bind(events)
        .bind(i64::try_from(ended.len()).unwrap_or(i64::MAX))
        .execute(&mut *self.transaction)
        .await;
        published.map(|_| ()).map_err(unready)
    }

    async fn commit(self: Box<Self>) -> Result<(), Retry> {
        self.transaction.commit().await.map_err(unready)
    }
}
