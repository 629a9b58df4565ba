//! Judging what is open: whose time is over, and what is the matter with it.

use std::collections::HashMap;

use schemas::{Position, Timestamp};
use stage::Retry;

use super::{
    Reconciler,
    journey::{Fault, begins_with_a_callback, fits},
    millis,
    piece::{Notice, Piece, part},
    tables::Row,
    walk::Desk,
};
use crate::{
    body::{Opened, position_of},
    keys,
    store::Stored,
};

/// Journeys judged in one transaction.
const TOGETHER: i64 = 100;

/// What an open journey is, once its time is over.
enum Verdict {
    /// What it lacks must still come.
    Missing(String),
    /// Its client's key was destroyed, and what ended it can be read no more.
    Erased,
    /// These records are at fault, and nothing is open.
    Wrong(Vec<(Fault, String)>),
}

impl Reconciler {
    /// Judges every journey whose time is over.
    pub(super) async fn judge(&self, now: Timestamp) -> Result<(), Retry> {
        let before = now.millis() - millis(self.grace);
        let mut state = self.tables.state().await?;
        let topics = self.store.topics().await?;
        let topics: HashMap<String, i32> =
            topics.into_iter().map(|(id, name)| (name, id)).collect();
        loop {
            // Each round takes what it judged out of the next one's question.
            let due = self.tables.due(before, TOGETHER).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut desk = Desk::default();
            for (root, mut row) in due {
                match self.verdict(&root, &row, &topics).await? {
                    Verdict::Missing(place) => {
                        desk.find(Fault::NoSuccessor, &place);
                        row.overdue = true;
                        desk.put(root, row);
                    }
                    Verdict::Erased => {
                        if let Some(hour) = row.hour {
                            desk.hours.entry(hour).or_default().sums.erased += 1;
                            state.counted.sums.erased += 1;
                        }
                        desk.close(&root);
                    }
                    Verdict::Wrong(found) => {
                        for (fault, place) in found {
                            desk.find(fault, &place);
                        }
                        desk.close(&root);
                    }
                }
            }
            self.change(&mut state, desk).await?;
        }
    }

    async fn verdict(
        &self,
        root: &str,
        row: &Row,
        topics: &HashMap<String, i32>,
    ) -> Result<Verdict, Retry> {
        if let Some(notices) = row.journey.only_told() {
            return self.early(root, notices, topics).await.map(Verdict::Wrong);
        }
        if let Some(seen) = row.journey.without_raw(root) {
            let fault = self.lacking(root, topics).await?;
            let found = fault.map(|fault| (fault, seen.to_owned()));
            return Ok(Verdict::Wrong(found.into_iter().collect()));
        }
        if begins_with_a_callback(root)
            && let Some(entry) = self.entry(root, topics).await?
            && self.keys.data_keys(&[entry.subject]).await?.is_empty()
        {
            return Ok(Verdict::Erased);
        }
        Ok(Verdict::Missing(row.journey.newest(root).to_owned()))
    }

    /// What is wrong with a record that names one before it which is not open; nothing if that one is from before the
    /// history.
    async fn lacking(
        &self,
        root: &str,
        topics: &HashMap<String, i32>,
    ) -> Result<Option<Fault>, Retry> {
        if self.entry(root, topics).await?.is_some() {
            // It came to its end without this one.
            return Ok(Some(Fault::TwoSuccessors));
        }
        let place = position_of(root);
        let known = place.and_then(|place| Some((*topics.get(&place.topic)?, place)));
        let Some((topic, place)) = known else {
            return Ok(Some(Fault::NoPredecessor));
        };
        let first = self.store.first_offset((topic, place.partition)).await?;
        let older = first.is_some_and(|first| place.offset < first);
        Ok((!older).then_some(Fault::NoPredecessor))
    }

    /// What is wrong with notices of a record that no open journey ends with.
    async fn early(
        &self,
        source: &str,
        notices: &[Notice],
        topics: &HashMap<String, i32>,
    ) -> Result<Vec<(Fault, String)>, Retry> {
        let Some(fault) = self.lacking(source, topics).await? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for notice in notices {
            // Of a refusal admins also get the count of those that followed it, which is no second end.
            if fault == Fault::NoPredecessor || self.ends(source, notice, topics).await? {
                found.push((fault, notice.place.clone()));
            }
        }
        Ok(found)
    }

    /// Whether a notice ends the record that it tells of. One whose key was destroyed says nothing against it.
    async fn ends(
        &self,
        source: &str,
        notice: &Notice,
        topics: &HashMap<String, i32>,
    ) -> Result<bool, Retry> {
        let Some(entry) = self.entry(source, topics).await? else {
            return Ok(false);
        };
        let opened = keys::open_bodies(self.keys.as_ref(), &self.kek, vec![entry]).await?;
        let body = opened.into_iter().find_map(|(_, body)| body);
        let (Some(body), Some(place)) = (body, position_of(source)) else {
            return Ok(false);
        };
        let part = part(&place, 0, Opened::read(body.bytes()).as_ref());
        let Some(Piece::End(end)) = part.map(|part| part.piece) else {
            return Ok(false);
        };
        Ok(fits(Some(&(source.to_owned(), end)), notice))
    }

    async fn entry(
        &self,
        place: &str,
        topics: &HashMap<String, i32>,
    ) -> Result<Option<Stored>, Retry> {
        let Some(Position {
            topic,
            partition,
            offset,
        }) = position_of(place)
        else {
            return Ok(None);
        };
        let Some(topic) = topics.get(&topic) else {
            return Ok(None);
        };
        let places = [(*topic, partition, offset)];
        let found = self.store.at(&places, i64::MAX).await?;
        Ok(found.into_iter().next())
    }
}
