//! The reading side: every check with all its steps, whoever's topic they came through and in whatever order.

use std::sync::Arc;

use anyhow::Context as _;
use schemas::Timestamp;
use serde::Serialize;
use stage::{Retry, database::Database};

use crate::{
    config::Config,
    keys::{self, KeyStore},
    seal::{Blind, Kek, Kind},
    store::{self, Store},
};

mod access;
mod cursor;
mod gather;
mod listing;
mod openings;
mod order;
mod refusals;
mod step;

pub use access::{AccessQuery, Accesses, Look};
pub use refusals::Refused;
pub use step::{Source, Step};

/// Checks of one page.
pub const PAGE: usize = 100;
/// Steps of one page: some 20 MB while they are opened. A page of checks with more is given in smaller pages.
const MAX_STEPS: usize = 20_000;

/// What is asked for; what is not said does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Checks of this account, by its id or number.
    pub account: Option<String>,
    /// Checks of this contact.
    pub contact: Option<String>,
    /// Checks with this reference: the provider's, or either of ours.
    pub reference: Option<String>,
    /// Checks with a step from this time on.
    pub since: Option<Timestamp>,
    /// Checks with a step before this time.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Checks of the page; [`PAGE`] at most, and if it is 0.
    pub limit: usize,
}

/// A page of checks, oldest first.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// The checks.
    pub checks: Vec<Check>,
    /// Where the next page begins; none if this is the last one. Pages show what was there when the first one was made.
    pub next_cursor: Option<String>,
}

/// A check: a provider and its reference; without one, a single message.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The provider.
    pub provider: Option<String>,
    /// The provider's reference.
    pub provider_reference: Option<String>,
    /// All steps, oldest first; none stands before the one that it came from.
    pub steps: Vec<Step>,
    /// The random name that it has in the history.
    #[serde(skip)]
    pub(crate) handle: uuid::Uuid,
    /// The accounts that the steps name, by id and number: who may see the check.
    #[serde(skip)]
    pub(crate) accounts: Vec<[String; 2]>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The cursor is none of ours, or belongs to another question.
    #[error("the cursor does not belong to this question")]
    Cursor,
    /// One check has more steps than are ever shown at once.
    #[error("a check has more than {MAX_STEPS} steps")]
    TooLarge,
    /// A database is not ready.
    #[error(transparent)]
    Unavailable(#[from] Retry),
    /// That somebody looked could not be recorded, so nothing is shown.
    #[error("an answer that cannot be recorded is not given: {0}")]
    Unrecorded(Retry),
}

/// Which accounts are seen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    /// All checks, also those that no account is known for.
    All,
    /// Checks of these accounts only, for the reader of this name.
    Accounts(&'a str, &'a [String]),
}

/// The history, for reading.
#[derive(Debug)]
pub(crate) struct History {
    store: Arc<dyn Store>,
    keys: Arc<dyn KeyStore>,
    kek: Arc<Kek>,
}

impl History {
    /// Opens both databases, beside whoever writes them.
    #[cfg(test)]
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let (history, keys) = config.open().await?;
        Self::opened(config, (&history, &keys)).await
    }

    /// The history on both databases, if they and the key fit.
    pub(crate) async fn opened(
        config: &Config,
        (history, keys): (&Database, &Database),
    ) -> anyhow::Result<Self> {
        let kek = config.kek()?;
        let entries = store::open(history)
            .size()
            .await
            .context("the setting `audit.database`")?;
        let store = keys::open(keys);
        let setting = "the setting `audit.keys`";
        keys::fit(store.as_ref(), &kek, entries)
            .await
            .context(setting)??;
        let kek = keys::with_index(store.as_ref(), kek).await;
        let kek = Arc::new(kek.context(setting)??);
        Ok(Self::on((history, keys), kek))
    }

    pub(crate) fn on((history, keys): (&Database, &Database), kek: Arc<Kek>) -> Self {
        Self {
            store: store::open(history),
            keys: keys::open(keys),
            kek,
        }
    }

    /// Checks with all their steps.
    #[cfg(test)]
    pub(crate) async fn checks(&self, query: &Query) -> Result<Page, HistoryError> {
        self.checks_within(query, Scope::All).await
    }

    /// The check that an event, or a refusal, belongs to.
    pub(crate) async fn check_of(&self, event_id: &str) -> Result<Option<Check>, HistoryError> {
        let checks = self
            .keys
            .checks(&[self.blind(Kind::Event, event_id)])
            .await?;
        let size = self.store.size().await?;
        let found = self.gather(&checks, size).await?;
        Ok(found.into_iter().find(|check| !check.steps.is_empty()))
    }

    /// The entries of checks, and of what these point to.
    pub(crate) async fn entries_of(&self, checks: &[uuid::Uuid]) -> Result<Vec<i64>, HistoryError> {
        let size = self.store.size().await?;
        let found = self.gather(checks, size).await?;
        let steps = found.iter().flat_map(|check| &check.steps);
        Ok(steps.map(|step| step.seq).collect())
    }

    fn blind(&self, kind: Kind, name: &str) -> Blind {
        self.kek.blind(kind, name.as_bytes())
    }
}

impl Scope<'_> {
    /// Whether a check is seen: every account that it names must be, lest one client's reader sees another's.
    pub(crate) fn sees(self, check: &Check) -> bool {
        match self {
            Self::All => true,
            Self::Accounts(_, accounts) => {
                let seen = |names: &[String; 2]| names.iter().any(|name| accounts.contains(name));
                !check.accounts.is_empty() && check.accounts.iter().all(seen)
            }
        }
    }
}
