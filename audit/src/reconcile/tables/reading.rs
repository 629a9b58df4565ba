//! What the reconciler's tables are asked.

use sqlx::{QueryBuilder, query_as};
use stage::{Retry, database::Database};

use super::{Row, State, Tables, VALUES, read};
use crate::{
    reconcile::{POINTERS, hours::Hour},
    store::unready,
};

/// Place, time, hour, whether overdue, and the journey as text.
type JourneyRow = (String, i64, Option<i64>, i64, String);

/// Open callbacks of an hour: how many, and how many of them had their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) all: i64,
    pub(crate) overdue: i64,
}

/// One question to either database.
macro_rules! ask {
    ($database:expr, $sql:expr, $do:ident $(, $bind:expr)*) => {
        match $database {
            Database::Sqlite(pool) => query_as($sql)$(.bind($bind))*.$do(pool).await.map_err(unready),
            Database::Postgres(pool) => query_as($sql)$(.bind($bind))*.$do(pool).await.map_err(unready),
        }
    };
}

const JOURNEY: &str = "SELECT place, since, hour, overdue, state FROM journeys WHERE ";
const OF_PLACES: &str = "SELECT place, since, hour, overdue, state FROM journeys
    WHERE place = ANY($1) OR ends = ANY($1)";

impl Tables {
    /// How far it is.
    pub(crate) async fn state(&self) -> Result<State, Retry> {
        let sql = "SELECT version, position, told, ran_at, sums FROM reconciliation WHERE id = 1";
        let (version, position, told, ran_at, counted): (i64, i64, i64, i64, String) =
            ask!(&self.0, sql, fetch_one)?;
        Ok(State {
            version,
            position,
            told,
            ran_at,
            counted: read(&counted)?,
        })
    }

    /// The open journeys under these places, and those that end with one of them.
    pub(in crate::reconcile) async fn journeys(
        &self,
        places: &[String],
    ) -> Result<Vec<(String, Row)>, Retry> {
        let mut found: Vec<JourneyRow> = Vec::new();
        match &self.0 {
            Database::Sqlite(pool) => {
                for places in places.chunks(VALUES) {
                    let mut sql = QueryBuilder::<sqlx::Sqlite>::new(JOURNEY);
                    for (at, column) in ["place IN (", ") OR ends IN ("].into_iter().enumerate() {
                        sql.push(column);
                        let mut list = sql.separated(", ");
                        for place in places {
                            list.push_bind(place.as_str());
                        }
                        if at == 1 {
                            sql.push(")");
                        }
                    }
                    let asked = sql.build_query_as::<JourneyRow>().persistent(false);
                    found.extend(asked.fetch_all(pool).await.map_err(unready)?);
                }
            }
            // One prepared statement: to plan one for each list of places costs more than to answer it.
            Database::Postgres(pool) => {
                let asked = query_as(OF_PLACES).bind(places).fetch_all(pool);
                found = asked.await.map_err(unready)?;
            }
        }
        found.into_iter().map(row).collect()
    }

    /// The oldest journeys from before a time in milliseconds that nobody was told of.
    pub(in crate::reconcile) async fn due(
        &self,
        before: i64,
        limit: i64,
    ) -> Result<Vec<(String, Row)>, Retry> {
        let sql = "SELECT place, since, hour, overdue, state FROM journeys
            WHERE overdue = 0 AND since < $1 ORDER BY since, place LIMIT $2";
        let found: Vec<JourneyRow> = ask!(&self.0, sql, fetch_all, before, limit)?;
        found.into_iter().map(row).collect()
    }

    /// How many callbacks had their time and are not at their end, and the last records of the oldest of them.
    pub(crate) async fn missing(&self) -> Result<(i64, Vec<String>), Retry> {
        let limit = i64::try_from(POINTERS).unwrap_or(i64::MAX);
        let sql = "SELECT count(*) FROM journeys WHERE overdue = 1";
        let (count,): (i64,) = ask!(&self.0, sql, fetch_one)?;
        let sql = "SELECT place, since, hour, overdue, state FROM journeys
            WHERE overdue = 1 ORDER BY since, place LIMIT $1";
        let found: Vec<JourneyRow> = ask!(&self.0, sql, fetch_all, limit)?;
        let rows: Result<Vec<_>, Retry> = found.into_iter().map(row).collect();
        let newest = |(root, row): (String, Row)| row.journey.newest(&root).to_owned();
        Ok((count, rows?.into_iter().map(newest).collect()))
    }

    /// Open callbacks of the hours from the first, below the second.
    pub(crate) async fn open(&self, (from, below): (i64, i64)) -> Result<Vec<(i64, Open)>, Retry> {
        let sql = "SELECT hour, count(*), CAST(sum(overdue) AS BIGINT) FROM journeys
            WHERE hour >= $1 AND hour < $2 GROUP BY hour ORDER BY hour";
        let found: Vec<(i64, i64, i64)> = ask!(&self.0, sql, fetch_all, from, below)?;
        let open = |(hour, all, overdue)| (hour, Open { all, overdue });
        Ok(found.into_iter().map(open).collect())
    }

    /// The account of these hours.
    pub(super) async fn hours(&self, hours: &[i64]) -> Result<Vec<(i64, Hour)>, Retry> {
        let mut found = Vec::new();
        for hour in hours {
            found.extend(self.hours_between((*hour, *hour + 1)).await?);
        }
        Ok(found)
    }

    /// The account of the hours from the first, below the second, in their order.
    pub(crate) async fn hours_between(
        &self,
        (from, below): (i64, i64),
    ) -> Result<Vec<(i64, Hour)>, Retry> {
        let sql = "SELECT hour, state FROM hours WHERE hour >= $1 AND hour < $2 ORDER BY hour";
        let found: Vec<(i64, String)> = ask!(&self.0, sql, fetch_all, from, below)?;
        let hour = |(hour, state): (i64, String)| Ok((hour, read(&state)?));
        found.into_iter().map(hour).collect()
    }

    /// The first hour and the last.
    pub(crate) async fn known_hours(&self) -> Result<Option<(i64, i64)>, Retry> {
        let sql = "SELECT min(hour), max(hour) FROM hours";
        let (first, last): (Option<i64>, Option<i64>) = ask!(&self.0, sql, fetch_one)?;
        Ok(first.zip(last))
    }

    /// The signed statement of a day.
    pub(crate) async fn statement(&self, day: &str) -> Result<Option<String>, Retry> {
        let sql = "SELECT note FROM statements WHERE day = $1";
        let found: Option<(String,)> = ask!(&self.0, sql, fetch_optional, day)?;
        Ok(found.map(|(note,)| note))
    }

    /// The newest day that has a statement.
    pub(crate) async fn newest_statement(&self) -> Result<Option<String>, Retry> {
        let sql = "SELECT day FROM statements ORDER BY day DESC LIMIT 1";
        let found: Option<(String,)> = ask!(&self.0, sql, fetch_optional)?;
        Ok(found.map(|(day,)| day))
    }
}

fn row((place, since, hour, overdue, state): JourneyRow) -> Result<(String, Row), Retry> {
    let row = Row {
        since,
        hour,
        overdue: overdue != 0,
        journey: read(&state)?,
    };
    Ok((place, row))
}
