//! Trying the statements. Each has a transaction of its own, which is rolled back however it ends.

use sqlx::{AssertSqlSafe, Connection as _, PgPool, SqlitePool, query_as, raw_sql};

use super::{
    Attempt, Outcome, Power,
    statements::{self, Tables, Try},
};

/// The service at work must not wait longer than this for the doctor. Below `deadlock_timeout`, so that where both wait
/// for each other it is the doctor who gives up.
const LIMITS: &str = "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '5s'";
/// `integrity_constraint_violation`, which our triggers raise, and nothing else does: the codes of constraints are longer
/// than its class.
const BY_A_GUARD: &str = "23000";
/// `insufficient_privilege`.
const BY_RIGHTS: &str = "42501";
/// What a statement met that the database would have carried out but for a row elsewhere: `foreign_key_violation`,
/// `unique_violation`, `check_violation`, `not_null_violation`.
const BY_CHANCE: [&str; 4] = ["23503", "23505", "23514", "23502"];
/// `SQLITE_CONSTRAINT_TRIGGER`, which `raise(ABORT, …)` gives.
const BY_A_TRIGGER: &str = "1811";

/// Makes a statement after what it needs, says how it ended, and takes everything back.
macro_rules! tried {
    ($trying:expr, $prepare:expr, $one:expr, $judge:expr) => {{
        let mut trying = $trying;
        let made = |sql: &str| AssertSqlSafe(sql.to_owned());
        let prepared = raw_sql(made($prepare)).execute(&mut *trying).await;
        let outcome = if let Err(error) = prepared {
            Outcome::Untried(error.to_string())
        } else {
            let done = raw_sql(made(&$one.sql)).execute(&mut *trying).await;
            outcome($one, done.map(|done| done.rows_affected()), $judge)
        };
        trying.rollback().await?;
        outcome
    }};
}

/// Tries everything on a file.
pub(super) async fn on_sqlite(
    pool: &SqlitePool,
    tables: &Tables,
) -> sqlx::Result<(Power, Vec<Attempt>)> {
    let mut connection = pool.acquire().await?;
    let (recursive,): (i64,) = query_as("PRAGMA recursive_triggers")
        .fetch_one(&mut *connection)
        .await?;
    let mut attempts = vec![Attempt {
        of: "every table",
        words: "recursive_triggers = OFF",
        sql: "PRAGMA recursive_triggers".to_owned(),
        outcome: if recursive == 1 {
            Outcome::Refused
        } else {
            Outcome::Through
        },
    }];
    let prepare = statements::SQLITE.probes(tables).join("; ");
    for one in statements::for_sqlite(tables) {
        let trying = connection.begin_with("BEGIN IMMEDIATE").await?;
        let outcome = tried!(trying, &prepare, &one, |code| match code {
            BY_A_TRIGGER => Some(Outcome::Refused),
            code => is_constraint(code).then_some(Outcome::Through),
        });
        attempts.push(attempt(one, outcome));
    }
    Ok((Power::File, attempts))
}

/// Whether an extended code of SQLite is that of a constraint: 19 in its lowest byte.
fn is_constraint(code: &str) -> bool {
    code.parse().is_ok_and(|code: u32| code & 0xff == 19)
}

/// Tries everything on a server.
pub(super) async fn on_postgres(
    pool: &PgPool,
    tables: &Tables,
) -> sqlx::Result<(Power, Vec<Attempt>)> {
    let power = power(pool, tables).await?;
    let mut attempts = Vec::new();
    let mut prepare = vec![LIMITS.to_owned()];
    prepare.extend(statements::POSTGRES.probes(tables));
    let prepare = prepare.join("; ");
    for one in statements::for_postgres(tables) {
        let trying = pool.begin().await?;
        let outcome = tried!(trying, &prepare, &one, |code| match code {
            BY_A_GUARD | BY_RIGHTS => Some(Outcome::Refused),
            code => BY_CHANCE.contains(&code).then_some(Outcome::Through),
        });
        attempts.push(attempt(one, outcome));
    }
    Ok((power, attempts))
}

/// What an answer means; `judge` knows the codes of the database.
fn outcome(one: &Try, done: sqlx::Result<u64>, judge: impl Fn(&str) -> Option<Outcome>) -> Outcome {
    match done {
        Ok(0) if one.rows => Outcome::Untried("it found no row".to_owned()),
        Ok(_) => Outcome::Through,
        Err(error) => {
            let judged = error
                .as_database_error()
                .and_then(|error| judge(&error.code()?));
            judged.unwrap_or_else(|| Outcome::Untried(error.to_string()))
        }
    }
}

fn attempt(one: Try, outcome: Outcome) -> Attempt {
    Attempt {
        of: one.of,
        words: one.words,
        sql: one.sql,
        outcome,
    }
}

/// Who connects.
async fn power(pool: &PgPool, tables: &Tables) -> sqlx::Result<Power> {
    let names: Vec<&str> = tables.tables.iter().map(|table| table.name).collect();
    let (role, superuser, owner): (String, bool, bool) = query_as(
        "SELECT current_user::text,
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
            EXISTS (SELECT FROM pg_class WHERE oid = ANY ($1::regclass[]) AND pg_has_role(relowner, 'USAGE'))",
    )
    .bind(names)
    .fetch_one(pool)
    .await?;
    Ok(if superuser {
        Power::Superuser { role }
    } else if owner {
        Power::Owner { role }
    } else {
        Power::Ordinary
    })
}
