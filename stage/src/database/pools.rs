//! Pools of connections.

use sqlx::pool::PoolOptions;

use super::CONNECT;

/// What is the same for each pool: at most so many connections, made when they are first used, and kept.
///
/// Nothing ends connections that are old or idle. The task of sqlx 0.9.0 that does so reads a count which goes below nought
/// for a moment when another takes what one is just giving back; it then goes round without an end, and holds a core, and
/// the process from ending, until somebody kills it (sqlx issue 3645, mended there and not yet released). Without limits of
/// age there is no such task. A server that restarts is noticed when a connection is next taken.
pub(crate) fn options<DB: sqlx::Database>(connections: u32) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT)
        .idle_timeout(None)
        .max_lifetime(None)
}

#[cfg(test)]
mod tests {
    use sqlx::{Postgres, Sqlite, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

    use super::options;

    #[tokio::test]
    async fn no_pool_has_a_task_of_its_own() {
        let _file = options::<Sqlite>(2).connect_lazy_with(SqliteConnectOptions::new());
        let _server = options::<Postgres>(2).connect_lazy_with(PgConnectOptions::new());
        let runtime = tokio::runtime::Handle::current();
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}
