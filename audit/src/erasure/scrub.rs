//! After rows were deleted: nothing of their keys is left in the files of the key database either.

use std::time::Duration;

use sqlx::{PgPool, SqlitePool, query_as};
use stage::{Retry, Stopper, database::Database};

use crate::keys::unready;

/// How often it is asked whether all who write in the server have ended who had begun before. In a busy one a database is
/// made or dropped within seconds; what takes longer is waited for at the next turn.
const LOOKS: u32 = 60;
/// How often a server's table is written anew because somebody still saw the deleted rows: transactions of others are
/// short, and each try may take as long as all keys take to be written.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(500);

/// Leaves nothing of deleted keys in the files of the key database, as far as this is ours to do.
///
/// Deleting marks a row, or overwrites it, but copies of it lie where a page was split before, and in the write-ahead
/// log. A server's log and its backups are its operator's: the date that an erasure tells is that of the last of them.
/// Where others are waited for, a stop ends the wait.
pub(super) async fn scrub(keys: &Database, stopper: &Stopper) -> Result<(), Retry> {
    let gone = match keys {
        Database::Sqlite(pool) => scrub_file(pool).await?,
        Database::Postgres(pool) => {
            wait_for_writers(pool, stopper).await?;
            scrub_table(pool).await?
        }
    };
    if gone {
        return Ok(());
    }
    Err(Retry::because(
        "somebody still reads the key database as it was before the erasure",
    ))
}

async fn scrub_file(pool: &SqlitePool) -> Result<bool, Retry> {
    let mut connection = pool.acquire().await.map_err(unready)?;
    sqlx::query("VACUUM")
        .execute(&mut *connection)
        .await
        .map_err(unready)?;
    let (busy, _, _): (i64, i64, i64) = query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut *connection)
        .await
        .map_err(unready)?;
    Ok(busy == 0)
}

/// Waits for whoever writes anywhere in the server and began before this. Whatever is written anew while one of them is at
/// work keeps what was deleted, also if it is in another database: a snapshot knows of no databases.
async fn wait_for_writers(pool: &PgPool, stopper: &Stopper) -> Result<(), Retry> {
    let begun = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
    let (begun,): (String,) = query_as(begun).fetch_one(pool).await.map_err(unready)?;
    let ended = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8";
    for _ in 0..LOOKS {
        let looked = query_as(ended).bind(&begun).fetch_one(pool).await;
        let (ended,): (bool,) = looked.map_err(unready)?;
        if ended {
            return Ok(());
        }
        let pause = tokio::time::sleep(PAUSE);
        if stopper.run_until_stopped(pause).await.is_none() {
            break;
        }
    }
    Err(Retry::because(
        "a transaction of somebody in the server of the key database has lasted since before the erasure \
         (pg_stat_activity, backend_xid)",
    ))
}

async fn scrub_table(pool: &PgPool) -> Result<bool, Retry> {
    for tried in 0..TRIES {
        if tried > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let (gone,): (bool,) = query_as("SELECT scrub_data_keys()")
            .fetch_one(pool)
            .await
            .map_err(unready)?;
        if gone {
            return Ok(true);
        }
    }
    Ok(false)
}
