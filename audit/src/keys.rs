//! Names to random handles and data keys. What is new is committed before anything that uses it: a crash in between
//! leaves keys that nobody uses, never a body that nobody can open.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use stage::{Retry, database::Database};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    seal::{Blind, DataKey, Kek, Kind},
    store::Stored,
};

mod postgres;
mod recent;
mod resolve;
mod sqlite;

pub(crate) use resolve::{Found, Keys};

const SEALED_INDEX: &str = "SELECT sealed_index FROM key_encryption_keys WHERE id = $1";

/// What one record is called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Whose data key seals it.
    pub(crate) client: (Kind, Blind),
    /// The check that it belongs to.
    pub(crate) check: Option<Blind>,
    /// The account that it is counted for.
    pub(crate) account: Option<Blind>,
    /// By what its check is to be found.
    pub(crate) aliases: Vec<(Kind, Blind)>,
}

/// What the names of one record stand for.
#[derive(Clone)]
pub(crate) struct Resolved {
    pub(crate) subject: Uuid,
    pub(crate) key: DataKey,
    pub(crate) check: Option<Uuid>,
    pub(crate) account: Option<Uuid>,
}

/// A data key as it is kept.
pub(crate) struct Wrapped {
    pub(crate) subject: Uuid,
    pub(crate) kek: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

/// What is new and goes into the key database in one transaction.
#[derive(Default)]
pub(crate) struct New {
    pub(crate) handles: Vec<(Blind, Kind, Uuid)>,
    pub(crate) keys: Vec<Wrapped>,
    pub(crate) aliases: Vec<Alias>,
}

/// A name, the check that is found by it, and what it is a name of.
pub(crate) type Alias = (Blind, Uuid, Kind);

impl New {
    fn is_empty(&self) -> bool {
        self.handles.is_empty() && self.keys.is_empty() && self.aliases.is_empty()
    }
}

/// The key database.
///
/// **Durability**: what [`add`](KeyStore::add) has answered survives a power cut. **Erasure**: every row may be deleted
/// by who erases; nothing here deletes. Whoever can read it learns no name, but with the key-encryption key can open
/// every body.
#[async_trait]
pub(crate) trait KeyStore: Send + Sync + std::fmt::Debug {
    /// The ids of the key-encryption keys that were used.
    async fn keks(&self) -> Result<Vec<Vec<u8>>, Retry>;

    /// The secret behind the blind indexes as it was sealed for a key-encryption key; none for the first key.
    async fn sealed_index(&self, kek: [u8; 8]) -> Result<Option<Vec<u8>>, Retry>;

    /// Notes that a key-encryption key is used, if none was before: another one comes by rotation only.
    async fn use_kek(&self, id: [u8; 8]) -> Result<(), Retry>;

    /// The handles of names; unknown names are left out.
    async fn handles(&self, blinds: &[Blind]) -> Result<Vec<(Blind, Uuid)>, Retry>;

    /// The data keys of subjects; those that were destroyed are left out.
    async fn data_keys(&self, subjects: &[Uuid]) -> Result<Vec<Wrapped>, Retry>;

    /// The checks that are found by any of these names.
    async fn checks(&self, blinds: &[Blind]) -> Result<Vec<Uuid>, Retry>;

    /// Adds all of it; false, and nothing added, if somebody else has given one of the names a handle meanwhile.
    async fn add(&self, new: &New) -> Result<bool, Retry>;
}

/// The key database that the settings name.
pub(crate) fn open(database: &Database) -> Arc<dyn KeyStore> {
    match database {
        Database::Sqlite(pool) => Arc::new(sqlite::Sqlite::new(pool.clone())),
        Database::Postgres(pool) => Arc::new(postgres::Postgres(pool.clone())),
    }
}

/// Whether a key-encryption key is one that the history, of so many entries, was sealed with; if nothing is sealed
/// yet, any is.
pub(crate) async fn fit(
    store: &dyn KeyStore,
    kek: &Kek,
    entries: i64,
) -> Result<anyhow::Result<()>, Retry> {
    let used = store.keks().await?;
    if used.is_empty() && entries > 0 {
        // Going on would find none of these entries, and look as if nothing had ever been checked.
        return Ok(Err(anyhow::anyhow!(
            "the database of `audit.keys` is empty, but the history has {entries} entries: restore the key database"
        )));
    }
    if used.is_empty() || used.iter().any(|id| *id == kek.id()) {
        return Ok(Ok(()));
    }
    Ok(Err(anyhow::anyhow!(
        "the key of `audit.key_file` or `audit.key_command` is another one than that which the history is sealed with"
    )))
}

/// A key-encryption key with the blind indexes of the history, which it keeps over rotations.
pub(crate) async fn with_index(
    store: &dyn KeyStore,
    kek: Kek,
) -> Result<anyhow::Result<Kek>, Retry> {
    let Some(sealed) = store.sealed_index(kek.id()).await? else {
        return Ok(Ok(kek));
    };
    let kek = kek.with_index(&sealed);
    Ok(kek.ok_or_else(|| {
        anyhow::anyhow!("the index key of `audit.keys` does not open: restore the key database")
    }))
}

/// The data key, opened.
pub(crate) fn open_key(kek: &Kek, wrapped: &Wrapped) -> Result<DataKey, Retry> {
    kek.unwrap(wrapped.subject, &wrapped.sealed).ok_or_else(|| {
        let (theirs, ours) = (hex::encode(&wrapped.kek), hex::encode(kek.id()));
        Retry::because(format!(
            "a data key was sealed by the key-encryption key {theirs}, and the one of the settings is {ours}"
        ))
    })
}

/// What stands before the body in what was sealed.
const SALT: usize = 32;

/// Salt and body of an entry.
pub(crate) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// The salt.
    pub(crate) fn salt(&self) -> &[u8] {
        self.0.get(..SALT).unwrap_or_default()
    }

    /// The body.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.get(SALT..).unwrap_or_default()
    }
}

/// Opens entries; those whose keys are gone stay closed, and so does one that was changed.
pub(crate) async fn open_bodies(
    store: &dyn KeyStore,
    kek: &Kek,
    rows: Vec<Stored>,
) -> Result<Vec<(Stored, Option<Body>)>, Retry> {
    let mut subjects: Vec<Uuid> = rows.iter().map(|row| row.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut keys: HashMap<Uuid, DataKey> = HashMap::new();
    if !subjects.is_empty() {
        for wrapped in store.data_keys(&subjects).await? {
            keys.insert(wrapped.subject, open_key(kek, &wrapped)?);
        }
    }
    let open = |row: Stored| {
        let key = keys.get(&row.subject);
        let body = key.and_then(|key| key.open(&row.leaf_hash, &row.sealed));
        if key.is_some() && body.is_none() {
            tracing::error!(
                seq = row.seq,
                "a body of the history does not open under its client's key"
            );
        }
        (row, body.map(Body))
    };
    Ok(rows.into_iter().map(open).collect())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` wants"
)]
pub(crate) fn unready(error: sqlx::Error) -> Retry {
    Retry::because(format!("the key database does not answer: {error}"))
}
