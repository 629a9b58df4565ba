//! Looks on their way into the log: noted in the key database by who does not append, told by who does.

use std::time::Duration;

use sqlx::{QueryBuilder, query_as};
use stage::{Context, Retry, database::Database, retry::Rhythm};

use crate::{acts::Act, audit::Audit, keys::unready, leaf::Kind};

/// Notes of one transaction of the log.
const TOGETHER: i64 = 64;
/// How long a note waits at most before it is told; one question of a table that is nearly always empty.
const PAUSE: Duration = Duration::from_millis(500);
/// Notes that a list of looks shows before they stand in the log. More are there only while nobody appends.
const SHOWN: i64 = 1_000;

/// The table of notes.
#[derive(Clone, Debug)]
pub(crate) struct Noted(pub(crate) Database);

/// The same statement on either database.
macro_rules! on {
    ($database:expr, |$pool:ident| $done:expr) => {
        match $database {
            Database::Sqlite($pool) => $done.map_err(unready),
            Database::Postgres($pool) => $done.map_err(unready),
        }
    };
}

/// A statement about some notes.
macro_rules! by_number {
    ($start:literal, $numbers:expr) => {{
        let mut sql = QueryBuilder::new($start);
        let mut list = sql.separated(", ");
        for number in $numbers {
            list.push_bind(*number);
        }
        list.push_unseparated(")");
        sql
    }};
}

impl Noted {
    /// Notes a look; gives its number. What is answered survives a power cut.
    pub(crate) async fn note(&self, body: &[u8]) -> Result<i64, Retry> {
        let sql = "INSERT INTO looks (body) VALUES ($1) RETURNING number";
        let (number,): (i64,) = on!(&self.0, |pool| query_as(sql)
            .bind(body)
            .fetch_one(pool)
            .await)?;
        Ok(number)
    }

    /// What is not told yet, in order; as much as a list shows.
    pub(crate) async fn waiting(&self) -> Result<Vec<(i64, Vec<u8>)>, Retry> {
        self.first(SHOWN).await
    }

    async fn first(&self, limit: i64) -> Result<Vec<(i64, Vec<u8>)>, Retry> {
        let sql = "SELECT number, body FROM looks ORDER BY number LIMIT $1";
        on!(&self.0, |pool| query_as(sql)
            .bind(limit)
            .fetch_all(pool)
            .await)
    }

    /// Whether all of these are told.
    pub(crate) async fn are_told(&self, numbers: &[i64]) -> Result<bool, Retry> {
        let left: Option<(i64,)> = on!(&self.0, |pool| by_number!(
            "SELECT number FROM looks WHERE number IN (",
            numbers
        )
        .build_query_as()
        .persistent(false)
        .fetch_optional(pool)
        .await)?;
        Ok(left.is_none())
    }

    /// These were told. By their numbers, not up to one: a lower one may be committed later.
    async fn told(&self, numbers: &[i64]) -> Result<(), Retry> {
        on!(&self.0, |pool| by_number!(
            "DELETE FROM looks WHERE number IN (",
            numbers
        )
        .build()
        .persistent(false)
        .execute(pool)
        .await
        .map(|_| ()))
    }

    /// Tells in the log what was noted, as long as this process leads, until asked to stop.
    pub(crate) async fn run(&self, audit: &Audit, context: &Context) {
        let mut rhythm = Rhythm::new(PAUSE);
        loop {
            let turn = self.turn(audit).await;
            if let Err(error) = &turn {
                tracing::warn!("who looked is not told in the log yet: {error}");
            }
            let pause = tokio::time::sleep(rhythm.after(&turn));
            if context.stopper.run_until_stopped(pause).await.is_none() {
                return;
            }
        }
    }

    /// Tells everything that is noted now.
    pub(crate) async fn turn(&self, audit: &Audit) -> Result<(), Retry> {
        loop {
            let notes = self.first(TOGETHER).await?;
            if notes.is_empty() || !audit.lead.holds().await? {
                return Ok(());
            }
            let (numbers, acts): (Vec<i64>, Vec<Act>) = notes
                .into_iter()
                .map(|(number, body)| {
                    (
                        number,
                        Act {
                            kind: Kind::Access,
                            body,
                        },
                    )
                })
                .unzip();
            audit.act(&acts).await?;
            self.told(&numbers).await?;
        }
    }
}
