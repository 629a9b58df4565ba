//! One transaction on PostgreSQL. Batches travel as arrays, in a few statements for each table.

use std::collections::HashMap;

use async_trait::async_trait;
use schemas::Timestamp;
use sqlx::{Postgres, Transaction};
use stage::Retry;

use super::{OFFSETS, parcel::parcels};
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
        let mut all = HashMap::with_capacity(checks.len());
        for parcel in parcels(checks, |name| name.len()) {
            let rows: Vec<row::ToldRow> = sqlx::query_as(
                "SELECT name, rank, outcome, events FROM checks WHERE name = ANY($1::text[])",
            )
            .bind(parcel)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(unready)?;
            all.extend(rows.into_iter().map(row::told));
        }
        Ok(all)
    }

    async fn remember(&mut self, checks: &[(&str, &Told)], now: Timestamp) -> Result<(), Retry> {
        let rows: Vec<_> = checks
            .iter()
            .map(|(name, told)| (*name, told.stored()))
            .collect();
        let bytes = |(name, (_, outcome, events)): &(&str, (i32, &str, Vec<u8>))| {
            name.len() + outcome.len() + events.len()
        };
        for parcel in parcels(&rows, bytes) {
            let names: Vec<&str> = parcel.iter().map(|(name, _)| *name).collect();
            let ranks: Vec<i32> = parcel.iter().map(|(_, (rank, ..))| *rank).collect();
            let outcomes: Vec<&str> = parcel.iter().map(|(_, (_, word, _))| *word).collect();
            let events: Vec<&[u8]> = parcel
                .iter()
                .map(|(_, (.., events))| events.as_slice())
                .collect();
            sqlx::query(
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
            .await
            .map_err(unready)?;
        }
        Ok(())
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
        let rows: Vec<(&Draft, String)> = drafts
            .iter()
            .map(|draft| (draft, row::json(draft)))
            .collect();
        let bytes = |(draft, text): &(&Draft, String)| {
            let check = draft.origin.check.as_ref().map_or(0, String::len);
            check + draft.origin.key.len() + text.len()
        };
        for parcel in parcels(&rows, bytes) {
            let lanes: Vec<Option<String>> = parcel.iter().map(|(one, _)| one.lane()).collect();
            let keys: Vec<&[u8]> = parcel
                .iter()
                .map(|(one, _)| one.origin.key.as_slice())
                .collect();
            let texts: Vec<&str> = parcel.iter().map(|(_, text)| text.as_str()).collect();
            let decided: Vec<i64> = parcel
                .iter()
                .map(|(one, _)| one.origin.decided_at.micros())
                .collect();
            sqlx::query(
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
            .await
            .map_err(unready)?;
        }
        Ok(())
    }

    async fn remove(&mut self, numbers: &[i64]) -> Result<Vec<i64>, Retry> {
        let rows: Vec<(i64,)> =
            sqlx::query_as("DELETE FROM outbox WHERE number = ANY($1) RETURNING number")
                .bind(numbers)
                .fetch_all(&mut *self.transaction)
                .await
                .map_err(unready)?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn postpone(&mut self, later: &[(i64, Timestamp)]) -> Result<(), Retry> {
        let numbers: Vec<i64> = later.iter().map(|(number, _)| *number).collect();
        let times: Vec<i64> = later.iter().map(|(_, due_at)| due_at.micros()).collect();
        let postponed = sqlx::query(
            "UPDATE outbox SET started_at = NULL, due_at = later.due_at
             FROM UNNEST($1::bigint[], $2::bigint[]) AS later (number, due_at)
             WHERE outbox.number = later.number",
        )
        .bind(numbers)
        .bind(times)
        .execute(&mut *self.transaction)
        .await;
        postponed.map(|_| ()).map_err(unready)
    }

    async fn publish(&mut self, ended: &[Publication]) -> Result<(), Retry> {
        let count = i64::try_from(ended.len()).unwrap_or(i64::MAX);
        let (last,): (i64,) = sqlx::query_as(
            "UPDATE counters SET value = value + $1 WHERE name = 'given' RETURNING value",
        )
        .bind(count)
        .fetch_one(&mut *self.transaction)
        .await
        .map_err(unready)?;
        let rows: Vec<(&Publication, String)> = ended
            .iter()
            .map(|one| (one, row::json(&one.event)))
            .collect();
        let bytes = |(one, text): &(&Publication, String)| {
            one.key.len() + one.traceparent.as_ref().map_or(0, String::len) + text.len()
        };
        let mut before = last - count;
        for parcel in parcels(&rows, bytes) {
            let keys: Vec<&[u8]> = parcel.iter().map(|(one, _)| one.key.as_slice()).collect();
            let traces: Vec<Option<&str>> = parcel
                .iter()
                .map(|(one, _)| one.traceparent.as_deref())
                .collect();
            let texts: Vec<&str> = parcel.iter().map(|(_, text)| text.as_str()).collect();
            sqlx::query(
                "INSERT INTO publications (number, record_key, traceparent, event)
                 SELECT $4 + place, record_key, traceparent, event
                 FROM UNNEST($1::bytea[], $2::text[], $3::text[])
                      WITH ORDINALITY AS new (record_key, traceparent, event, place)",
            )
            .bind(keys)
            .bind(traces)
            .bind(texts)
            .bind(before)
            .execute(&mut *self.transaction)
            .await
            .map_err(unready)?;
            before += i64::try_from(parcel.len()).unwrap_or(0);
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Retry> {
        self.transaction.commit().await.map_err(unready)
    }
}
