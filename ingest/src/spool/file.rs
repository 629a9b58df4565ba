//! The spool's file: one SQLite database in WAL, every commit fsynced, held by one process alone.

use std::path::Path;

use schemas::Timestamp;
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous},
};

use super::{
    ledger::Found,
    ring::Ring,
    row::{Row, Stub, weight},
};

/// How long another process may hold the file before the start is refused: a predecessor that is just ending.
const BUSY: std::time::Duration = std::time::Duration::from_secs(2);
/// The size of a page, in bytes: SQLite's default, named because `max_pages` counts in it.
pub(super) const PAGE: u64 = 4_096;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS spooled (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, key_id BLOB NOT NULL, hash BLOB NOT NULL, sealed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS set_aside (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, key_id BLOB NOT NULL, hash BLOB NOT NULL, sealed BLOB NOT NULL,
    reason TEXT NOT NULL
) STRICT;";

/// The columns of a row: number, time, key id, hash, and the sealed rest.
pub(super) type Columns = (i64, i64, Vec<u8>, Vec<u8>, Vec<u8>);

/// Why a record is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The broker does not take records of its size.
    TooLarge,
    /// What was sealed is not what stands there.
    Unreadable,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) put: Vec<Row>,
    pub(super) sent: Vec<Stub>,
    pub(super) aside: Vec<(Stub, Reason)>,
}

/// The file.
pub(super) struct File {
    options: SqliteConnectOptions,
    /// None after a failure, until it could be opened again.
    connection: Option<SqliteConnection>,
    /// Records of a transaction that failed: they may stand there all the same, although the caller heard that they do
    /// not, and are deleted before anything else is written.
    doubtful: Vec<i64>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("File")
    }
}

impl File {
    pub(super) async fn open(path: &Path, max_pages: u64) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            // One process: two that drain one spool would break the order of keys.
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .pragma("max_page_count", max_pages.to_string())
            // After a checkpoint the log is cut to this, so that a long outage leaves no large log behind.
            .pragma("journal_size_limit", "16777216");
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        Ok(Self {
            options,
            connection: Some(connection),
            doubtful: Vec::new(),
        })
    }

    /// What it holds; an error names the first key that the ring does not have.
    pub(super) async fn found(&mut self, ring: &Ring) -> sqlx::Result<Result<Found, Vec<u8>>> {
        let connection = self.ready().await?;
        let mut found = Found::default();
        let rows: Vec<(Vec<u8>, Vec<u8>, i64, i64)> = sqlx::query_as(
            "SELECT key_id, hash, count(*), sum(length(sealed)) FROM spooled GROUP BY key_id, hash",
        )
        .fetch_all(&mut *connection)
        .await?;
        for (key_id, hash, records, bytes) in rows {
            let Ok(hash) = hash.try_into() else {
                return Ok(Err(key_id));
            };
            if !ring.knows(&key_id) {
                return Ok(Err(key_id));
            }
            let records = u64::try_from(records).unwrap_or(0);
            found.records += records;
            found.bytes += u64::try_from(bytes).unwrap_or(0) + records * weight(0);
            *found.keys.entry(hash).or_default() += records;
        }
        let (aside, bytes): (i64, i64) =
            sqlx::query_as("SELECT count(*), coalesce(sum(length(sealed)), 0) FROM set_aside")
                .fetch_one(&mut *connection)
                .await?;
        found.set_aside = u64::try_from(aside).unwrap_or(0);
        found.bytes += u64::try_from(bytes).unwrap_or(0) + found.set_aside * weight(0);
        (found.last,) = sqlx::query_as(
            "SELECT max((SELECT coalesce(max(seq), 0) FROM spooled), (SELECT coalesce(max(seq), 0) FROM set_aside))",
        )
        .fetch_one(&mut *connection)
        .await?;
        found.oldest = oldest(connection).await?;
        Ok(Ok(found))
    }

    /// Writes all of it, or nothing. What it answers is fsynced; when the oldest that is left was taken.
    pub(super) async fn write(&mut self, changes: &Changes) -> sqlx::Result<Option<Timestamp>> {
        // Once this is done nothing is doubtful, so that what is stays at most one batch.
        let connection = self.ready().await?;
        let written = transact(connection, changes).await;
        if written.is_err() {
            self.doubtful = changes.put.iter().map(|row| row.seq).collect();
            self.disconnect().await;
        }
        written
    }

    /// The next rows of numbers above `after` and below `before`, at most `limit`.
    pub(super) async fn page(
        &mut self,
        (after, before): (i64, i64),
        limit: u32,
    ) -> sqlx::Result<Vec<Row>> {
        let connection = self.ready().await?;
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT seq, at, key_id, hash, sealed FROM spooled WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?",
        )
        .bind(after)
        .bind(before)
        .bind(limit)
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// The connection, opened again and cleared of what is doubtful where a transaction failed before.
    async fn ready(&mut self) -> sqlx::Result<&mut SqliteConnection> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        if !self.doubtful.is_empty() {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for seq in &self.doubtful {
                delete(&mut transaction, *seq).await?;
            }
            transaction.commit().await?;
            self.doubtful.clear();
        }
        Ok(self.connection.insert(connection))
    }

    /// After an error (disk full, I/O) the connection may be in a broken transaction.
    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            let _closed = connection.close().await;
        }
    }
}

/// The row of these columns; none where they have not the lengths that are written.
pub(super) fn row((seq, at, key_id, hash, sealed): Columns) -> Option<Row> {
    Some(Row {
        seq,
        at: Timestamp::from_micros(at),
        key_id: key_id.try_into().ok()?,
        hash: hash.try_into().ok()?,
        sealed,
    })
}

/// A file that is there and that no door holds, for as long as the connection lives.
pub(super) async fn existing(path: &Path) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .locking_mode(SqliteLockingMode::Exclusive)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    // Also takes the lock.
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    Ok(connection)
}

async fn transact(
    connection: &mut SqliteConnection,
    changes: &Changes,
) -> sqlx::Result<Option<Timestamp>> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for row in &changes.put {
        sqlx::query("INSERT INTO spooled (seq, at, key_id, hash, sealed) VALUES (?, ?, ?, ?, ?)")
            .bind(row.seq)
            .bind(row.at.micros())
            .bind(row.key_id.as_slice())
            .bind(row.hash.as_slice())
            .bind(row.sealed.as_slice())
            .execute(&mut *transaction)
            .await?;
    }
    for (stub, reason) in &changes.aside {
        sqlx::query(
            "INSERT OR IGNORE INTO set_aside (seq, at, key_id, hash, sealed, reason)
                 SELECT seq, at, key_id, hash, sealed, ? FROM spooled WHERE seq = ?",
        )
        .bind(reason.as_str())
        .bind(stub.seq)
        .execute(&mut *transaction)
        .await?;
    }
    let gone = changes
        .sent
        .iter()
        .chain(changes.aside.iter().map(|(stub, _)| stub));
    for stub in gone {
        delete(&mut transaction, stub.seq).await?;
    }
    let oldest = oldest(&mut transaction).await?;
    transaction.commit().await?;
    Ok(oldest)
}

async fn delete(connection: &mut SqliteConnection, seq: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM spooled WHERE seq = ?")
        .bind(seq)
        .execute(connection)
        .await?;
    Ok(())
}

async fn oldest(connection: &mut SqliteConnection) -> sqlx::Result<Option<Timestamp>> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT at FROM spooled ORDER BY seq LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(at,)| Timestamp::from_micros(at)))
}
