//! What stands aside in a spool: shown, and put back to be sent again, while no door holds the file.
//!
//! A record stands aside because the broker took no record of its size, or because no key opened it. Both can be mended:
//! by a broker that takes more, by the key that is missing. Nothing is sent here; the door drains what was put back when
//! it starts, and a record that still cannot go stands aside again.

use schemas::Timestamp;
use serde::Serialize;
use sqlx::{Connection as _, SqliteConnection};

use super::{
    Config,
    file::{self, Columns},
    ring::Ring,
    row::weight,
};

/// Records shown at most: more are of one cause, which the first ones show.
pub const SHOWN: usize = 1_000;
/// Records read at a time: at the largest body of the door they are 16 MiB.
const PAGE: u32 = 64;

/// Why a spool cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    /// Another process holds the file.
    #[error("a door holds the spool {0}: stop that door, then ask again")]
    Held(String),
    /// A file of the spool cannot be read.
    #[error("the spool {0} cannot be read: {1}")]
    File(String, String),
}

/// A record that stands aside. Nothing of its content is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// Its number in the spool.
    pub number: i64,
    /// When the door took it, RFC 3339.
    pub at: String,
    /// What it weighs, in bytes.
    pub bytes: u64,
    /// Why it stands aside: `too_large` or `unreadable`.
    pub reason: String,
    /// Whether the keys in force open it: only then can it be sent.
    pub opens: bool,
}

/// What stands aside, oldest first, at most [`SHOWN`].
pub async fn list(config: &Config) -> Result<Vec<Aside>, AsideError> {
    let mut shown = Vec::new();
    let (ring, mut connection) = open(config).await?;
    let mut after = 0;
    while shown.len() < SHOWN {
        let page = page(&mut connection, after).await;
        let page = page.map_err(|error| failed(config, &error))?;
        let Some((last, _)) = page.last() else { break };
        after = last.0;
        shown.extend(page.into_iter().map(|(columns, reason)| Aside {
            number: columns.0,
            at: Timestamp::from_micros(columns.1).to_string(),
            bytes: weight(columns.4.len()),
            reason,
            opens: opens(columns, &ring),
        }));
    }
    shown.truncate(SHOWN);
    Ok(shown)
}

/// Puts back what opens, so that the door sends it when it starts; how many records that are.
///
/// Each keeps its number, so what stood aside goes before what was spooled after it.
pub async fn resend(config: &Config) -> Result<u64, AsideError> {
    let (ring, mut connection) = open(config).await?;
    let wrong = |error: sqlx::Error| failed(config, &error);
    let (mut after, mut back) = (0, 0);
    loop {
        let page = page(&mut connection, after).await.map_err(wrong)?;
        let Some((last, _)) = page.last() else {
            return Ok(back);
        };
        after = last.0;
        for (columns, _) in page {
            let number = columns.0;
            if opens(columns, &ring) {
                put_back(&mut connection, number).await.map_err(wrong)?;
                back += 1;
            }
        }
    }
}

fn opens(columns: Columns, ring: &Ring) -> bool {
    file::row(columns).is_some_and(|row| row.open(ring).is_some())
}

/// In one transaction: a crash leaves it in one place, never in both and never in none.
async fn put_back(connection: &mut SqliteConnection, number: i64) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for statement in [
        "INSERT INTO spooled (seq, at, key_id, hash, sealed)
             SELECT seq, at, key_id, hash, sealed FROM set_aside WHERE seq = ?",
        "DELETE FROM set_aside WHERE seq = ?",
    ] {
        sqlx::query(statement)
            .bind(number)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// The next records after a number, with why each stands aside.
async fn page(
    connection: &mut SqliteConnection,
    after: i64,
) -> sqlx::Result<Vec<(Columns, String)>> {
    type Found = (i64, i64, Vec<u8>, Vec<u8>, Vec<u8>, String);
    let rows: Vec<Found> = sqlx::query_as(
        "SELECT seq, at, key_id, hash, sealed, reason FROM set_aside WHERE seq > ? ORDER BY seq LIMIT ?",
    )
    .bind(after)
    .bind(PAGE)
    .fetch_all(connection)
    .await?;
    let split =
        |(seq, at, key_id, hash, sealed, reason): Found| ((seq, at, key_id, hash, sealed), reason);
    Ok(rows.into_iter().map(split).collect())
}

async fn open(config: &Config) -> Result<(Ring, SqliteConnection), AsideError> {
    let ring = Ring::read(&config.key_file, &config.previous_key_files)
        .map_err(|why| AsideError::File(config.file.display().to_string(), why))?;
    let connection = file::existing(&config.file)
        .await
        .map_err(|error| failed(config, &error))?;
    Ok((ring, connection))
}

fn failed(config: &Config, error: &sqlx::Error) -> AsideError {
    let file = config.file.display().to_string();
    // SQLITE_BUSY and its extended codes.
    let busy = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5);
    if busy {
        AsideError::Held(file)
    } else {
        AsideError::File(file, error.to_string())
    }
}
