//! Open journeys, written: some thousands at once, those that have ended and those that have moved.

use sqlx::{PgConnection, QueryBuilder, SqliteConnection, query};

use super::{Row, VALUES};

/// Where a journey stands, the journey, and the same as text.
pub(super) type Put<'a> = (&'a str, &'a Row, String);

const INSERT: &str = "INSERT INTO journeys (place, ends, since, hour, overdue, state) ";
const UPSERT: &str =
    " ON CONFLICT (place) DO UPDATE SET ends = excluded.ends, since = excluded.since,
    hour = excluded.hour, overdue = excluded.overdue, state = excluded.state";
/// Rows of one statement in PostgreSQL: of one that takes all, the journeys would be in memory three times.
const ROWS: usize = 4_096;
const DELETE: &str = "DELETE FROM journeys WHERE place = ANY($1)";

pub(super) async fn in_sqlite(
    writing: &mut SqliteConnection,
    gone: &[&str],
    rows: &[Put<'_>],
) -> sqlx::Result<()> {
    for gone in gone.chunks(VALUES) {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new("DELETE FROM journeys WHERE place IN (");
        let mut list = sql.separated(", ");
        for place in gone {
            list.push_bind(*place);
        }
        sql.push(")");
        sql.build().persistent(false).execute(&mut *writing).await?;
    }
    for rows in rows.chunks(VALUES) {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(INSERT);
        sql.push_values(rows, |mut values, (place, row, state)| {
            values.push_bind(*place).push_bind(row.journey.ends());
            values.push_bind(row.since).push_bind(row.hour);
            values
                .push_bind(i64::from(row.overdue))
                .push_bind(state.as_str());
        });
        sql.push(UPSERT);
        sql.build().persistent(false).execute(&mut *writing).await?;
    }
    Ok(())
}

/// As arrays, so that the statements are prepared once: to plan one with a list of values costs more than to answer it.
pub(super) async fn in_postgres(
    writing: &mut PgConnection,
    gone: &[&str],
    rows: &[Put<'_>],
) -> sqlx::Result<()> {
    if !gone.is_empty() {
        query(DELETE).bind(gone).execute(&mut *writing).await?;
    }
    for rows in rows.chunks(ROWS) {
        let places: Vec<&str> = rows.iter().map(|(place, ..)| *place).collect();
        let ends: Vec<Option<&str>> = rows.iter().map(|(_, row, _)| row.journey.ends()).collect();
        let since: Vec<i64> = rows.iter().map(|(_, row, _)| row.since).collect();
        let hours: Vec<Option<i64>> = rows.iter().map(|(_, row, _)| row.hour).collect();
        let overdue: Vec<i64> = rows
            .iter()
            .map(|(_, row, _)| i64::from(row.overdue))
            .collect();
        let states: Vec<&str> = rows.iter().map(|(.., state)| state.as_str()).collect();
        let mut sql = QueryBuilder::<sqlx::Postgres>::new(INSERT);
        let mut arrays = sql.push("SELECT * FROM unnest(").separated(", ");
        arrays.push_bind(places).push_bind(ends).push_bind(since);
        arrays.push_bind(hours).push_bind(overdue).push_bind(states);
        sql.push(")").push(UPSERT);
        sql.build().execute(&mut *writing).await?;
    }
    Ok(())
}
