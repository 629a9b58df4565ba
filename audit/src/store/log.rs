//! The log in the database as it is served: tiles, leaves, checkpoints and their cosignatures.

use async_trait::async_trait;
use stage::Retry;

use super::{postgres::Postgres, sqlite::Sqlite, unready};

/// A checkpoint that was signed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Kept {
    pub(crate) size: i64,
    pub(crate) root: Vec<u8>,
    /// The note, signed by the log.
    pub(crate) note: String,
    /// When it was signed, in milliseconds.
    pub(crate) at: i64,
}

/// A time-stamp token, and what it is over.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Stamped {
    /// The size of the checkpoint.
    pub(crate) size: i64,
    /// The time in the token, in milliseconds.
    pub(crate) at: i64,
    /// The checkpoint as it was shown then, byte for byte: later ones have more cosignatures.
    pub(crate) note: String,
    /// The reply as it came.
    pub(crate) token: Vec<u8>,
}

/// The log.
///
/// **Consistency**: a tile that is read is never younger than the head that was read before it. **Append-only**: the
/// database refuses a checkpoint that does not follow the one before it, or that is ahead of the entries.
#[async_trait]
pub(crate) trait LogStore: Send + Sync + std::fmt::Debug {
    /// Size and root of the log.
    async fn head(&self) -> Result<(i64, Vec<u8>), Retry>;

    /// The hashes of a tile, as many as there are by now.
    async fn tile(&self, level: i32, index: i64) -> Result<Option<Vec<u8>>, Retry>;

    /// The leaves from the first index, below the second, in order.
    async fn leaves(&self, from: i64, below: i64) -> Result<Vec<Vec<u8>>, Retry>;

    /// The newest checkpoint.
    async fn newest_checkpoint(&self) -> Result<Option<Kept>, Retry>;

    /// The checkpoint at a size.
    async fn checkpoint(&self, size: i64) -> Result<Option<Kept>, Retry>;

    /// The first checkpoint that covers so many entries.
    async fn covering(&self, size: i64) -> Result<Option<Kept>, Retry>;

    /// The newest checkpoint that so many witnesses have cosigned, one at least.
    async fn newest_cosigned(&self, witnesses: i64) -> Result<Option<Kept>, Retry>;

    /// The newest cosignature of each witness under the checkpoint at a size: signature lines without line ends.
    async fn cosignatures(&self, size: i64) -> Result<Vec<String>, Retry>;

    /// Keeps a checkpoint. An error also if it does not follow what is kept.
    async fn add_checkpoint(&self, kept: &Kept) -> Result<(), Retry>;

    /// Keeps a cosignature: size, witness, the time in the line, in seconds, and the line.
    async fn add_cosignature(&self, given: (i64, &str, i64, &str)) -> Result<(), Retry>;

    /// The time of the newest time stamp, in milliseconds.
    async fn newest_stamp(&self) -> Result<Option<i64>, Retry>;

    /// The earliest time stamp over a checkpoint that covers an entry, and is not larger than a size.
    async fn stamp_over(&self, entry: i64, size: i64) -> Result<Option<Stamped>, Retry>;

    /// Keeps a time stamp.
    async fn add_stamp(&self, stamped: &Stamped) -> Result<(), Retry>;
}

macro_rules! log_store {
    ($store:ty) => {
        #[async_trait]
        impl LogStore for $store {
            async fn head(&self) -> Result<(i64, Vec<u8>), Retry> {
                let head = sqlx::query_as("SELECT size, root FROM head WHERE id = 1");
                head.fetch_one(&self.pool).await.map_err(unready)
            }

            async fn tile(&self, level: i32, index: i64) -> Result<Option<Vec<u8>>, Retry> {
                let tile = sqlx::query_as(super::TILE).bind(level).bind(index);
                let tile: Option<(Vec<u8>,)> =
                    tile.fetch_optional(&self.pool).await.map_err(unready)?;
                Ok(tile.map(|(data,)| data))
            }

            async fn leaves(&self, from: i64, below: i64) -> Result<Vec<Vec<u8>>, Retry> {
                let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
                    "SELECT leaf FROM entries WHERE seq >= $1 AND seq < $2 ORDER BY seq",
                )
                .bind(from)
                .bind(below)
                .fetch_all(&self.pool)
                .await
                .map_err(unready)?;
                Ok(rows.into_iter().map(|(leaf,)| leaf).collect())
            }

            async fn newest_checkpoint(&self) -> Result<Option<Kept>, Retry> {
                sqlx::query_as("SELECT size, root, note, at FROM checkpoints ORDER BY size DESC LIMIT 1")
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(unready)
            }

            async fn checkpoint(&self, size: i64) -> Result<Option<Kept>, Retry> {
                sqlx::query_as("SELECT size, root, note, at FROM checkpoints WHERE size = $1")
                    .bind(size)
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(unready)
            }

            async fn covering(&self, size: i64) -> Result<Option<Kept>, Retry> {
                sqlx::query_as("SELECT size, root, note, at FROM checkpoints WHERE size >= $1 ORDER BY size LIMIT 1")
                    .bind(size)
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(unready)
            }

            async fn newest_cosigned(&self, witnesses: i64) -> Result<Option<Kept>, Retry> {
                // Read backwards along the key, so that it ends at the first that has enough.
                sqlx::query_as(
                    "SELECT size, root, note, at FROM checkpoints WHERE size = (SELECT size FROM cosignatures
                        GROUP BY size HAVING count(DISTINCT witness) >= $1 ORDER BY size DESC LIMIT 1)",
                )
                .bind(witnesses)
                .fetch_optional(&self.pool)
                .await
                .map_err(unready)
            }

            async fn cosignatures(&self, size: i64) -> Result<Vec<String>, Retry> {
                let rows: Vec<(String,)> = sqlx::query_as(
                    "SELECT line FROM cosignatures AS one WHERE size = $1 AND at = (SELECT max(at)
                        FROM cosignatures WHERE size = one.size AND witness = one.witness) ORDER BY witness",
                )
                .bind(size)
                .fetch_all(&self.pool)
                .await
                .map_err(unready)?;
                Ok(rows.into_iter().map(|(line,)| line).collect())
            }

            async fn add_checkpoint(&self, kept: &Kept) -> Result<(), Retry> {
                let _turn = self.turn().await;
                sqlx::query("INSERT INTO checkpoints (size, root, note, at) VALUES ($1, $2, $3, $4)")
                    .bind(kept.size)
                    .bind(kept.root.as_slice())
                    .bind(kept.note.as_str())
                    .bind(kept.at)
                    .execute(&self.pool)
                    .await
                    .map_err(unready)?;
                Ok(())
            }

            async fn add_cosignature(
                &self,
                (size, witness, at, line): (i64, &str, i64, &str),
            ) -> Result<(), Retry> {
                let _turn = self.turn().await;
                sqlx::query("INSERT INTO cosignatures (size, witness, at, line) VALUES ($1, $2, $3, $4)")
                    .bind(size)
                    .bind(witness)
                    .bind(at)
                    .bind(line)
                    .execute(&self.pool)
                    .await
                    .map_err(unready)?;
                Ok(())
            }

            async fn newest_stamp(&self) -> Result<Option<i64>, Retry> {
                let newest = sqlx::query_as("SELECT max(at) FROM timestamps");
                let (at,) = newest.fetch_one(&self.pool).await.map_err(unready)?;
                Ok(at)
            }

            async fn stamp_over(&self, entry: i64, size: i64) -> Result<Option<Stamped>, Retry> {
                sqlx::query_as(
                    "SELECT size, at, note, token FROM timestamps WHERE size > $1 AND size <= $2
                        ORDER BY size, at LIMIT 1",
                )
                .bind(entry)
                .bind(size)
                .fetch_optional(&self.pool)
                .await
                .map_err(unready)
            }

            async fn add_stamp(&self, stamped: &Stamped) -> Result<(), Retry> {
                let _turn = self.turn().await;
                sqlx::query("INSERT INTO timestamps (size, at, note, token) VALUES ($1, $2, $3, $4)")
                    .bind(stamped.size)
                    .bind(stamped.at)
                    .bind(stamped.note.as_str())
                    .bind(stamped.token.as_slice())
                    .execute(&self.pool)
                    .await
                    .map_err(unready)?;
                Ok(())
            }
        }
    };
}

log_store!(Sqlite);
log_store!(Postgres);
