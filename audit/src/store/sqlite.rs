//! The history in one SQLite file. One process writes it, through one connection.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::{
    Connection as _, QueryBuilder, Sqlite as Lite, SqliteConnection, SqlitePool,
    pool::PoolConnection, query, query_as,
};
use stage::{Retry, keep::KeepError};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::{
    Append, HEAD, HeadRow, LogStore, OFFSETS, PUBLISHED, Receipt, ReceiptRow, Store, TILE, TOPICS,
    View, growing, numbered, receipt_of, unready, view_of,
};

/// Rows of one statement: each statement crosses to SQLite's thread and back, which costs as much as several rows.
const ROWS: usize = 64;
/// Values of one question.
const VALUES: usize = 500;
/// Pages that the writer keeps, in KiB: the upper levels of the indexes, which every batch touches.
const CACHE: &str = "PRAGMA cache_size = -16384";
const WRITING: &str = "BEGIN IMMEDIATE";

/// The file.
#[derive(Debug)]
pub(super) struct Sqlite {
    pub(super) pool: SqlitePool,
    /// The writer's connection, kept for its cache; writers of this process queue here in order. None after an error.
    writer: Mutex<Option<PoolConnection<Lite>>>,
}

impl Sqlite {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            writer: Mutex::default(),
        }
    }

    /// The turn of one writer of this process.
    pub(super) async fn turn(&self) -> MutexGuard<'_, Option<PoolConnection<Lite>>> {
        self.writer.lock().await
    }

    async fn connect(&self) -> sqlx::Result<PoolConnection<Lite>> {
        let mut connection = self.pool.acquire().await?;
        query(CACHE).execute(&mut *connection).await?;
        Ok(connection)
    }
}

#[async_trait]
impl Store for Sqlite {
    fn log(&self) -> &dyn LogStore {
        self
    }

    async fn view(&self) -> Result<View, Retry> {
        let mut reading = self.pool.begin().await.map_err(unready)?;
        let head: HeadRow = query_as(HEAD)
            .fetch_one(&mut *reading)
            .await
            .map_err(unready)?;
        let mut tiles = Vec::new();
        for (level, index) in growing(head.0) {
            let tile: Option<(Vec<u8>,)> = query_as(TILE)
                .bind(level)
                .bind(index)
                .fetch_optional(&mut *reading)
                .await
                .map_err(unready)?;
            tiles.extend(tile.map(|(data,)| data));
        }
        let topics = query_as(TOPICS)
            .fetch_all(&mut *reading)
            .await
            .map_err(unready)?;
        let offsets = query_as(OFFSETS)
            .fetch_all(&mut *reading)
            .await
            .map_err(unready)?;
        view_of(head, &tiles, topics, offsets)
    }

    async fn counters(&self, accounts: &[Uuid]) -> Result<HashMap<Uuid, i64>, Retry> {
        let mut counters = HashMap::with_capacity(accounts.len());
        for accounts in accounts.chunks(VALUES) {
            let mut sql = QueryBuilder::<Lite>::new(
                "SELECT account, n FROM account_counters WHERE account IN (",
            );
            let mut list = sql.separated(", ");
            for account in accounts {
                list.push_bind(*account);
            }
            list.push_unseparated(")");
            let rows: Vec<(Uuid, i64)> = sql
                .build_query_as()
                .fetch_all(&self.pool)
                .await
                .map_err(unready)?;
            counters.extend(rows);
        }
        Ok(counters)
    }

    async fn append(&self, append: &Append) -> Result<(), KeepError> {
        let mut writer = self.writer.lock().await;
        // Taken out, so that after an error a new one is made.
        let mut connection = match writer.take() {
            Some(connection) => connection,
            None => self.connect().await.map_err(unready)?,
        };
        let written = write(&mut connection, append).await.map_err(unready)?;
        *writer = Some(connection);
        if written {
            Ok(())
        } else {
            Err(KeepError::Moved)
        }
    }

    async fn published(&self) -> Result<i64, Retry> {
        let (number,) = query_as(PUBLISHED)
            .fetch_one(&self.pool)
            .await
            .map_err(unready)?;
        Ok(number)
    }

    async fn receipts(&self, after: i64, limit: i64) -> Result<Vec<Receipt>, Retry> {
        let rows: Vec<ReceiptRow> = query_as(
            "SELECT number, topic, source_partition, first_offset, last_offset, first_leaf, last_leaf, records,
                    tree_size, root, appended_at
             FROM receipts WHERE number > ? ORDER BY number LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(unready)?;
        Ok(rows.into_iter().map(receipt_of).collect())
    }

    async fn forget(&self, up_to: i64) -> Result<(), Retry> {
        let _no_other_writer = self.turn().await;
        let mut writing = self.pool.begin_with(WRITING).await.map_err(unready)?;
        for sql in [
            "UPDATE relay SET published = ?1 WHERE id = 1 AND published < ?1",
            "DELETE FROM receipts WHERE number <= ?",
        ] {
            query(sql)
                .bind(up_to)
                .execute(&mut *writing)
                .await
                .map_err(unready)?;
        }
        writing.commit().await.map_err(unready)
    }
}

/// Writes and commits; false, and nothing written, if the log or an offset stands elsewhere.
async fn write(connection: &mut SqliteConnection, append: &Append) -> sqlx::Result<bool> {
    // IMMEDIATE takes the file's write lock now: from here to the commit nobody else appends.
    let mut writing = connection.begin_with(WRITING).await?;
    let (size,): (i64,) = query_as("SELECT size FROM head WHERE id = 1")
        .fetch_one(&mut *writing)
        .await?;
    let offsets: Vec<(i32, i32, i64)> = query_as(OFFSETS).fetch_all(&mut *writing).await?;
    if size != append.before || !append.follows(&offsets) {
        writing.rollback().await?;
        return Ok(false);
    }
    write_entries(&mut writing, append).await?;
    write_tiles(&mut writing, append).await?;
    write_positions(&mut writing, append).await?;
    write_receipts(&mut writing, append).await?;
    query(
        "UPDATE head SET size = ?, root = ?, subtrees = ?, at = ?, receipts = max(receipts, ?) WHERE id = 1",
    )
    .bind(append.size())
    .bind(append.tree.root().as_slice())
    .bind(append.tree.subtrees())
    .bind(append.at)
    .bind(append.newest_receipt())
    .execute(&mut *writing)
    .await?;
    writing.commit().await?;
    Ok(true)
}

async fn write_entries(writing: &mut SqliteConnection, append: &Append) -> sqlx::Result<()> {
    for entries in append.entries.chunks(ROWS) {
        let mut insert = QueryBuilder::<Lite>::new(
            "INSERT INTO entries (seq, topic, source_partition, source_offset, at, leaf_hash, leaf) ",
        );
        insert.push_values(entries, |mut row, entry| {
            let (topic, partition, offset) = entry.place;
            row.push_bind(entry.seq)
                .push_bind(topic)
                .push_bind(partition)
                .push_bind(offset);
            row.push_bind(append.at)
                .push_bind(entry.leaf_hash.as_slice())
                .push_bind(entry.leaf.as_slice());
        });
        insert.build().execute(&mut *writing).await?;
        let mut insert =
            QueryBuilder::<Lite>::new("INSERT INTO bodies (seq, subject, check_handle, sealed) ");
        insert.push_values(entries, |mut row, entry| {
            row.push_bind(entry.seq).push_bind(entry.subject);
            row.push_bind(entry.check)
                .push_bind(entry.sealed.as_slice());
        });
        insert.build().execute(&mut *writing).await?;
    }
    Ok(())
}

async fn write_tiles(writing: &mut SqliteConnection, append: &Append) -> sqlx::Result<()> {
    for tiles in append.tiles.chunks(ROWS) {
        let mut upsert = QueryBuilder::<Lite>::new("INSERT INTO tiles (level, idx, data) ");
        upsert.push_values(tiles, |mut row, (tile, data)| {
            let (level, index) = numbered(tile);
            row.push_bind(level)
                .push_bind(index)
                .push_bind(data.as_slice());
        });
        upsert.push(" ON CONFLICT (level, idx) DO UPDATE SET data = excluded.data");
        upsert.build().execute(&mut *writing).await?;
    }
    Ok(())
}

async fn write_positions(writing: &mut SqliteConnection, append: &Append) -> sqlx::Result<()> {
    for (id, name) in &append.topics {
        query("INSERT INTO topics (id, name) VALUES (?, ?)")
            .bind(id)
            .bind(name)
            .execute(&mut *writing)
            .await?;
    }
    for moves in append.moves.chunks(ROWS) {
        let mut upsert = QueryBuilder::<Lite>::new(
            "INSERT INTO source_offsets (topic, source_partition, next) ",
        );
        upsert.push_values(moves, |mut row, one| {
            row.push_bind(one.topic)
                .push_bind(one.partition)
                .push_bind(one.to);
        });
        upsert.push(" ON CONFLICT (topic, source_partition) DO UPDATE SET next = excluded.next");
        upsert.build().execute(&mut *writing).await?;
    }
    for counters in append.counters.chunks(ROWS) {
        let mut upsert = QueryBuilder::<Lite>::new("INSERT INTO account_counters (account, n) ");
        upsert.push_values(counters, |mut row, (account, n)| {
            row.push_bind(*account).push_bind(*n);
        });
        upsert.push(" ON CONFLICT (account) DO UPDATE SET n = excluded.n");
        upsert.build().execute(&mut *writing).await?;
    }
    Ok(())
}

async fn write_receipts(writing: &mut SqliteConnection, append: &Append) -> sqlx::Result<()> {
    for receipts in append.receipts.chunks(ROWS) {
        let mut insert = QueryBuilder::<Lite>::new(
            "INSERT INTO receipts (number, topic, source_partition, first_offset, last_offset, first_leaf, last_leaf,
                records, tree_size, root, appended_at) ",
        );
        insert.push_values(receipts, |mut row, receipt| {
            row.push_bind(receipt.number)
                .push_bind(receipt.topic)
                .push_bind(receipt.partition);
            row.push_bind(receipt.offsets.0)
                .push_bind(receipt.offsets.1);
            row.push_bind(receipt.leaves.0).push_bind(receipt.leaves.1);
            row.push_bind(receipt.records).push_bind(receipt.tree_size);
            row.push_bind(receipt.root.as_slice())
                .push_bind(receipt.appended_at);
        });
        insert.build().execute(&mut *writing).await?;
    }
    Ok(())
}
