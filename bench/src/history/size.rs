//! Bytes on disk, tables and indexes apart.

use sqlx::query_as;
use stage::database::Database;

/// What the tables of a database take, and what their indexes take, in bytes.
pub(crate) async fn of(database: &Database) -> (i64, i64) {
    match database {
        Database::Postgres(pool) => query_as(
            "SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint, coalesce(sum(pg_indexes_size(oid)), 0)::bigint
             FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
        )
        .fetch_one(pool)
        .await
        .unwrap(),
        Database::Sqlite(pool) => query_as(
            "SELECT coalesce(sum(pgsize) FILTER (WHERE name NOT IN (SELECT name FROM sqlite_schema WHERE type = 'index')), 0),
                    coalesce(sum(pgsize) FILTER (WHERE name IN (SELECT name FROM sqlite_schema WHERE type = 'index')), 0)
             FROM dbstat WHERE aggregate = TRUE",
        )
        .fetch_one(pool)
        .await
        .unwrap(),
    }
}
