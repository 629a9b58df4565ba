//! What was refused, for those who mend and replay it.

use std::collections::HashMap;

use schemas::{RawPointer, Timestamp, Topic};
use serde::Serialize;
use uuid::Uuid;

use super::{History, HistoryError, Source, step::Read};
use crate::{body::topic_of, seal::Kind, store::Stored};

/// Most refusals given at once.
const MOST: usize = 1_000;

/// A refusal, as `idtrail rejected list --json` prints it; null where it is not known.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// The refusal's id.
    pub id: Option<String>,
    /// When it got its place in the history.
    pub at: Timestamp,
    /// Who refused.
    pub stage: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The path of the field at fault.
    pub field: Option<String>,
    /// What probably lies behind it.
    pub probable_cause: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The provider's reference.
    pub provider_reference: Option<String>,
    /// The record that was refused.
    pub source: Option<Source>,
    /// The index of its leaf: where the next page begins.
    #[serde(skip)]
    pub seq: i64,
    /// The check that it belongs to.
    #[serde(skip)]
    pub(crate) check: Option<Uuid>,
    /// The raw record behind it, which holds the bytes as long as `raw` keeps them.
    #[serde(skip)]
    pub raw: Option<RawPointer>,
}

impl History {
    /// Refusals whose entries come after one (-1 for all), oldest first; an empty answer is the end.
    pub(crate) async fn rejected(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Refused>, HistoryError> {
        let topics: HashMap<i32, String> = self.store.topics().await?.into_iter().collect();
        let limit = i64::try_from(limit.clamp(1, MOST)).unwrap_or(1);
        let mut rows = Vec::new();
        // One topic, unless the prefix was changed.
        for (id, name) in &topics {
            if topic_of(name) == Some(Topic::Rejected) {
                rows.extend(self.store.of_topic(*id, after, limit).await?);
            }
        }
        rows.sort_by_key(|row| row.seq);
        rows.truncate(usize::try_from(limit).unwrap_or(MOST));
        let read = self.open_all(rows, &topics).await?;
        Ok(read.iter().map(refused).collect())
    }

    /// A refusal by its id.
    pub(crate) async fn rejected_by_id(&self, id: &str) -> Result<Option<Refused>, HistoryError> {
        let checks = self.keys.checks(&[self.blind(Kind::Event, id)]).await?;
        if checks.is_empty() {
            return Ok(None);
        }
        let size = self.store.size().await?;
        let topics: HashMap<i32, String> = self.store.topics().await?.into_iter().collect();
        let limit = i64::try_from(super::MAX_STEPS).unwrap_or(i64::MAX);
        let rows = self.store.of_checks(&checks, size, limit).await?;
        let read = self.open_all(rows, &topics).await?;
        let refusals = read
            .iter()
            .filter(|(_, read)| read.topic() == Some(Topic::Rejected));
        Ok(refusals
            .map(refused)
            .find(|refused| refused.id.as_deref() == Some(id)))
    }
}

fn refused((row, read): &(Stored, Read)) -> Refused {
    let text = |pointer: &str| read.body.as_ref().and_then(|body| body.text(pointer));
    let raw = read
        .raw()
        .zip(text("/raw/sha256"))
        .map(|(place, sha256)| RawPointer {
            topic: place.topic,
            partition: place.partition,
            offset: place.offset,
            sha256,
        });
    Refused {
        id: text("/id"),
        at: Timestamp::from_micros(read.at.saturating_mul(1_000)),
        stage: text("/stage"),
        reason: text("/reason"),
        field: text("/field"),
        probable_cause: text("/probable_cause"),
        provider: text("/provider"),
        provider_reference: text("/provider_reference"),
        source: read.source().map(Source::from),
        seq: read.seq,
        check: row.check_handle,
        raw,
    }
}
