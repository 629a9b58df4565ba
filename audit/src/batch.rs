//! One batch on its way into the log: read, named, sealed and numbered, before any lock is taken.

use std::collections::{BTreeMap, HashMap};

use schemas::{Timestamp, Topic};
use stage::{Chance, Codec, Record, keep::KeepError};
use uuid::Uuid;

use crate::{
    body::{self, Said},
    keys::{Keys, Names, Resolved},
    leaf, naming,
    store::{Append, Entry, Move, Receipt, View, signed},
    tally,
    tree::leaf_hash,
};

/// Records worked on before others get the thread: about a millisecond.
const TURN: usize = 64;

/// What a batch holds of each partition.
pub(crate) struct Ranges<'a>(BTreeMap<(&'a str, i32), Range>);

#[derive(Clone, Copy)]
struct Range {
    topic: Topic,
    /// Where the partition stood before.
    from: Option<i64>,
    first: i64,
    last: i64,
    records: i64,
    /// Whether offsets are missing since the record before.
    gaps: bool,
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
                last: offset - 1,
                records: 0,
                gaps: stored.is_some_and(|next| next < offset),
            });
            if offset <= range.last || stored.is_some_and(|next| offset < next) {
                return Err(KeepError::Moved);
            }
            range.gaps |= offset > range.last + 1;
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
            let to = range.last + 1;
            append.moves.push(Move {
                topic,
                partition,
                from: range.from,
                to,
            });
            view.offsets.insert((topic, partition), to);
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
        view.tree = append.tree.clone();
        view.at = append.at;
        view
    }

    /// Tells of missing offsets in `raw`. The door writes without transactions, so there every offset is a record, and
    /// one that is missing was lost. In the other topics the marks of transactions take offsets, too.
    pub(crate) fn tell_gaps(&self) {
        for ((_, partition), range) in &self.0 {
            if range.topic == Topic::Raw && range.gaps {
                tally::gap(*partition, (range.first, range.last));
            }
        }
    }
}

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
            names: Vec::with_capacity(batch.len()),
        };
        for turn in ordered.chunks(TURN) {
            for record in turn {
                let said = naming::read(record, codec);
                this.names.push(naming::names(record, &said, keys));
                this.records.push((record, said));
            }
            tokio::task::yield_now().await;
        }
        this
    }

    /// What the records are called, in their order.
    pub(crate) fn names(&self) -> &[Names] {
        &self.names
    }

    /// What the records turned out to be.
    pub(crate) fn said(&self) -> impl Iterator<Item = &Said> {
        self.records.iter().map(|(_, said)| said)
    }

    /// Ready to be sealed: against this view, with this time.
    pub(crate) fn seal<'b>(
        self,
        resolved: &'b [Resolved],
        counters: HashMap<Uuid, i64>,
        (view, at): (&View, i64),
    ) -> Sealing<'a, 'b> {
        let mut topics = view.topics.clone();
        let mut new = Vec::new();
        for (record, _) in &self.records {
            let name = &record.position.topic;
            if !topics.contains_key(name) {
                // The number is free: only who appends gives one, and the size is compared when this batch does.
                let id = i32::try_from(topics.len()).unwrap_or(i32::MAX);
                topics.insert(name.clone(), id);
                new.push((id, name.clone()));
            }
        }
        Sealing {
            records: self.records,
            resolved,
            topics,
            at_text: leaf::time_text(at),
            numbered: BTreeMap::new(),
            counters,
            append: Append {
                before: signed(view.tree.size()),
                tree: view.tree.clone(),
                at,
                entries: Vec::with_capacity(resolved.len()),
                topics: new,
                moves: Vec::new(),
                counters: Vec::new(),
                receipts: Vec::new(),
            },
        }
    }
}

/// A batch that is being sealed.
pub(crate) struct Sealing<'a, 'b> {
    records: Vec<(&'a Record, Said)>,
    resolved: &'b [Resolved],
    topics: HashMap<String, i32>,
    at_text: String,
    counters: HashMap<Uuid, i64>,
    numbered: BTreeMap<Uuid, i64>,
    append: Append,
}

impl Sealing<'_, '_> {
    /// Seals every record.
    pub(crate) async fn finish(mut self, chance: Chance) -> Append {
        let records = std::mem::take(&mut self.records);
        for (at, ((record, said), names)) in records.iter().zip(self.resolved).enumerate() {
            if at % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            self.seal(record, said, names, chance);
        }
        self.append.counters = self.numbered.into_iter().collect();
        self.append
    }

    fn seal(&mut self, record: &Record, said: &Said, names: &Resolved, chance: Chance) {
        let n = names.account.map(|account| {
            let n = self.counters.entry(account).or_insert(0);
            *n += 1;
            self.numbered.insert(account, *n);
            *n
        });
        let body = body::of(record, said, names.subject, n);
        let salt = chance.bytes();
        let position = &record.position;
        let origin = (position.topic.as_str(), position.partition, position.offset);
        let leaf = leaf::event(&leaf::commit(&salt, &body), origin, &self.at_text);
        let leaf_hash = leaf_hash(&leaf);
        let topic = self
            .topics
            .get(&position.topic)
            .copied()
            .unwrap_or_default();
        self.append.entries.push(Entry {
            seq: signed(self.append.tree.size()),
            place: (topic, position.partition, position.offset),
            leaf,
            leaf_hash,
            subject: names.subject,
            check: names.check,
            sealed: names.key.seal(chance.bytes(), &leaf_hash, (&salt, &body)),
        });
        self.append.tree.push(leaf_hash);
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
