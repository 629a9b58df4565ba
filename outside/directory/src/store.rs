//! Where the table is kept. SQLite and PostgreSQL are twins: the same statements but for how a list is handed over.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolOptions;

use crate::{
    Import,
    excerpt::{Excerpt, Head, Keys},
};

mod postgres;
mod sqlite;

pub(crate) use postgres::Postgres;
pub(crate) use sqlite::Sqlite;

/// A few partitions ask side by side and each question is short; more would only queue inside the database.
const MAX_CONNECTIONS: u32 = 4;

/// Connections that are made when they are first used, and kept.
///
/// Nothing ends those that are old or idle: the task of sqlx 0.9.0 that does so may go round without an end, and hold a core
/// and the process from ending (sqlx issue 3645, mended there and not yet released). Without limits of age there is none.
fn pool<DB: sqlx::Database>(acquire_within: Duration) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(acquire_within)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// The version of the tables that this release reads and writes.
pub(crate) const SCHEMA: u16 = 1;

/// Statements that lead from each version of the tables to the next.
type Steps = [&'static str; SCHEMA as usize];

/// The steps that are still to be taken from this version.
fn steps_from(steps: &Steps, version: i64) -> impl Iterator<Item = &'static str> {
    let taken = usize::try_from(version).unwrap_or(0);
    steps.iter().copied().skip(taken)
}

/// One database that holds the table.
///
/// Each read is of one state of the database: before an import or after it, never between. Nothing is retried here.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// The version of the tables; none where there are none.
    async fn schema(&self) -> sqlx::Result<Option<i64>>;

    /// Brings the tables to `SCHEMA`, or leaves them as they were.
    async fn migrate(&self) -> sqlx::Result<()>;

    /// What holds for the whole table: the one query that each batch costs while the table is kept in memory.
    async fn head(&self) -> sqlx::Result<Head>;

    /// The whole table.
    async fn all(&self) -> sqlx::Result<Excerpt>;

    /// The rows that these keys lead to, in four statements however many keys there are.
    async fn some(&self, keys: &Keys<'_>) -> sqlx::Result<Excerpt>;

    /// Active users and queues of these ids, as (id, e-mail address, locale).
    async fn addresses(&self, ids: &[&str]) -> sqlx::Result<Vec<(String, String, Option<String>)>>;

    /// Replaces the whole content in one transaction; false if the table holds this version already.
    async fn replace(&self, import: &Import, version: &str) -> sqlx::Result<bool>;
}

/// The head as the databases give it.
type HeadRow = (Option<String>, i64, Option<String>, Option<String>);

impl From<HeadRow> for Head {
    fn from((version, rows, default_onboarding_queue, fallback_queue): HeadRow) -> Self {
        Self {
            version,
            rows,
            default_onboarding_queue,
            fallback_queue,
        }
    }
}

const SCHEMA_VERSION: &str = "select version from directory_schema";

const SET_SCHEMA: &str = "update directory_schema set version = $1";

const HEAD: &str =
    "select version, row_count, default_onboarding_queue, fallback_queue from directory_head";

const ALL_ACCOUNTS: &str = "select id, number, onboarding_queue from directory_account";

const ALL_CONTACTS: &str = "select id, account_id from directory_contact";

const ALL_OWNERS: &str = "select o.account_id, o.user_id, u.active
    from directory_owner o join directory_user u on u.id = o.user_id
    order by o.account_id, o.position";

/// Deleted row by row, not truncated: readers go on seeing the old content until the commit.
const CLEAR: [&str; 5] = [
    "delete from directory_owner",
    "delete from directory_contact",
    "delete from directory_account",
    "delete from directory_queue",
    "delete from directory_user",
];

const SET_HEAD: &str = "update directory_head
    set version = $1, row_count = $2, default_onboarding_queue = $3, fallback_queue = $4";

#[cfg(test)]
mod tests {
    use sqlx::{postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

    use super::{Postgres, Sqlite};

    #[tokio::test]
    async fn no_pool_has_a_task_of_its_own() {
        let _file = Sqlite::new(SqliteConnectOptions::new());
        let _server = Postgres::new(PgConnectOptions::new());
        let runtime = tokio::runtime::Handle::current();
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}
