//! One batch on its way into the log: read, named, sealed and numbered, before any lock is taken.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use schemas::Topic;
use stage::{Codec, Record, Retry};
use uuid::Uuid;

use crate::{
    ahead::Made,
    body::{self, Said},
    growth::Growth,
    keys::{Found, Keys, Names, Resolved},
    leaf::Kind,
    naming,
    store::Append,
};

mod ranges;

pub(crate) use ranges::Ranges;

/// Records worked on before others get the thread: about a millisecond.
const TURN: usize = 64;

/// The records of a batch in the order of the flow, read, named, and their names looked up where that went well.
pub(crate) struct Batch {
    records: Vec<Record>,
    said: Vec<Said>,
    /// What the records are called, in their order, and last what the log's own entries are sealed for.
    names: Vec<Names>,
    found: Option<Found>,
    /// The append that was made of it ahead, if that could be.
    pub(crate) made: Option<Box<Made>>,
    /// The number of the batch among those that were readied.
    pub(crate) number: u64,
}

impl Batch {
    /// Reads and names the records, and looks their names up.
    ///
    /// Each topic is read on its own. What came before stands before what it led to, as far as one batch holds both;
    /// the order within each partition stays.
    pub(crate) async fn read(mut records: Vec<Record>, codec: &Codec, keys: &Keys) -> Self {
        records.sort_by_key(|record| rank(record.topic));
        let mut said = Vec::with_capacity(records.len());
        let mut names = Vec::with_capacity(records.len() + 1);
        for turn in records.chunks(TURN) {
            for record in turn {
                let one = naming::read(record, codec);
                names.push(naming::names(record, &one, keys));
                said.push(one);
            }
            tokio::task::yield_now().await;
        }
        names.push(naming::own(keys));
        // Who keeps the batch looks again, and says what is wrong.
        let found = keys.resolve(&names).await.ok();
        Self {
            records,
            said,
            names,
            found,
            made: None,
            number: 0,
        }
    }

    /// What the names stood for when they were looked up, if no key was destroyed since.
    pub(crate) fn found(&self, keys: &Keys) -> Option<&[Resolved]> {
        let found = self.found.as_ref().filter(|found| keys.still(found))?;
        Some(&found.resolved)
    }

    /// What the names stand for. Looked up anew where keys were destroyed since, so nothing may destroy any before
    /// what is sealed with these is appended.
    pub(crate) async fn resolved(&self, keys: &Keys) -> Result<Cow<'_, [Resolved]>, Retry> {
        match self.found(keys) {
            Some(found) => Ok(Cow::Borrowed(found)),
            None => Ok(Cow::Owned(keys.resolve(&self.names).await?.resolved)),
        }
    }

    /// The records.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// What the records turned out to be.
    pub(crate) fn said(&self) -> impl Iterator<Item = &Said> {
        self.said.iter()
    }

    /// Seals every record, and after them the account of what was read.
    pub(crate) async fn seal(
        &self,
        resolved: &[Resolved],
        mut counters: HashMap<Uuid, i64>,
        ranges: &Ranges<'_>,
        mut growth: Growth,
    ) -> Append {
        let mut numbered = BTreeMap::new();
        let from = growth.next();
        let records = self.records.iter().zip(&self.said).zip(resolved);
        for (at, ((record, said), names)) in records.enumerate() {
            if at % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let n = names.account.map(|account| {
                let n = counters.entry(account).or_insert(0);
                *n += 1;
                numbered.insert(account, *n);
                *n
            });
            let body = body::of(record, said, names.subject, n);
            growth.event(&record.position, names, &body);
        }
        if let Some(own) = resolved.get(self.records.len()) {
            let account = ranges.account((from, growth.next()));
            growth.own(Kind::Batch, own, &account);
        }
        let mut append = growth.finish();
        append.counters = numbered.into_iter().collect();
        append
    }
}

/// The place of a topic in the flow: what comes earlier leads to what comes later.
pub(crate) fn rank(topic: Topic) -> u8 {
    match topic {
        Topic::Raw => 0,
        Topic::Checked => 1,
        Topic::Enriched | Topic::Rejected => 2,
        Topic::Notified => 3,
        Topic::Operated => 4,
        Topic::Audited => 5,
    }
}
