//! The key database in PostgreSQL.

use async_trait::async_trait;
use sqlx::{PgPool, query, query_as};
use stage::Retry;
use uuid::Uuid;

use super::{KeyStore, New, SEALED_INDEX, Wrapped, unready};
use crate::seal::{Blind, Kind};

/// One statement, and so one transaction: what is there already under another handle undoes all of it.
const ADD: &str = "
    WITH named AS (
        INSERT INTO handles (blind, kind, handle) SELECT * FROM unnest($1::bytea[], $2::smallint[], $3::uuid[])
    ), keyed AS (
        INSERT INTO data_keys (subject, kek, sealed) SELECT * FROM unnest($4::uuid[], $5::bytea[], $6::bytea[])
    )
    INSERT INTO aliases (blind, check_handle, kind) SELECT * FROM unnest($7::bytea[], $8::uuid[], $9::smallint[])
    ON CONFLICT DO NOTHING";

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
        let of = |field: fn(&Wrapped) -> &Vec<u8>| -> Vec<&[u8]> {
            new.keys.iter().map(|key| field(key).as_slice()).collect()
        };
        let added = query(ADD)
            .bind(bytes(new.handles.iter().map(|(blind, ..)| blind)))
            .bind(numbers(new.handles.iter().map(|(_, kind, _)| *kind)))
            .bind(
                new.handles
                    .iter()
                    .map(|(.., handle)| *handle)
                    .collect::<Vec<_>>(),
            )
            .bind(new.keys.iter().map(|key| key.subject).collect::<Vec<_>>())
            .bind(of(|key| &key.kek))
            .bind(of(|key| &key.sealed))
            .bind(bytes(new.aliases.iter().map(|(blind, ..)| blind)))
            .bind(
                new.aliases
                    .iter()
                    .map(|(_, check, _)| *check)
                    .collect::<Vec<_>>(),
            )
            .bind(numbers(new.aliases.iter().map(|(.., kind)| *kind)))
            .execute(&self.0)
            .await;
        match added {
            // From here on the handles and keys are there, whatever becomes of the batch that needs them.
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(unready(error)),
        }
    }
}

fn bytes<'a>(blinds: impl Iterator<Item = &'a Blind>) -> Vec<&'a [u8]> {
    blinds.map(|Blind(bytes)| bytes.as_slice()).collect()
}

fn numbers(kinds: impl Iterator<Item = Kind>) -> Vec<i16> {
    kinds.map(Kind::number).collect()
}
