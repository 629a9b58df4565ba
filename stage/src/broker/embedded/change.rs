//! What one change does to the file: guards are checked and moved, records are appended.

use std::{collections::BTreeMap, sync::LazyLock};

use schemas::Timestamp;
use sqlx::SqliteConnection;

use super::{
    BrokerError,
    layout::{PartitionId, pack, partition_of},
    retention,
    writer::{Guard, Written},
};
use crate::Output;

/// Rows written by one statement.
const ROWS: usize = 16;

/// Checks the guard and moves what it moves. `Ok(Some)` is an answer without outputs.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    guard: Guard,
) -> sqlx::Result<Result<Option<Written>, BrokerError>> {
    Ok(Ok(match guard {
        Guard::None => None,
        Guard::Offsets { group, moves } => {
            if !offsets_stand(connection, &group, &moves).await? {
                return Ok(Err(BrokerError::Revoked));
            }
            for (id, _, to) in &moves {
                sqlx::query("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)")
                    .bind(&group)
                    .bind(id.number())
                    .bind(to)
                    .execute(&mut *connection)
                    .await?;
            }
            None
        }
        Guard::Publisher {
            name,
            epoch,
            from,
            to,
        } => {
            let moved = sqlx::query(
                "UPDATE publishers SET last = ? WHERE name = ? AND epoch = ? AND last = ?",
            )
            .bind(to)
            .bind(&name)
            .bind(epoch)
            .bind(from)
            .execute(&mut *connection)
            .await?;
            if moved.rows_affected() != 1 {
                return Ok(Err(BrokerError::Fenced));
            }
            None
        }
        Guard::Open { name } => {
            let row: (i64, i64) = sqlx::query_as(
                "INSERT INTO publishers VALUES (?, 1, 0)
                 ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch, last",
            )
            .bind(&name)
            .fetch_one(&mut *connection)
            .await?;
            Some(vec![
                (PartitionId::of_number(0), row.0),
                (PartitionId::of_number(0), row.1),
            ])
        }
        Guard::Schema { subject, text } => Some(register(connection, &subject, &text).await?),
        Guard::Retain { now } => {
            let deleted = retention::apply(connection, now).await?;
            Some(vec![(PartitionId::of_number(0), deleted)])
        }
    }))
}

async fn register(
    connection: &mut SqliteConnection,
    subject: &str,
    text: &str,
) -> sqlx::Result<Written> {
    sqlx::query(
        "INSERT OR IGNORE INTO schemas (subject, version, text)
         VALUES (?1, (SELECT count(*) + 1 FROM schemas WHERE subject = ?1), ?2)",
    )
    .bind(subject)
    .bind(text)
    .execute(&mut *connection)
    .await?;
    let (id,): (i64,) = sqlx::query_as("SELECT id FROM schemas WHERE subject = ? AND text = ?")
        .bind(subject)
        .bind(text)
        .fetch_one(&mut *connection)
        .await?;
    Ok(vec![(PartitionId::of_number(0), id)])
}

async fn offsets_stand(
    connection: &mut SqliteConnection,
    group: &str,
    moves: &[(PartitionId, i64, i64)],
) -> sqlx::Result<bool> {
    for (id, from, _) in moves {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT next FROM offsets WHERE name = ? AND partition_id = ?")
                .bind(group)
                .bind(id.number())
                .fetch_optional(&mut *connection)
                .await?;
        if row.map_or(0, |(next,)| next) != *from {
            return Ok(false);
        }
    }
    Ok(true)
}

fn insert(rows: usize) -> &'static str {
    let values = vec!["(?, ?, ?, ?, ?)"; rows].join(", ");
    Box::leak(
        format!("INSERT INTO records (place, at, key, headers, value) VALUES {values}")
            .into_boxed_str(),
    )
}

pub(super) async fn append(
    connection: &mut SqliteConnection,
    (ends, partitions): (&mut BTreeMap<PartitionId, i64>, i32),
    outputs: Vec<Output>,
    now: Timestamp,
) -> sqlx::Result<Written> {
    static ONE: LazyLock<&str> = LazyLock::new(|| insert(1));
    static MANY: LazyLock<&str> = LazyLock::new(|| insert(ROWS));
    let mut written = Vec::with_capacity(outputs.len());
    for output in &outputs {
        let id = PartitionId::new(output.topic, partition_of(&output.key, partitions));
        let next = ends.entry(id).or_insert(0);
        written.push((id, *next));
        *next += 1;
    }
    let packed: Vec<Vec<u8>> = outputs.iter().map(|output| pack(&output.headers)).collect();
    let rows: Vec<_> = outputs.iter().zip(&packed).zip(&written).collect();
    for chunk in rows.chunks(ROWS) {
        let whole = chunk.len() == ROWS;
        for group in if whole {
            vec![chunk]
        } else {
            chunk.chunks(1).collect()
        } {
            let mut query = sqlx::query(if whole { *MANY } else { *ONE });
            for ((output, headers), (id, offset)) in group {
                query = query
                    .bind(id.place(*offset))
                    .bind(now.micros())
                    .bind(output.key.as_slice())
                    .bind(headers.as_slice())
                    .bind(output.value.as_slice());
            }
            query.execute(&mut *connection).await?;
        }
    }
    Ok(written)
}
