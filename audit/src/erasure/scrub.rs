//! After rows were deleted: nothing of them is left in the file either.

use sqlx::query_as;
use stage::{Retry, database::Database};

use crate::keys::unready;

/// Leaves nothing of deleted rows in the files of the key database, as far as this is ours to do.
///
/// Deleting overwrites a row, but copies of it lie where a page was split before, and in the write-ahead log. A server's
/// files are its operator's: there the rows go with the next vacuum and the last backup.
pub(super) async fn scrub(keys: &Database) -> Result<(), Retry> {
    let Database::Sqlite(pool) = keys else {
        return Ok(());
    };
    let mut connection = pool.acquire().await.map_err(unready)?;
    sqlx::query("VACUUM")
        .execute(&mut *connection)
        .await
        .map_err(unready)?;
    let (busy, _, _): (i64, i64, i64) = query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut *connection)
        .await
        .map_err(unready)?;
    if busy == 0 {
        return Ok(());
    }
    Err(Retry::because(
        "somebody still reads the key database as it was before the erasure",
    ))
}
