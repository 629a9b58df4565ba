//! The key database in one SQLite file of its own: with the history it shares neither file nor transaction.

use async_trait::async_trait;
use sqlx::{
    Connection as _, QueryBuilder, Sqlite as Lite, SqliteConnection, SqlitePool,
    pool::PoolConnection, query, query_as,
};
use stage::Retry;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{KeyStore, New, SEALED_INDEX, Wrapped, unready};
use crate::seal::Blind;

/// Rows of one statement; see the history's.
const ROWS: usize = 64;
/// Values of one question.
const VALUES: usize = 500;

/// The first key of all, and no other.
const FIRST_KEK: &str = "INSERT INTO key_encryption_keys (id)
    SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM key_encryption_keys) ON CONFLICT DO NOTHING";

/// Pages that the writer keeps, in KiB: the upper levels of the indexes. Names are spread over all of the file, so that four
/// times as much made nothing faster, neither at a hundred thousand of them nor at millions.
const CACHE: &str = "PRAGMA cache_size = -16384";

/// The file.
#[derive(Debug)]
pub(super) struct Sqlite {
    pool: SqlitePool,
    /// The connection that looks names up and adds what is new, kept for its cache: a commit empties the caches of all
    /// others. None after an error.
    writer: Mutex<Option<PoolConnection<Lite>>>,
}

impl Sqlite {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            writer: Mutex::default(),
        }
    }

    /// The writer's connection, taken out of its place so that after an error a new one is made.
    async fn take(
        &self,
        writer: &mut Option<PoolConnection<Lite>>,
    ) -> Result<PoolConnection<Lite>, Retry> {
        if let Some(connection) = writer.take() {
            return Ok(connection);
        }
        let mut connection = self.pool.acquire().await.map_err(unready)?;
        let cached = query(CACHE).execute(&mut *connection).await;
        cached.map_err(unready)?;
        Ok(connection)
    }
}

#[async_trait]
impl KeyStore for Sqlite {
    async fn keks(&self) -> Result<Vec<Vec<u8>>, Retry> {
        let rows: Vec<(Vec<u8>,)> = query_as("SELECT id FROM key_encryption_keys")
            .fetch_all(&self.pool)
            .await
            .map_err(unready)?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn sealed_index(&self, kek: [u8; 8]) -> Result<Option<Vec<u8>>, Retry> {
        let row: Option<(Option<Vec<u8>>,)> = query_as(SEALED_INDEX)
            .bind(kek.as_slice())
            .fetch_optional(&self.pool)
            .await
            .map_err(unready)?;
        Ok(row.and_then(|(sealed,)| sealed))
    }

    async fn use_kek(&self, id: [u8; 8]) -> Result<(), Retry> {
        query(FIRST_KEK)
            .bind(id.as_slice())
            .execute(&self.pool)
            .await
            .map_err(unready)?;
        Ok(())
    }

    async fn handles(&self, blinds: &[Blind]) -> Result<Vec<(Blind, Uuid)>, Retry> {
        let mut writer = self.writer.lock().await;
        let mut connection = self.take(&mut writer).await?;
        let known = handles(&mut connection, blinds).await.map_err(unready)?;
        *writer = Some(connection);
        Ok(known)
    }

    async fn data_keys(&self, subjects: &[Uuid]) -> Result<Vec<Wrapped>, Retry> {
        let mut writer = self.writer.lock().await;
        let mut connection = self.take(&mut writer).await?;
        let found = data_keys(&mut connection, subjects).await;
        let found = found.map_err(unready)?;
        *writer = Some(connection);
        Ok(found)
    }

    async fn checks(&self, blinds: &[Blind]) -> Result<Vec<Uuid>, Retry> {
        let mut checks = Vec::new();
        for blinds in blinds.chunks(VALUES) {
            let mut sql = QueryBuilder::<Lite>::new(
                "SELECT DISTINCT check_handle FROM aliases WHERE blind IN (",
            );
            list(&mut sql, blinds);
            let rows: Vec<(Uuid,)> = sql
                .build_query_as()
                .fetch_all(&self.pool)
                .await
                .map_err(unready)?;
            checks.extend(rows.into_iter().map(|(check,)| check));
        }
        Ok(checks)
    }

    async fn add(&self, new: &New) -> Result<bool, Retry> {
        let mut writer = self.writer.lock().await;
        let mut connection = self.take(&mut writer).await?;
        let added = write(&mut connection, new).await.map_err(unready)?;
        *writer = Some(connection);
        Ok(added)
    }
}

async fn handles(
    connection: &mut SqliteConnection,
    blinds: &[Blind],
) -> sqlx::Result<Vec<(Blind, Uuid)>> {
    let mut known = Vec::new();
    for blinds in blinds.chunks(VALUES) {
        let mut sql =
            QueryBuilder::<Lite>::new("SELECT blind, handle FROM handles WHERE blind IN (");
        list(&mut sql, blinds);
        let rows: Vec<(Vec<u8>, Uuid)> = sql.build_query_as().fetch_all(&mut *connection).await?;
        known.extend(
            rows.into_iter()
                .filter_map(|(blind, handle)| Some((Blind(blind.try_into().ok()?), handle))),
        );
    }
    Ok(known)
}

async fn data_keys(
    connection: &mut SqliteConnection,
    subjects: &[Uuid],
) -> sqlx::Result<Vec<Wrapped>> {
    let mut found = Vec::new();
    for subjects in subjects.chunks(VALUES) {
        let mut sql = QueryBuilder::<Lite>::new(
            "SELECT subject, kek, sealed FROM data_keys WHERE subject IN (",
        );
        let mut list = sql.separated(", ");
        for subject in subjects {
            list.push_bind(*subject);
        }
        list.push_unseparated(")");
        let rows: Vec<(Uuid, Vec<u8>, Vec<u8>)> =
            sql.build_query_as().fetch_all(&mut *connection).await?;
        found.extend(rows.into_iter().map(|(subject, kek, sealed)| Wrapped {
            subject,
            kek,
            sealed,
        }));
    }
    Ok(found)
}

fn list(sql: &mut QueryBuilder<Lite>, blinds: &[Blind]) {
    let mut list = sql.separated(", ");
    for Blind(blind) in blinds {
        list.push_bind(blind.to_vec());
    }
    list.push_unseparated(")");
}

/// Adds all of it and commits; false, and nothing added, if a name has a handle already.
async fn write(connection: &mut SqliteConnection, new: &New) -> sqlx::Result<bool> {
    let mut writing = connection.begin_with("BEGIN IMMEDIATE").await?;
    for handles in new.handles.chunks(ROWS) {
        let mut insert = QueryBuilder::<Lite>::new("INSERT INTO handles (blind, kind, handle) ");
        insert.push_values(handles, |mut row, (blind, kind, handle)| {
            row.push_bind(blind.0.to_vec())
                .push_bind(kind.number())
                .push_bind(*handle);
        });
        insert.push(" ON CONFLICT DO NOTHING");
        let done = insert.build().execute(&mut *writing).await?;
        if done.rows_affected() < handles.len() as u64 {
            writing.rollback().await?;
            return Ok(false);
        }
    }
    for keys in new.keys.chunks(ROWS) {
        let mut insert = QueryBuilder::<Lite>::new("INSERT INTO data_keys (subject, kek, sealed) ");
        insert.push_values(keys, |mut row, key| {
            row.push_bind(key.subject)
                .push_bind(key.kek.as_slice())
                .push_bind(key.sealed.as_slice());
        });
        insert.build().execute(&mut *writing).await?;
    }
    for aliases in new.aliases.chunks(ROWS) {
        let mut insert =
            QueryBuilder::<Lite>::new("INSERT INTO aliases (blind, check_handle, kind) ");
        insert.push_values(aliases, |mut row, (blind, check, kind)| {
            row.push_bind(blind.0.to_vec())
                .push_bind(*check)
                .push_bind(kind.number());
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert.build().execute(&mut *writing).await?;
    }
    // From here on the handles and keys are there, whatever becomes of the batch that needs them.
    writing.commit().await?;
    Ok(true)
}
