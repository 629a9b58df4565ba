//! One batch on its way into the log: read, named, sealed and numbered, before any lock is taken.

use std::collections::{BTreeMap, HashMap};

use schemas::Topic;
use stage::{Codec, Record};
use uuid::Uuid;

use crate::{
    body::{self, Said},
    growth::Growth,
    keys::{Keys, Names, Resolved},
    leaf::Kind,
    naming,
    store::Append,
};

mod ranges;

pub(crate) use ranges::Ranges;

/// Records worked on before others get the thread: about a millisecond.
const TURN: usize = 64;

/// The records of a batch in the order of the flow, read and named.
pub(crate) struct Batch<'a> {
    records: Vec<(&'a Record, Said)>,
    names: Vec<Names>,
}

impl<'a> Batch<'a> {
    /// Reads and names the records.
    ///
    /// Each topic is read on its own. What came before stands before what it led to, as far as one batch holds both;
    /// the order within each partition stays.
    pub(crate) async fn read(batch: &'a [Record], codec: &Codec, keys: &Keys) -> Self {
        let mut ordered: Vec<&Record> = batch.iter().collect();
        ordered.sort_by_key(|record| rank(record.topic));
        let mut this = Self {
            records: Vec::with_capacity(batch.len()),
            names: Vec::with_capacity(batch.len() + 1),
        };
        for turn in ordered.chunks(TURN) {
            for record in turn {
                let said = naming::read(record, codec);
                this.names.push(naming::names(record, &said, keys));
                this.records.push((record, said));
            }
            tokio::task::yield_now().await;
        }
        this.names.push(naming::own(keys));
        this
    }

    /// What the records are called, in their order, and last what the log's own entries are sealed for.
    pub(crate) fn names(&self) -> &[Names] {
        &self.names
    }

    /// What the records turned out to be.
    pub(crate) fn said(&self) -> impl Iterator<Item = &Said> {
        self.records.iter().map(|(_, said)| said)
    }

    /// Seals every record, and after them the account of what was read.
    pub(crate) async fn seal(
        self,
        resolved: &[Resolved],
        mut counters: HashMap<Uuid, i64>,
        ranges: &Ranges<'_>,
        mut growth: Growth,
    ) -> Append {
        let mut numbered = BTreeMap::new();
        let from = growth.next();
        for (at, ((record, said), names)) in self.records.iter().zip(resolved).enumerate() {
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
