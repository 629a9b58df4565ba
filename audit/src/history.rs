//! The reading side: every check with all its steps, whoever's topic they came through and in whatever order.

use std::{collections::HashSet, sync::Arc};

use anyhow::Context as _;
use schemas::Timestamp;
use serde::Serialize;
use stage::{Retry, database::Database};
use uuid::Uuid;

use crate::{
    config::Config,
    keys::{self, KeyStore},
    seal::{Blind, Kek, Kind},
    store::{self, Select, Store},
};

mod cursor;
mod gather;
mod order;
mod refusals;
mod step;

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
pub struct History {
    store: Arc<dyn Store>,
    keys: Arc<dyn KeyStore>,
    kek: Arc<Kek>,
}

impl History {
    /// Opens both databases, beside whoever writes them.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let (history, keys) = config.open().await?;
        let kek = Arc::new(config.kek()?);
        keys::fit(keys::open(&keys).as_ref(), &kek)
            .await
            .context("the setting `audit.keys`")??;
        Ok(Self::on((&history, &keys), kek))
    }

    pub(crate) fn on((history, keys): (&Database, &Database), kek: Arc<Kek>) -> Self {
        Self {
            store: store::open(history),
            keys: keys::open(keys),
            kek,
        }
    }

    /// Checks with all their steps.
    pub async fn checks(&self, query: &Query) -> Result<Page, HistoryError> {
        self.checks_within(query, Scope::All).await
    }

    /// The check that an event, or a refusal, belongs to.
    pub async fn check_of(&self, event_id: &str) -> Result<Option<Check>, HistoryError> {
        let checks = self
            .keys
            .checks(&[self.blind(Kind::Event, event_id)])
            .await?;
        let size = self.store.size().await?;
        let found = self.gather(&checks, size).await?;
        Ok(found.into_iter().find(|check| !check.steps.is_empty()))
    }

    /// Checks as far as somebody may see them.
    pub(crate) async fn checks_within(
        &self,
        query: &Query,
        scope: Scope<'_>,
    ) -> Result<Page, HistoryError> {
        let size = self.store.size().await?;
        let (below, after) = match &query.cursor {
            Some(text) => cursor::read(&self.kek, text, (query, scope))
                .filter(|(below, _)| *below <= size)
                .ok_or(HistoryError::Cursor)?,
            None => (size, -1),
        };
        let range = (
            self.first_since(query.since, 0, below).await?,
            self.first_since(query.until, below, below).await?,
        );
        let chosen = self.chosen(query, scope).await?;
        let mut limit = if query.limit == 0 {
            PAGE
        } else {
            query.limit.min(PAGE)
        };
        loop {
            let select = Select {
                range,
                after,
                // One more, to know whether there is another page.
                limit: i64::try_from(limit).unwrap_or(1) + 1,
            };
            let firsts = self.firsts(chosen.as_deref(), &select).await?;
            let shown = &firsts[..firsts.len().min(limit)];
            let checks: Vec<Uuid> = shown.iter().map(|(check, _)| *check).collect();
            let checks = match self.gather(&checks, below).await {
                Err(HistoryError::TooLarge) if limit > 1 => {
                    limit /= 2;
                    continue;
                }
                done => done?,
            };
            let next = shown.last().filter(|_| firsts.len() > limit);
            let next_cursor =
                next.map(|(_, first)| cursor::write(&self.kek, (below, *first), (query, scope)));
            let visible = checks.into_iter().filter(|check| scope.sees(check));
            let mut checks: Vec<Check> = visible.filter(|check| !check.steps.is_empty()).collect();
            checks.sort_by_key(|check| check.steps.iter().map(|step| step.seq).min());
            return Ok(Page {
                checks,
                next_cursor,
            });
        }
    }

    /// The checks that all given names lead to; none if no name is given.
    async fn chosen(&self, query: &Query, scope: Scope<'_>) -> Result<Option<Vec<Uuid>>, Retry> {
        let one =
            |kind, name: &Option<String>| name.as_ref().map(|name| vec![self.blind(kind, name)]);
        let accounts = match scope {
            Scope::All => None,
            Scope::Accounts(_, accounts) => Some(
                accounts
                    .iter()
                    .map(|account| self.blind(Kind::Account, account))
                    .collect(),
            ),
        };
        let names = [
            one(Kind::Account, &query.account),
            one(Kind::Contact, &query.contact),
            one(Kind::Reference, &query.reference),
            accounts,
        ];
        let mut chosen: Option<HashSet<Uuid>> = None;
        for blinds in names.into_iter().flatten() {
            let found: HashSet<Uuid> = self.keys.checks(&blinds).await?.into_iter().collect();
            chosen = Some(match chosen {
                Some(before) => before.intersection(&found).copied().collect(),
                None => found,
            });
        }
        Ok(chosen.map(|chosen| chosen.into_iter().collect()))
    }

    /// The chosen checks with their first entries; all checks if none were chosen.
    async fn firsts(
        &self,
        chosen: Option<&[Uuid]>,
        select: &Select,
    ) -> Result<Vec<(Uuid, i64)>, Retry> {
        match chosen {
            Some([]) => Ok(Vec::new()),
            Some(chosen) => self.store.first_of(chosen, select).await,
            None => {
                let topics = self.store.topics().await?;
                let begins =
                    |name: &str| crate::body::topic_of(name).is_some_and(step::begins_a_check);
                let topics: Vec<i32> = topics
                    .into_iter()
                    .filter(|(_, name)| begins(name))
                    .map(|(id, _)| id)
                    .collect();
                if topics.is_empty() {
                    return Ok(Vec::new());
                }
                self.store.first_of_all(&topics, select).await
            }
        }
    }

    /// The first entry from a time on: times never decrease, so it is found by halving.
    async fn first_since(
        &self,
        time: Option<Timestamp>,
        otherwise: i64,
        size: i64,
    ) -> Result<i64, Retry> {
        let Some(time) = time else {
            return Ok(otherwise);
        };
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let at = self.store.time_of(middle).await?;
            if at.is_some_and(|at| at.saturating_mul(1_000) < time.micros()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
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
