//! What the history may be asked. The same SQL serves both databases.

use async_trait::async_trait;
use sqlx::QueryBuilder;
use stage::Retry;
use uuid::Uuid;

use super::{postgres::Postgres, sqlite::Sqlite, unready};

/// Values that one statement is given; below what either database takes.
const VALUES: usize = 5_000;

/// Where a record stands: the topic's number, partition and offset.
pub(crate) type Place = (i32, i32, i64);

/// An entry with its body, as it is kept.
#[derive(sqlx::FromRow)]
pub(crate) struct Stored {
    pub(crate) seq: i64,
    pub(crate) topic: i32,
    pub(crate) source_partition: i32,
    pub(crate) source_offset: i64,
    pub(crate) at: i64,
    pub(crate) leaf_hash: Vec<u8>,
    pub(crate) subject: Uuid,
    pub(crate) check_handle: Option<Uuid>,
    pub(crate) sealed: Vec<u8>,
}

/// Which checks are listed: in the order of their first entries within a range of entries.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    /// The range: from the first, below the second.
    pub(crate) range: (i64, i64),
    /// Only checks whose first entry comes after this one.
    pub(crate) after: i64,
    /// At most so many.
    pub(crate) limit: i64,
}

/// Reading. Every answer is of one moment, but two answers may be of two: whoever needs one state says below which
/// entry, since what is there never changes.
#[async_trait]
pub(crate) trait Reading: Send + Sync + std::fmt::Debug {
    /// How many entries there are.
    async fn size(&self) -> Result<i64, Retry>;

    /// The topics, by their numbers.
    async fn topics(&self) -> Result<Vec<(i32, String)>, Retry>;

    /// The time of an entry, in milliseconds.
    async fn time_of(&self, seq: i64) -> Result<Option<i64>, Retry>;

    /// Of these checks, each with its first entry in the range.
    async fn first_of(&self, checks: &[Uuid], select: &Select) -> Result<Vec<(Uuid, i64)>, Retry>;

    /// Of all checks that an entry of these topics begins, each with its first one in the range.
    async fn first_of_all(
        &self,
        topics: &[i32],
        select: &Select,
    ) -> Result<Vec<(Uuid, i64)>, Retry>;

    /// The entries of checks, below an entry; at most so many.
    async fn of_checks(
        &self,
        checks: &[Uuid],
        below: i64,
        limit: i64,
    ) -> Result<Vec<Stored>, Retry>;

    /// The entries of records, below an entry.
    async fn at(&self, places: &[Place], below: i64) -> Result<Vec<Stored>, Retry>;

    /// The entries of a topic after one, in order.
    async fn of_topic(&self, topic: i32, after: i64, limit: i64) -> Result<Vec<Stored>, Retry>;
}

const STORED: &str =
    "SELECT e.seq, e.topic, e.source_partition, e.source_offset, e.at, e.leaf_hash,
    b.subject, b.check_handle, b.sealed FROM entries e JOIN bodies b ON b.seq = e.seq WHERE ";

macro_rules! reading {
    ($store:ty, $database:ty) => {
        #[async_trait]
        impl Reading for $store {
            async fn size(&self) -> Result<i64, Retry> {
                let (size,) = sqlx::query_as("SELECT size FROM head WHERE id = 1")
                    .fetch_one(&self.pool)
                    .await
                    .map_err(unready)?;
                Ok(size)
            }

            async fn topics(&self) -> Result<Vec<(i32, String)>, Retry> {
                sqlx::query_as(super::TOPICS).fetch_all(&self.pool).await.map_err(unready)
            }

            async fn time_of(&self, seq: i64) -> Result<Option<i64>, Retry> {
                let row: Option<(i64,)> = sqlx::query_as("SELECT at FROM entries WHERE seq = $1")
                    .bind(seq)
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(unready)?;
                Ok(row.map(|(at,)| at))
            }

            async fn first_of(&self, checks: &[Uuid], select: &Select) -> Result<Vec<(Uuid, i64)>, Retry> {
                let mut found: Vec<(Uuid, i64)> = Vec::new();
                for checks in checks.chunks(VALUES) {
                    let mut sql = QueryBuilder::<$database>::new(
                        "SELECT check_handle, min(seq) AS first FROM bodies WHERE check_handle IN (",
                    );
                    let mut list = sql.separated(", ");
                    for check in checks {
                        list.push_bind(*check);
                    }
                    sql.push(") AND seq >= ").push_bind(select.range.0);
                    sql.push(" AND seq < ").push_bind(select.range.1);
                    sql.push(" GROUP BY check_handle HAVING min(seq) > ").push_bind(select.after);
                    sql.push(" ORDER BY first LIMIT ").push_bind(select.limit);
                    found.extend(
                        sql.build_query_as::<(Uuid, i64)>()
                            .persistent(false)
                            .fetch_all(&self.pool)
                            .await
                            .map_err(unready)?,
                    );
                }
                found.sort_unstable_by_key(|(_, first)| *first);
                found.truncate(usize::try_from(select.limit).unwrap_or(usize::MAX));
                Ok(found)
            }

            async fn first_of_all(&self, topics: &[i32], select: &Select) -> Result<Vec<(Uuid, i64)>, Retry> {
                let mut sql = QueryBuilder::<$database>::new(
                    "SELECT b.check_handle, b.seq FROM bodies b JOIN entries e ON e.seq = b.seq WHERE b.seq > ",
                );
                sql.push_bind(select.after.max(select.range.0 - 1));
                sql.push(" AND b.seq < ").push_bind(select.range.1);
                sql.push(" AND b.check_handle IS NOT NULL AND e.topic IN (");
                let mut list = sql.separated(", ");
                for topic in topics {
                    list.push_bind(*topic);
                }
                sql.push(") AND NOT EXISTS (SELECT 1 FROM bodies b2 JOIN entries e2 ON e2.seq = b2.seq
                    WHERE b2.check_handle = b.check_handle AND b2.seq < b.seq AND b2.seq >= ");
                sql.push_bind(select.range.0).push(" AND e2.topic IN (");
                let mut list = sql.separated(", ");
                for topic in topics {
                    list.push_bind(*topic);
                }
                sql.push(")) ORDER BY b.seq LIMIT ").push_bind(select.limit);
                sql.build_query_as().persistent(false).fetch_all(&self.pool).await.map_err(unready)
            }

            async fn of_checks(&self, checks: &[Uuid], below: i64, limit: i64) -> Result<Vec<Stored>, Retry> {
                let mut found: Vec<Stored> = Vec::new();
                for checks in checks.chunks(VALUES) {
                    let mut sql = QueryBuilder::<$database>::new(STORED);
                    sql.push("b.check_handle IN (");
                    let mut list = sql.separated(", ");
                    for check in checks {
                        list.push_bind(*check);
                    }
                    sql.push(") AND b.seq < ").push_bind(below).push(" LIMIT ").push_bind(limit);
                    let rows = sql.build_query_as().persistent(false).fetch_all(&self.pool).await;
                    found.extend(rows.map_err(unready)?);
                }
                Ok(found)
            }

            async fn at(&self, places: &[Place], below: i64) -> Result<Vec<Stored>, Retry> {
                let mut found: Vec<Stored> = Vec::new();
                for places in places.chunks(VALUES) {
                    let mut sql = QueryBuilder::<$database>::new(STORED);
                    sql.push("(e.topic, e.source_partition, e.source_offset) IN (");
                    // SQLite takes a list of rows in this form only.
                    sql.push_values(places, |mut row, (topic, partition, offset)| {
                        row.push_bind(*topic).push_bind(*partition).push_bind(*offset);
                    });
                    sql.push(") AND e.seq < ").push_bind(below);
                    let rows = sql.build_query_as().persistent(false).fetch_all(&self.pool).await;
                    found.extend(rows.map_err(unready)?);
                }
                Ok(found)
            }

            async fn of_topic(&self, topic: i32, after: i64, limit: i64) -> Result<Vec<Stored>, Retry> {
                let mut sql = QueryBuilder::<$database>::new(STORED);
                sql.push("e.topic = ").push_bind(topic).push(" AND e.seq > ").push_bind(after);
                sql.push(" ORDER BY e.seq LIMIT ").push_bind(limit);
                sql.build_query_as().persistent(false).fetch_all(&self.pool).await.map_err(unready)
            }
        }
    };
}

reading!(Sqlite, sqlx::Sqlite);
reading!(Postgres, sqlx::Postgres);
