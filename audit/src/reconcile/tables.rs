//! What the reconciler keeps: its position, the journeys that are open, the hours, and the signed days.

use schemas::Timestamp;
use sqlx::query;
use stage::{Retry, database::Database};

use super::{
    hours::{Hour, Sums},
    journey::Journey,
};
use crate::store::unready;

mod journeys;
mod reading;

/// Places that one statement is given; below what either database takes.
const VALUES: usize = 500;

/// How far the reconciler is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Counts the changes, so that of two processes one alone goes on.
    pub(super) version: i64,
    /// Below it every entry was read.
    pub(crate) position: i64,
    /// Below it the log tells of them.
    pub(super) told: i64,
    /// When it last told, in milliseconds; 0 before the first time.
    pub(crate) ran_at: i64,
    pub(crate) counted: Counted,
}

impl State {
    /// When the log was last told; none before the first time.
    pub(crate) fn told_at(&self) -> Option<Timestamp> {
        let micros = self.ran_at.saturating_mul(1_000);
        (self.told > 0).then(|| Timestamp::from_micros(micros))
    }
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Counted {
    /// Since the first entry.
    pub(crate) sums: Sums,
    /// Faults since the first entry.
    pub(crate) faults: i64,
    /// Faults since it last told, and the first of them.
    pub(super) found: i64,
    pub(super) pointers: Vec<super::Violation>,
}

/// A journey as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// When the first entry of it got its index, in milliseconds.
    pub(super) since: i64,
    /// The hour of the callback, once that was seen.
    pub(super) hour: Option<i64>,
    /// Whether it had its time, and was told of.
    pub(super) overdue: bool,
    pub(super) journey: Journey,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) put: Vec<(String, Row)>,
    pub(super) gone: Vec<String>,
    /// What is added to hours.
    pub(super) hours: Vec<(i64, Hour)>,
}

/// The tables, in the database of the history.
#[derive(Clone, Debug)]
pub(crate) struct Tables(pub(crate) Database);

/// A change as it is written.
struct Written<'a> {
    counted: String,
    gone: Vec<&'a str>,
    rows: Vec<journeys::Put<'a>>,
    hours: Vec<(i64, String)>,
}

/// Writes and commits a change in one transaction; false, and nothing written, if somebody else has changed something.
macro_rules! commit {
    ($pool:expr, $begin:expr, $journeys:path, $next:expr, $written:expr) => {{
        let (next, written) = ($next, $written);
        let mut writing = $pool.begin_with($begin).await.map_err(unready)?;
        let moved = query(MOVE).bind(next.version).bind(next.position);
        let moved = moved
            .bind(next.told)
            .bind(next.ran_at)
            .bind(&written.counted);
        let moved = moved.execute(&mut *writing).await.map_err(unready)?;
        if moved.rows_affected() != 1 {
            return Ok(false);
        }
        let journeys = $journeys(&mut writing, &written.gone, &written.rows);
        journeys.await.map_err(unready)?;
        for (hour, sum) in &written.hours {
            let put = query(HOUR).bind(*hour).bind(sum).execute(&mut *writing);
            put.await.map_err(unready)?;
        }
        writing.commit().await.map_err(unready)?;
        Ok(true)
    }};
}

const MOVE: &str = "UPDATE reconciliation SET version = version + 1, position = $2, told = $3, ran_at = $4, sums = $5
    WHERE id = 1 AND version = $1";
const HOUR: &str = "INSERT INTO hours (hour, state) VALUES ($1, $2)
    ON CONFLICT (hour) DO UPDATE SET state = excluded.state";

impl Tables {
    /// Changes all of it, if nobody else has meanwhile; false if somebody has.
    pub(super) async fn commit(&self, next: &State, change: &Change) -> Result<bool, Retry> {
        let hours: Vec<i64> = change.hours.iter().map(|(hour, _)| *hour).collect();
        let before = self.hours(&hours).await?;
        let mut written = Written {
            counted: text(&next.counted)?,
            gone: change.gone.iter().map(String::as_str).collect(),
            rows: Vec::new(),
            hours: Vec::new(),
        };
        for (hour, added) in &change.hours {
            let before = before.iter().find(|(one, _)| one == hour);
            let mut sum = before.map(|(_, sum)| sum.clone()).unwrap_or_default();
            sum.add(added);
            written.hours.push((*hour, text(&sum)?));
        }
        for (place, row) in &change.put {
            let state = text(&row.journey)?;
            written.rows.push((place.as_str(), row, state));
        }
        match &self.0 {
            Database::Sqlite(pool) => {
                commit!(pool, "BEGIN IMMEDIATE", journeys::in_sqlite, next, written)
            }
            Database::Postgres(pool) => {
                commit!(pool, "BEGIN", journeys::in_postgres, next, written)
            }
        }
    }

    /// Keeps the signed statement of a day over a checkpoint of this size. An error also where there is one.
    pub(super) async fn add_statement(
        &self,
        (day, size, note): (&str, i64, &str),
    ) -> Result<(), Retry> {
        let sql = "INSERT INTO statements (day, size, note) VALUES ($1, $2, $3)";
        macro_rules! add {
            ($pool:expr) => {
                query(sql)
                    .bind(day)
                    .bind(size)
                    .bind(note)
                    .execute($pool)
                    .await
                    .map(|_| ())
            };
        }
        let added = match &self.0 {
            Database::Sqlite(pool) => add!(pool),
            Database::Postgres(pool) => add!(pool),
        };
        added.map_err(unready)
    }
}

/// What is kept as text.
fn text<T: serde::Serialize>(value: &T) -> Result<String, Retry> {
    serde_json::to_string(value).map_err(Retry::because)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Retry> {
    serde_json::from_str(text).map_err(|_| {
        Retry::because("the reconciler's tables hold what no release of ours writes: somebody has changed them")
    })
}
