//! The history in PostgreSQL: COPY for what grows, the lock of the head row against a second writer.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::{PgConnection, PgPool, Postgres as Pg, Transaction, query, query_as};
use stage::{Retry, keep::KeepError};
use uuid::Uuid;

use super::{
    Append, HEAD, HeadRow, LogStore, Move, OFFSETS, PUBLISHED, Receipt, ReceiptRow, Store, TILE,
    TOPICS, View, copy::Rows, growing, numbered, receipt_of, unready, view_of,
};

/// Each statement would otherwise see another state.
const READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const ENTRIES: &str =
    "COPY entries (seq, topic, source_partition, source_offset, at, leaf_hash, leaf)
    FROM STDIN (FORMAT binary)";
const BODIES: &str = "COPY bodies (seq, subject, check_handle, sealed) FROM STDIN (FORMAT binary)";
/// Tiles, offsets, new topics, counters, receipts and the head; the head last, because its guard looks at the tiles.
const APPEND: &str = "
    WITH moved AS (
        INSERT INTO source_offsets SELECT * FROM unnest($6::integer[], $7::integer[], $8::bigint[])
        ON CONFLICT (topic, source_partition) DO UPDATE SET next = excluded.next
    ), named AS (
        INSERT INTO topics SELECT * FROM unnest($9::integer[], $10::text[])
    ), counted AS (
        INSERT INTO account_counters SELECT * FROM unnest($11::uuid[], $12::bigint[])
        ON CONFLICT (account) DO UPDATE SET n = excluded.n
    ), receipted AS (
        INSERT INTO receipts SELECT one.*, $1, $2, $21 FROM unnest($13::bigint[], $14::integer[], $15::integer[],
            $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[]) AS one
    ), tiled AS (
        INSERT INTO tiles SELECT * FROM unnest($22::integer[], $23::bigint[], $24::bytea[])
        ON CONFLICT (level, idx) DO UPDATE SET data = excluded.data RETURNING level
    )
    UPDATE head SET size = $1, root = $2, subtrees = $3, at = $4, receipts = greatest(receipts, $5)
    FROM (SELECT count(*) FROM tiled) AS all_tiles WHERE id = 1";
/// What a row of `entries` takes beside its leaf, and one of `bodies` beside its body.
const ROW_BYTES: usize = 96;

/// One PostgreSQL database.
#[derive(Debug)]
pub(super) struct Postgres {
    pub(super) pool: PgPool,
}

impl Postgres {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The server orders the writers; of this process there may be several.
    #[expect(clippy::unused_async, reason = "the form that the file's store has")]
    pub(super) async fn turn(&self) {}
}

#[async_trait]
impl Store for Postgres {
    fn log(&self) -> &dyn LogStore {
        self
    }

    async fn view(&self) -> Result<View, Retry> {
        let mut reading = self.pool.begin_with(READING).await.map_err(unready)?;
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
        let rows: Vec<(Uuid, i64)> =
            query_as("SELECT account, n FROM account_counters WHERE account = ANY($1)")
                .bind(accounts)
                .fetch_all(&self.pool)
                .await
                .map_err(unready)?;
        Ok(rows.into_iter().collect())
    }

    async fn append(&self, append: &Append) -> Result<(), KeepError> {
        let mut writing = self.pool.begin().await.map_err(unready)?;
        if !write(&mut writing, append).await.map_err(unready)? {
            return Err(KeepError::Moved);
        }
        writing.commit().await.map_err(unready)?;
        Ok(())
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
             FROM receipts WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(unready)?;
        Ok(rows.into_iter().map(receipt_of).collect())
    }

    async fn forget(&self, up_to: i64) -> Result<(), Retry> {
        let mut writing = self.pool.begin().await.map_err(unready)?;
        for sql in [
            "UPDATE relay SET published = $1 WHERE id = 1 AND published < $1",
            "DELETE FROM receipts WHERE number <= $1",
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

/// Writes everything but the commit; false if the log or an offset stands elsewhere.
async fn write(writing: &mut Transaction<'static, Pg>, append: &Append) -> sqlx::Result<bool> {
    // From here to the commit nobody else appends.
    let (size,): (i64,) = query_as("SELECT size FROM head WHERE id = 1 FOR UPDATE")
        .fetch_one(&mut **writing)
        .await?;
    let offsets: Vec<(i32, i32, i64)> = query_as(OFFSETS).fetch_all(&mut **writing).await?;
    if size != append.before || !append.follows(&offsets) {
        return Ok(false);
    }
    write_entries(writing, append).await?;
    write_head(writing, append).await?;
    Ok(true)
}

async fn write_entries(writing: &mut PgConnection, append: &Append) -> sqlx::Result<()> {
    let leaves: usize = append
        .entries
        .iter()
        .map(|entry| entry.leaf.len() + ROW_BYTES)
        .sum();
    let mut rows = Rows::new(7, leaves);
    for entry in &append.entries {
        let (topic, partition, offset) = entry.place;
        rows.row()
            .long(entry.seq)
            .int(topic)
            .int(partition)
            .long(offset)
            .long(append.at);
        rows.field(&entry.leaf_hash).field(&entry.leaf);
    }
    rows.copy_in(writing, ENTRIES).await?;
    let bodies: usize = append
        .entries
        .iter()
        .map(|entry| entry.sealed.len() + ROW_BYTES)
        .sum();
    let mut rows = Rows::new(4, bodies);
    for entry in &append.entries {
        rows.row()
            .long(entry.seq)
            .uuid(Some(entry.subject))
            .uuid(entry.check);
        rows.field(&entry.sealed);
    }
    rows.copy_in(writing, BODIES).await
}

/// Everything that goes with the entries, in one statement: each costs a journey to the server and back.
async fn write_head(writing: &mut PgConnection, append: &Append) -> sqlx::Result<()> {
    let moved = |field: fn(&Move) -> i32| -> Vec<i32> { append.moves.iter().map(field).collect() };
    let next: Vec<i64> = append.moves.iter().map(|one| one.to).collect();
    let (ids, names): (Vec<i32>, Vec<&str>) = append
        .topics
        .iter()
        .map(|(id, name)| (id, name.as_str()))
        .unzip();
    let (accounts, numbers): (Vec<Uuid>, Vec<i64>) = append.counters.iter().copied().unzip();
    let ints =
        |field: fn(&Receipt) -> i32| -> Vec<i32> { append.receipts.iter().map(field).collect() };
    let longs =
        |field: fn(&Receipt) -> i64| -> Vec<i64> { append.receipts.iter().map(field).collect() };
    let (levels, indexes): (Vec<i32>, Vec<i64>) =
        append.tiles.iter().map(|(tile, _)| numbered(tile)).unzip();
    let tiles: Vec<&[u8]> = append
        .tiles
        .iter()
        .map(|(_, data)| data.as_slice())
        .collect();
    query(APPEND)
        .bind(append.size())
        .bind(append.tree.root().as_slice())
        .bind(append.tree.subtrees())
        .bind(append.at)
        .bind(append.newest_receipt())
        .bind(moved(|one| one.topic))
        .bind(moved(|one| one.partition))
        .bind(next)
        .bind(ids)
        .bind(names)
        .bind(accounts)
        .bind(numbers)
        .bind(longs(|receipt| receipt.number))
        .bind(ints(|receipt| receipt.topic))
        .bind(ints(|receipt| receipt.partition))
        .bind(longs(|receipt| receipt.offsets.0))
        .bind(longs(|receipt| receipt.offsets.1))
        .bind(longs(|receipt| receipt.leaves.0))
        .bind(longs(|receipt| receipt.leaves.1))
        .bind(longs(|receipt| receipt.records))
        .bind(
            append
                .receipts
                .first()
                .map_or(0, |receipt| receipt.appended_at),
        )
        .bind(levels)
        .bind(indexes)
        .bind(tiles)
        .execute(writing)
        .await?;
    Ok(())
}
