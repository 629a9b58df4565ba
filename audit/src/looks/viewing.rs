//! The history as others see it: no answer is given that is not recorded.

use std::sync::Arc;

use stage::{Chance, Clock};
use uuid::Uuid;

use super::{Book, Noted, Question, Seen, Told, Viewer};
use crate::{
    Config,
    history::{AccessQuery, Accesses, Check, History, HistoryError, Page, Query, Refused, Scope},
    pack::Record,
};

/// The history, for viewers. What an answer shows is recorded before it is given, and also that nothing was found; what
/// cannot be recorded is not shown ([`HistoryError::Unrecorded`]).
#[derive(Debug)]
pub struct Viewing {
    history: History,
    /// The notes that a list of looks shows before they stand in the log.
    noted: Noted,
    book: Book,
    clock: Arc<dyn Clock>,
    chance: Chance,
}

/// A check that was found. What is in it is not shown before this is recorded; what will be can be made meanwhile.
#[derive(Debug)]
pub(crate) struct Found {
    check: Check,
    told: Told,
}

impl Found {
    /// The indexes of its steps, in their order.
    pub(crate) fn seqs(&self) -> Vec<i64> {
        self.check.steps.iter().map(|step| step.seq).collect()
    }
}

impl Viewing {
    /// Opens both databases, beside whoever writes them; looks are noted for the service, which tells them in the log as
    /// soon as it runs.
    pub async fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        chance: Chance,
    ) -> anyhow::Result<Self> {
        let (history, keys) = config.open().await?;
        let noted = Noted(keys.clone());
        let history = History::opened(config, (&history, &keys)).await?;
        let book = Book::Notes(noted.clone());
        Ok(Self::on(history, noted, book, (clock, chance)))
    }

    pub(crate) fn on(
        history: History,
        noted: Noted,
        book: Book,
        (clock, chance): (Arc<dyn Clock>, Chance),
    ) -> Self {
        Self {
            history,
            noted,
            book,
            clock,
            chance,
        }
    }

    /// Checks with all their steps.
    pub async fn checks(&self, viewer: &Viewer, query: &Query) -> Result<Page, HistoryError> {
        self.checks_within(viewer, query, Scope::All).await
    }

    pub(crate) async fn checks_within(
        &self,
        viewer: &Viewer,
        query: &Query,
        scope: Scope<'_>,
    ) -> Result<Page, HistoryError> {
        let page = self.history.checks_within(query, scope).await?;
        self.record(viewer, Question::of_query(query), seen(&page.checks))
            .await?;
        Ok(page)
    }

    /// The check that an event, or a refusal, belongs to.
    pub async fn check_of(
        &self,
        viewer: &Viewer,
        event_id: &str,
    ) -> Result<Option<Check>, HistoryError> {
        self.check_within(viewer, event_id, Scope::All).await
    }

    /// The same where it may be seen: nothing for what is not theirs, as for what is not there.
    pub(crate) async fn check_within(
        &self,
        viewer: &Viewer,
        event_id: &str,
        scope: Scope<'_>,
    ) -> Result<Option<Check>, HistoryError> {
        match self.find(viewer, event_id, scope).await? {
            Some(found) => self.show(found).await.map(Some),
            None => Ok(None),
        }
    }

    /// That check, not to be shown yet; that nothing was found is recorded here.
    pub(crate) async fn find(
        &self,
        viewer: &Viewer,
        event_id: &str,
        scope: Scope<'_>,
    ) -> Result<Option<Found>, HistoryError> {
        let found = self.history.check_of(event_id).await?;
        let found = found.filter(|check| scope.sees(check));
        let told = self.told(
            viewer,
            Question::of_event(event_id),
            &seen(found.as_slice()),
        )?;
        match found {
            Some(check) => Ok(Some(Found { check, told })),
            None => self.write(&told).await.map(|()| None),
        }
    }

    /// Records that it is shown.
    pub(crate) async fn show(&self, found: Found) -> Result<Check, HistoryError> {
        self.write(&found.told).await?;
        Ok(found.check)
    }

    /// The records of checks, which were recorded when these were given.
    pub async fn openings(&self, checks: &[Check]) -> Result<Vec<Record>, HistoryError> {
        self.history.openings(checks).await
    }

    /// Records that an entry is shown by its index alone.
    pub async fn entry(&self, viewer: &Viewer, seq: u64) -> Result<(), HistoryError> {
        let seq = crate::store::signed(seq);
        let question = Question {
            seq: Some(seq),
            ..Question::default()
        };
        self.record(viewer, question, Seen::of([seq].into_iter(), Vec::new()))
            .await
    }

    /// Refusals whose entries come after one (-1 for all), oldest first; an empty answer is the end.
    pub async fn rejected(
        &self,
        viewer: &Viewer,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Refused>, HistoryError> {
        let found = self.history.rejected(after, limit).await?;
        self.record(viewer, Question::default(), refusals(&found))
            .await?;
        Ok(found)
    }

    /// A refusal by its id.
    pub async fn rejected_by_id(
        &self,
        viewer: &Viewer,
        id: &str,
    ) -> Result<Option<Refused>, HistoryError> {
        let found = self.history.rejected_by_id(id).await?;
        self.record(viewer, Question::of_event(id), refusals(found.as_slice()))
            .await?;
        Ok(found)
    }

    /// Who looked, oldest first. This look is recorded behind what it shows.
    pub async fn accesses(
        &self,
        viewer: &Viewer,
        query: &AccessQuery,
    ) -> Result<Accesses, HistoryError> {
        let found = self.history.accesses(query, &self.noted).await?;
        let seqs = found.looks.iter().filter_map(|look| look.seq);
        let seen = Seen {
            rows: found.looks.len(),
            ..Seen::of(seqs, Vec::new())
        };
        let question = Question {
            account: query.account.as_deref(),
            since: query.since.map(schemas::Timestamp::micros),
            until: query.until.map(schemas::Timestamp::micros),
            ..Question::default()
        };
        self.record(viewer, question, seen).await?;
        Ok(found)
    }

    async fn record(
        &self,
        viewer: &Viewer,
        question: Question<'_>,
        seen: Seen,
    ) -> Result<(), HistoryError> {
        let told = self.told(viewer, question, &seen)?;
        self.write(&told).await
    }

    fn told(
        &self,
        viewer: &Viewer,
        question: Question<'_>,
        seen: &Seen,
    ) -> Result<Told, HistoryError> {
        let id = uuid::Builder::from_random_bytes(self.chance.bytes()).into_uuid();
        let told = Told::of(viewer, question, seen, (id, self.clock.now()));
        told.map_err(HistoryError::Unrecorded)
    }

    async fn write(&self, told: &Told) -> Result<(), HistoryError> {
        let written = self.book.write(told).await;
        written.map_err(HistoryError::Unrecorded)
    }
}

fn seen(checks: &[Check]) -> Seen {
    let steps = checks.iter().flat_map(|check| &check.steps);
    let handles = checks.iter().map(|check| check.handle).collect();
    Seen::of(steps.map(|step| step.seq), handles)
}

fn refusals(found: &[Refused]) -> Seen {
    let mut handles: Vec<Uuid> = found.iter().filter_map(|one| one.check).collect();
    handles.sort_unstable();
    handles.dedup();
    Seen::of(found.iter().map(|one| one.seq), handles)
}
