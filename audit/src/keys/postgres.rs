//! The key database in PostgreSQL.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{PgConnection, PgPool, query, query_as};
use stage::Retry;
use uuid::Uuid;

use super::{Alias, KeyStore, New, SEALED_INDEX, Wrapped, unready};
use crate::{seal::Blind, store::Rows};

const HANDLES: &str = "COPY handles (blind, kind, handle) FROM STDIN (FORMAT binary)";
const DATA_KEYS: &str = "COPY data_keys (subject, kek, sealed) FROM STDIN (FORMAT binary)";
const ALIASES: &str = "COPY aliases (blind, check_handle, kind) FROM STDIN (FORMAT binary)";
/// Aliases of checks that are known already may stand there; COPY would refuse them.
const MORE_ALIASES: &str = "INSERT INTO aliases (blind, check_handle, kind)
    SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::smallint[]) ON CONFLICT DO NOTHING";
/// What a row of these tables takes, at most.
const ROW_BYTES: usize = 128;

/// The first key of all, and no other.
const FIRST_KEK: &str = "INSERT INTO key_encryption_keys (id)
    SELECT $1::bytea WHERE NOT EXISTS (SELECT 1 FROM key_encryption_keys) ON CONFLICT DO NOTHING";

/// One PostgreSQL database.
#[derive(Debug)]
pub(super) struct Postgres(pub(super) PgPool);

#[async_trait]
impl KeyStore for Postgres {
    async fn keks(&self) -> Result<Vec<Vec<u8>>, Retry> {
        let rows: Vec<(Vec<u8>,)> = query_as("SELECT id FROM key_encryption_keys")
            .fetch_all(&self.0)
            .await
            .map_err(unready)?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn sealed_index(&self, kek: [u8; 8]) -> Result<Option<Vec<u8>>, Retry> {
        let row: Option<(Option<Vec<u8>>,)> = query_as(SEALED_INDEX)
            .bind(kek.as_slice())
            .fetch_optional(&self.0)
            .await
            .map_err(unready)?;
        Ok(row.and_then(|(sealed,)| sealed))
    }

    async fn use_kek(&self, id: [u8; 8]) -> Result<(), Retry> {
        query(FIRST_KEK)
            .bind(id.as_slice())
            .execute(&self.0)
            .await
            .map_err(unready)?;
        Ok(())
    }

    async fn handles(&self, blinds: &[Blind]) -> Result<Vec<(Blind, Uuid)>, Retry> {
        let rows: Vec<(Vec<u8>, Uuid)> =
            query_as("SELECT blind, handle FROM handles WHERE blind = ANY($1)")
                .bind(bytes(blinds.iter()))
                .fetch_all(&self.0)
                .await
                .map_err(unready)?;
        let known = rows
            .into_iter()
            .filter_map(|(blind, handle)| Some((Blind(blind.try_into().ok()?), handle)));
        Ok(known.collect())
    }

    async fn data_keys(&self, subjects: &[Uuid]) -> Result<Vec<Wrapped>, Retry> {
        let rows: Vec<(Uuid, Vec<u8>, Vec<u8>)> =
            query_as("SELECT subject, kek, sealed FROM data_keys WHERE subject = ANY($1)")
                .bind(subjects)
                .fetch_all(&self.0)
                .await
                .map_err(unready)?;
        let wrapped = |(subject, kek, sealed)| Wrapped {
            subject,
            kek,
            sealed,
        };
        Ok(rows.into_iter().map(wrapped).collect())
    }

    async fn checks(&self, blinds: &[Blind]) -> Result<Vec<Uuid>, Retry> {
        let rows: Vec<(Uuid,)> =
            query_as("SELECT DISTINCT check_handle FROM aliases WHERE blind = ANY($1)")
                .bind(bytes(blinds.iter()))
                .fetch_all(&self.0)
                .await
                .map_err(unready)?;
        Ok(rows.into_iter().map(|(check,)| check).collect())
    }

    async fn add(&self, new: &New) -> Result<bool, Retry> {
        let mut writing = self.0.begin().await.map_err(unready)?;
        match write(&mut writing, new).await {
            Ok(()) => {
                // From here on the handles and keys are there, whatever becomes of the batch that needs them.
                writing.commit().await.map_err(unready)?;
                Ok(true)
            }
            // What is there already under another handle undoes all of it.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                writing.rollback().await.map_err(unready)?;
                Ok(false)
            }
            Err(error) => Err(unready(error)),
        }
    }
}

async fn write(writing: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    let mut rows = Rows::new(3, new.handles.len() * ROW_BYTES);
    for (Blind(blind), kind, handle) in &new.handles {
        rows.row()
            .field(blind)
            .short(kind.number())
            .uuid(Some(*handle));
    }
    rows.copy_in(writing, HANDLES).await?;
    let mut rows = Rows::new(3, new.keys.len() * ROW_BYTES);
    for key in &new.keys {
        rows.row()
            .uuid(Some(key.subject))
            .field(&key.kek)
            .field(&key.sealed);
    }
    rows.copy_in(writing, DATA_KEYS).await?;
    let named: HashSet<Uuid> = new.handles.iter().map(|(.., handle)| *handle).collect();
    let (first, more): (Vec<&Alias>, Vec<&Alias>) = new
        .aliases
        .iter()
        .partition(|(_, check, _)| named.contains(check));
    let mut rows = Rows::new(3, first.len() * ROW_BYTES);
    for (Blind(blind), check, kind) in first {
        rows.row()
            .field(blind)
            .uuid(Some(*check))
            .short(kind.number());
    }
    rows.copy_in(writing, ALIASES).await?;
    if more.is_empty() {
        return Ok(());
    }
    let checks: Vec<Uuid> = more.iter().map(|(_, check, _)| *check).collect();
    query(MORE_ALIASES)
        .bind(bytes(more.iter().map(|(blind, ..)| blind)))
        .bind(checks)
        .bind(
            more.iter()
                .map(|(.., kind)| kind.number())
                .collect::<Vec<_>>(),
        )
        .execute(writing)
        .await
        .map(|_| ())
}

fn bytes<'a>(blinds: impl Iterator<Item = &'a Blind>) -> Vec<&'a [u8]> {
    blinds.map(|Blind(bytes)| bytes.as_slice()).collect()
}
