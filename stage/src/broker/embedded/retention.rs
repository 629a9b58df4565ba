//! What the topics no longer keep is deleted, oldest first.

use schemas::Timestamp;
use sqlx::SqliteConnection;

use super::layout::PartitionId;

/// Rows looked at in one partition in one go; more wait for the next go, so that posts are not held up.
const CHUNK: i64 = 1_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// Deletes what is older than its topic keeps; how many records.
pub(super) async fn apply(connection: &mut SqliteConnection, now: Timestamp) -> sqlx::Result<i64> {
    let rows: Vec<(i64, i64, i64)> =
        sqlx::query_as("SELECT partition_id, first_offset, next_offset FROM partitions")
            .fetch_all(&mut *connection)
            .await?;
    let mut deleted = 0;
    for (number, first, next) in rows {
        let id = PartitionId::of_number(number);
        let oldest = now.micros() - i64::from(id.topic().retention_days()) * DAY_MICROS;
        let upto = next.min(first + CHUNK);
        // Times do not decrease within a partition by more than the clock was set back, so the first
        // record that is young enough ends the deletion.
        let (keep,): (Option<i64>,) = sqlx::query_as(
            "SELECT min(place) FROM records WHERE place >= ? AND place < ? AND at >= ?",
        )
        .bind(id.place(first))
        .bind(id.place(upto))
        .bind(oldest)
        .fetch_one(&mut *connection)
        .await?;
        let keep = keep.map_or(upto, |place| id.offset(place));
        if keep == first {
            continue;
        }
        let gone = sqlx::query("DELETE FROM records WHERE place >= ? AND place < ?")
            .bind(id.place(first))
            .bind(id.place(keep))
            .execute(&mut *connection)
            .await?;
        sqlx::query("UPDATE partitions SET first_offset = ? WHERE partition_id = ?")
            .bind(keep)
            .bind(number)
            .execute(&mut *connection)
            .await?;
        deleted += i64::try_from(gone.rows_affected()).unwrap_or(0);
    }
    Ok(deleted)
}
