//! What a batch holds of each partition, and what follows from that: offsets, receipts, and the account of what was read.

use std::collections::{BTreeMap, HashMap};

use schemas::{Timestamp, Topic};
use serde::Serialize;
use stage::{Record, keep::KeepError};

use crate::{
    canonical,
    reconcile::Range as Read,
    store::{Append, Move, Receipt, View},
    tally,
};

/// The body of a `batch` entry.
#[derive(Serialize)]
struct Account {
    from_seq: i64,
    to_seq: i64,
    records: i64,
    ranges: Vec<Read>,
}

/// What a batch holds of each partition.
#[derive(Default)]
pub(crate) struct Ranges<'a>(BTreeMap<(&'a str, i32), Range>);

#[derive(Clone, Copy)]
struct Range {
    topic: Topic,
    /// Where the partition stood before.
    from: Option<i64>,
    first: i64,
    last: i64,
    records: i64,
    /// How many offsets are missing since the record before this batch.
    missing: i64,
}

impl<'a> Ranges<'a> {
    /// The ranges; [`KeepError::Moved`] if the log is already past the beginning of one.
    pub(crate) fn of(batch: &'a [Record], view: &View) -> Result<Self, KeepError> {
        let mut ranges: BTreeMap<(&str, i32), Range> = BTreeMap::new();
        for record in batch {
            let (topic, partition) = (record.position.topic.as_str(), record.position.partition);
            let offset = record.position.offset;
            let known = view.topics.get(topic);
            let stored = known.and_then(|topic| view.offsets.get(&(*topic, partition)).copied());
            let range = ranges.entry((topic, partition)).or_insert(Range {
                topic: record.topic,
                from: stored,
                first: offset,
                last: stored.unwrap_or(offset) - 1,
                records: 0,
                missing: 0,
            });
            if offset <= range.last {
                return Err(KeepError::Moved);
            }
            range.missing += offset - range.last - 1;
            range.last = offset;
            range.records += 1;
        }
        Ok(Self(ranges))
    }

    /// Adds to an append what follows from its entries: offsets, receipts, new topics; and gives what is true once it
    /// is stored.
    pub(crate) fn conclude(&self, append: &mut Append, mut view: View, now: Timestamp) -> View {
        for (name, id) in append.topics.iter().map(|(id, name)| (name.clone(), *id)) {
            view.topics.insert(name, id);
        }
        let (tree_size, root) = (append.size(), append.tree.root());
        let mut leaves: HashMap<(i32, i32), (i64, i64)> = HashMap::new();
        for entry in &append.entries {
            let (topic, partition, _) = entry.place;
            let leaf = leaves
                .entry((topic, partition))
                .or_insert((entry.seq, entry.seq));
            leaf.1 = entry.seq;
        }
        for ((name, partition), range) in &self.0 {
            let partition = *partition;
            let Some(topic) = view.topics.get(*name).copied() else {
                continue;
            };
            append.moves.push(Move {
                topic,
                partition,
                from: range.from,
                to: range.last + 1,
            });
            view.receipts += 1;
            append.receipts.push(Receipt {
                number: view.receipts,
                topic,
                partition,
                offsets: (range.first, range.last),
                leaves: leaves.get(&(topic, partition)).copied().unwrap_or_default(),
                records: range.records,
                tree_size,
                root: root.to_vec(),
                appended_at: now.micros(),
            });
        }
        for one in &append.moves {
            view.offsets.insert((one.topic, one.partition), one.to);
        }
        view.tree = append.tree.clone();
        view.edge = append.edge.clone();
        view.at = append.at;
        view
    }

    /// The body of the entry that says what was read: of each partition the offsets from where reading stood, and how
    /// many of them were no records. `entries` are the indexes that the records got, from and below.
    pub(crate) fn account(&self, entries: (i64, i64)) -> Vec<u8> {
        let account = Account {
            from_seq: entries.0,
            to_seq: entries.1 - 1,
            records: entries.1 - entries.0,
            ranges: self.read(),
        };
        canonical::to_vec(&account).expect("it holds lists, text and integers")
    }

    /// What was read: of each partition the offsets from where reading stood.
    pub(crate) fn read(&self) -> Vec<Read> {
        let ranges = self.0.iter().map(|((topic, partition), range)| Read {
            topic: (*topic).to_owned(),
            partition: *partition,
            first: range.from.unwrap_or(range.first),
            last: range.last,
            records: range.records,
            gaps: range.missing,
        });
        ranges.collect()
    }

    /// Tells of missing offsets in `raw`. The door writes without transactions, so there every offset is a record, and
    /// one that is missing was lost. In the other topics the marks of transactions take offsets, too.
    pub(crate) fn tell_gaps(&self) {
        for ((_, partition), range) in &self.0 {
            if range.topic == Topic::Raw && range.missing > 0 {
                tally::gap(*partition, (range.first, range.last));
            }
        }
    }
}
