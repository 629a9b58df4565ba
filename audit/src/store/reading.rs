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
    /// What comes later is not seen.
    pub(crate) below: i64,
    /// Only checks whose first entry comes after this one.
    pub(crate) after: i64,
    /// At most so many.
    pub(crate) limit: i64,
    /// Only checks with an entry of these topics, at any time.
    pub(crate) topics: Vec<i32>,
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

    /// The checks that entries belong to, from the first entry, below the second.
    async fn checks_between(&self, from: i64, below: i64) -> Result<Vec<Uuid>, Retry>;

    /// The entries of checks, below an entry; at most so many.
    async fn of_checks(
        &self,
        checks: &[Uuid],
        below: i64,
        limit: i64,
    ) -> Result<Vec<Stored>, Retry>;

    /// The entries of records, below an entry.
    async fn at(&self, places: &[Place], below: i64) -> Result<Vec<Stored>, Retry>;

    /// The entries from the first, below the second, in order.
    async fn between(&self, from: i64, below: i64) -> Result<Vec<Stored>, Retry>;

    /// The first offset of a partition that the history has.
    async fn first_offset(&self, partition: (i32, i32)) -> Result<Option<i64>, Retry>;

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
                        "SELECT check_handle, first FROM (
                            SELECT b.check_handle, min(CASE WHEN b.seq >= ",
                    );
                    sql.push_bind(select.range.0).push(" AND b.seq < ").push_bind(select.range.1);
                    sql.push(" THEN b.seq END) AS first, max(CASE WHEN e.topic IN (");
                    let mut list = sql.separated(", ");
                    for topic in &select.topics {
                        list.push_bind(*topic);
                    }
                    sql.push(") THEN 1 ELSE 0 END) AS begun
                        FROM bodies b JOIN entries e ON e.seq = b.seq WHERE b.check_handle IN (");
                    let mut list = sql.separated(", ");
                    for check in checks {
                        list.push_bind(*check);
                    }
                    sql.push(") AND b.seq < ").push_bind(select.below);
                    sql.push(" GROUP BY b.check_handle) AS firsts WHERE begun = 1 AND first > ");
                    sql.push_bind(select.after).push(" ORDER BY first LIMIT ").push_bind(select.limit);
                    let rows = sql.build_query_as::<(Uuid, i64)>().persistent(false).fetch_all(&self.pool).await;
                    found.extend(rows.map_err(unready)?);
                }
                found.sort_unstable_by_key(|(_, first)| *first);
                found.truncate(usize::try_from(select.limit).unwrap_or(usize::MAX));
                Ok(found)
            }

            async fn checks_between(&self, from: i64, below: i64) -> Result<Vec<Uuid>, Retry> {
                let rows: Vec<(Uuid,)> = sqlx::query_as(
                    "SELECT DISTINCT check_handle FROM bodies
                     WHERE seq >= $1 AND seq < $2 AND check_handle IS NOT NULL",
                )
                .bind(from)
                .bind(below)
                .fetch_all(&self.pool)
                .await
                .map_err(unready)?;
                Ok(rows.into_iter().map(|(check,)| check).collect())
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

            async fn between(&self, from: i64, below: i64) -> Result<Vec<Stored>, Retry> {
                let mut sql = QueryBuilder::<$database>::new(STORED);
                sql.push("e.seq >= ").push_bind(from).push(" AND e.seq < ").push_bind(below);
                sql.push(" ORDER BY e.seq");
                sql.build_query_as().persistent(false).fetch_all(&self.pool).await.map_err(unready)
            }

            async fn first_offset(&self, (topic, partition): (i32, i32)) -> Result<Option<i64>, Retry> {
                let (first,): (Option<i64>,) = sqlx::query_as(
                    "SELECT min(source_offset) FROM entries WHERE topic = $1 AND source_partition = $2",
                )
                .bind(topic)
                .bind(partition)
                .fetch_one(&self.pool)
                .await
                .map_err(unready)?;
                Ok(first)
            }

            async fn of_topic(&self, topic: i32, after: i64, limit: i64) -> Result<Vec<Stored>, Retry> {
                let mut sql = QueryBuilder::<$database>::new(STORED);
                // Chosen before they are joined: SQLite would fetch the body of each that the topic has, for every page.
                sql.push("e.seq IN (SELECT seq FROM entries WHERE topic = ").push_bind(topic);
                sql.push(" AND seq > ").push_bind(after).push(" ORDER BY seq LIMIT ").push_bind(limit);
                sql.push(") ORDER BY e.seq");
                sql.build_query_as().persistent(false).fetch_all(&self.pool).await.map_err(unready)
            }
        }
    };
}

reading!(Sqlite, sqlx::Sqlite);
reading!(Postgres, sqlx::Postgres);
