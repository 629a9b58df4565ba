//! Another key-encryption key: every data key is sealed anew, batch after batch, beside whoever appends.

use std::path::Path;

use anyhow::{Context as _, bail};
use schemas::Timestamp;
use serde::Serialize;
use sqlx::{query, query_as};
use stage::{Chance, Retry, database::Database};
use uuid::Uuid;

use super::{
    Opened,
    ledger::{Ledger, within},
};
use crate::{Config, canonical, keys::unready, leaf, seal::Kek};

/// Data keys of one transaction: some milliseconds, in which nobody else writes keys.
const TOGETHER: i64 = 500;

/// The entry that tells of it.
#[derive(Serialize)]
struct Rotated {
    what: &'static str,
    from: String,
    to: String,
    at: i64,
}

/// Seals every data key with the key of another file; how many. May be stopped at any time and begun again.
///
/// A service that runs goes on until the end, and then waits until it is started with the new key.
pub async fn rotate(
    config: &Config,
    file: &Path,
    now: Timestamp,
    chance: Chance,
) -> anyhow::Result<u64> {
    let next = Kek::read(file).map_err(anyhow::Error::msg)?;
    if next.id() == config.kek()?.id() {
        bail!("the new key is the one that is in use");
    }
    let opened = Opened::open(config).await?;
    Rotation {
        keys: &opened.keys,
        old: &opened.kek,
        next: &next,
        chance,
    }
    .run(now)
    .await
    .context("the setting `audit.keys`")
}

pub(crate) struct Rotation<'a> {
    pub(crate) keys: &'a Database,
    pub(crate) old: &'a Kek,
    pub(crate) next: &'a Kek,
    pub(crate) chance: Chance,
}

impl Rotation<'_> {
    async fn run(&self, now: Timestamp) -> Result<u64, Retry> {
        self.begin().await?;
        let mut resealed = 0;
        loop {
            resealed += self.all_there().await?;
            if self.end(now).await? {
                return Ok(resealed);
            }
        }
    }

    /// From here on the new key opens the names, and what is sealed with it is accepted.
    pub(crate) async fn begin(&self) -> Result<(), Retry> {
        let index = self.old.index_for(self.next, self.chance.bytes());
        within!(self.keys, |tx| {
            query("INSERT INTO key_encryption_keys (id, sealed_index) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(self.next.id().as_slice())
                .bind(index.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            Ok(())
        })
    }

    async fn all_there(&self) -> Result<u64, Retry> {
        let mut resealed = 0;
        loop {
            let done = self.some().await?;
            if done == 0 {
                return Ok(resealed);
            }
            resealed += done;
        }
    }

    /// One bounded batch, in one transaction.
    pub(crate) async fn some(&self) -> Result<u64, Retry> {
        within!(self.keys, |tx| {
            let rows: Vec<(Uuid, Vec<u8>)> =
                query_as("SELECT subject, sealed FROM data_keys WHERE kek = $1 LIMIT $2")
                    .bind(self.old.id().as_slice())
                    .bind(TOGETHER)
                    .fetch_all(&mut *tx)
                    .await
                    .map_err(unready)?;
            let mut resealed = 0;
            for (subject, sealed) in &rows {
                let key = self.old.unwrap(*subject, sealed).ok_or_else(|| {
                    Retry::because("a data key does not open under the key that it names")
                })?;
                let done = query("UPDATE data_keys SET kek = $1, sealed = $2 WHERE subject = $3")
                    .bind(self.next.id().as_slice())
                    .bind(self.next.wrap(*subject, &key, self.chance.bytes()))
                    .bind(*subject)
                    .execute(&mut *tx)
                    .await
                    .map_err(unready)?;
                resealed += done.rows_affected();
            }
            Ok(resealed)
        })
    }

    /// Takes the old key out of use, unless something was sealed with it meanwhile; then false.
    async fn end(&self, now: Timestamp) -> Result<bool, Retry> {
        let told = Rotated {
            what: "rotate",
            from: hex::encode(self.old.id()),
            to: hex::encode(self.next.id()),
            at: now.micros(),
        };
        let told = canonical::to_vec(&told).map_err(Retry::because)?;
        within!(self.keys, |tx| {
            let old = self.old.id();
            let left: Option<(i32,)> = query_as("SELECT 1 FROM data_keys WHERE kek = $1 LIMIT 1")
                .bind(old.as_slice())
                .fetch_optional(&mut *tx)
                .await
                .map_err(unready)?;
            if left.is_none() {
                query("DELETE FROM key_encryption_keys WHERE id = $1")
                    .bind(old.as_slice())
                    .execute(&mut *tx)
                    .await
                    .map_err(unready)?;
                query(Ledger::NOTE)
                    .bind(leaf::Kind::Key.word())
                    .bind(told.as_slice())
                    .execute(&mut *tx)
                    .await
                    .map_err(unready)?;
            }
            Ok(left.is_none())
        })
    }
}
