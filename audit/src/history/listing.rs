//! Which checks are on a page, and where the next one begins.

use std::collections::HashSet;

use schemas::Timestamp;
use stage::Retry;
use uuid::Uuid;

use super::{Check, History, HistoryError, PAGE, Page, Query, Scope, cursor, step::begins_a_check};
use crate::{body::topic_of, seal::Kind, store::Select};

/// Entries looked at for the beginnings of checks: first about as many as a page has, at most what takes a fraction of
/// a second.
const STRETCH: i64 = 1_000;
const MAX_STRETCH: i64 = 32_000;

impl History {
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
        let topics = self.topics_that_begin_checks().await?;
        let mut limit = if query.limit == 0 {
            PAGE
        } else {
            query.limit.min(PAGE)
        };
        loop {
            let select = Select {
                range,
                below,
                after,
                topics: topics.clone(),
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
            // Nothing was ever read that makes a check known.
            _ if select.topics.is_empty() => Ok(Vec::new()),
            Some([]) => Ok(Vec::new()),
            Some(chosen) => self.store.first_of(chosen, select).await,
            None => self.firsts_of_all(select).await,
        }
    }

    /// The same without a choice: entry after entry, until the page is full. Longer and longer stretches are looked at,
    /// because where few checks begin there may be many entries.
    async fn firsts_of_all(&self, select: &Select) -> Result<Vec<(Uuid, i64)>, Retry> {
        let mut found: Vec<(Uuid, i64)> = Vec::new();
        let (mut from, mut stretch) = (select.range.0.max(select.after + 1), STRETCH);
        while from < select.range.1 {
            let to = select.range.1.min(from + stretch);
            let missing = select.limit - i64::try_from(found.len()).unwrap_or(select.limit);
            if missing <= 0 {
                break;
            }
            let checks = self.store.checks_between(from, to).await?;
            if !checks.is_empty() {
                let begun_here = Select {
                    range: (select.range.0, to),
                    after: from - 1,
                    limit: missing,
                    ..select.clone()
                };
                found.extend(self.store.first_of(&checks, &begun_here).await?);
            }
            (from, stretch) = (to, MAX_STRETCH.min(stretch * 2));
        }
        Ok(found)
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

    async fn topics_that_begin_checks(&self) -> Result<Vec<i32>, Retry> {
        let topics = self.store.topics().await?;
        let begins = |name: &str| topic_of(name).is_some_and(begins_a_check);
        Ok(topics
            .into_iter()
            .filter(|(_, name)| begins(name))
            .map(|(id, _)| id)
            .collect())
    }
}
