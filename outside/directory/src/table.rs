//! The built-in directory: a table in SQLite or PostgreSQL that an import replaces as a whole.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::{
    Address, Answer, Asked, Directory, Import, ImportError, ImportReport, Problem, References,
    Settings, Unavailable,
    excerpt::{Excerpt, Keys},
    party, shape,
    store::Store,
};

mod listed;
mod location;

pub use crate::excerpt::Owner;
pub use listed::Listed;
pub use location::{Fit, Location, OpenError};

/// A table of up to this many rows is kept in memory, about 50 MB of it; a larger one is asked by key for each batch.
const KEPT_ROWS_MAX: i64 = 250_000;

/// A batch of thousands takes tens of milliseconds; what takes longer than this does not come, and is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The largest import that is allowed took ten seconds on two busy cores; a loaded server may need a multiple of that.
const IMPORT_WITHIN: Duration = Duration::from_mins(10);

/// The built-in directory.
pub struct Table {
    store: Box<dyn Store>,
    references: References,
    settings: Settings,
    /// The table as last read. The lock is held while it is read again, so that partitions that ask side by side read
    /// it once.
    kept: Mutex<Option<Arc<Excerpt>>>,
    kept_rows_max: i64,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Table {
    /// Makes or upgrades the tables; what they hold stays. May be called again.
    pub async fn migrate(location: &Location) -> Result<(), OpenError> {
        let store = location.store(true)?;
        let found = within(ANSWER_WITHIN, store.schema()).await?;
        match Fit::of(found) {
            Fit::Fits { .. } => Ok(()),
            Fit::Missing | Fit::Older { .. } => Ok(within(ANSWER_WITHIN, store.migrate()).await?),
            newer @ Fit::Newer { .. } => Err(OpenError::Unfit(newer)),
        }
    }

    /// Whether the tables fit this release; makes nothing.
    pub async fn check(location: &Location) -> Result<Fit, OpenError> {
        if location.is_missing()? {
            return Ok(Fit::Missing);
        }
        let store = location.store(false)?;
        Ok(Fit::of(within(ANSWER_WITHIN, store.schema()).await?))
    }

    /// Opens a table that fits.
    pub async fn open(
        location: &Location,
        references: References,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        match Self::check(location).await? {
            Fit::Fits { .. } => Ok(Self {
                store: location.store(false)?,
                references,
                settings,
                kept: Mutex::new(None),
                kept_rows_max: KEPT_ROWS_MAX,
            }),
            unfit @ (Fit::Missing | Fit::Older { .. } | Fit::Newer { .. }) => {
                Err(OpenError::Unfit(unfit))
            }
        }
    }

    /// Replaces the whole content in one transaction: who reads meanwhile sees the old or the new, never a mixture.
    ///
    /// The same content again changes nothing. Every process that has the table open answers from the new content with
    /// its next batch.
    pub async fn import(&self, import: Import) -> Result<ImportReport, ImportError> {
        if import.fallback_queue().is_none() && !import.has_queue(&self.settings.fallback_queue) {
            return Err(ImportError::of_field(
                "fallback_queue",
                Problem::NoFallbackQueue,
            ));
        }
        let version = import.version();
        let changed = within(IMPORT_WITHIN, self.store.replace(&import, &version)).await?;
        Ok(import.report(changed, version))
    }

    /// Every account by its number, with who earns on it.
    pub async fn list(&self) -> Result<Vec<Listed>, Unavailable> {
        let all = within(IMPORT_WITHIN, self.store.all()).await?;
        Ok(listed::of(&all, &self.settings))
    }

    /// The rows that answer these keys: the kept table, or what the database has of them.
    async fn excerpt(&self, keys: &Keys<'_>) -> Result<Arc<Excerpt>, Unavailable> {
        let head = self.store.head().await?;
        if head.version.is_none() {
            // Refusing every event because somebody forgot to fill the table would be the wrong way not to succeed.
            return Err(Unavailable::because(
                "its table is empty; run `idtrail directory import FILE`",
            ));
        }
        let mut kept = self.kept.lock().await;
        if head.rows > self.kept_rows_max {
            *kept = None;
            drop(kept);
            return Ok(Arc::new(self.store.some(keys).await?));
        }
        match &*kept {
            Some(excerpt) if excerpt.head.version == head.version => Ok(excerpt.clone()),
            _ => {
                let excerpt = Arc::new(self.store.all().await?);
                *kept = Some(excerpt.clone());
                Ok(excerpt)
            }
        }
    }
}

#[async_trait]
impl Directory for Table {
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Answer>, Unavailable> {
        let named: Vec<_> = asked
            .iter()
            .map(|asked| self.references.read(asked))
            .collect();
        // Where no reference can be read, no database is needed to say so.
        let excerpt = if named.iter().any(Result::is_ok) {
            let keys = Keys::of(named.iter().flatten());
            within(ANSWER_WITHIN, self.excerpt(&keys)).await?
        } else {
            Arc::default()
        };
        Ok(named
            .into_iter()
            .map(|named| party::find(&excerpt, &named?, &self.settings))
            .collect())
    }

    async fn addresses(&self, recipients: &[&str]) -> Result<Vec<Option<Address>>, Unavailable> {
        // PostgreSQL refuses a statement with a NUL in it, so what is no id must not come near one.
        let ids: Vec<&str> = recipients
            .iter()
            .copied()
            .filter(|id| shape::is_id(id))
            .collect();
        let known = if ids.is_empty() {
            Vec::new()
        } else {
            within(ANSWER_WITHIN, self.store.addresses(&ids)).await?
        };
        let known: HashMap<&str, &(String, String, Option<String>)> =
            known.iter().map(|row| (row.0.as_str(), row)).collect();
        Ok(recipients
            .iter()
            .map(|id| {
                let (_, email, locale) = known.get(id)?;
                Address::new(email, locale.as_deref())
            })
            .collect())
    }
}

/// Waits no longer than this for the database.
async fn within<T, E>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, Unavailable>
where
    Unavailable: From<E>,
{
    match tokio::time::timeout(limit, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Unavailable::because(format!(
            "no answer from its database within {} s",
            limit.as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests;
