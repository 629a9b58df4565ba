//! What one transaction adds to the log, entry by entry: sealed, numbered and hashed before any lock is taken.

use std::collections::HashMap;

use schemas::Position;
use stage::Chance;

use crate::{
    keys::Resolved,
    leaf::{self, Kind},
    log::{edge::Edge, tree::leaf_hash},
    store::{Append, Entry, Move, OWN, Place, View, signed},
};

/// The partition of the log's own entries that tell what it did.
const ACTS: i32 = 0;
/// The partition of those that tell that the clock was set. It has one of its own, so that the leaf alone tells it: whoever
/// cannot open a body must still know which times are by another clock.
pub(crate) const CLOCK: i32 = 1;

/// The log's own entries of one partition.
#[derive(Clone, Copy, Default)]
struct Own {
    /// How many there were; none before the first.
    before: Option<i64>,
    /// How many there are now.
    next: i64,
}

/// An append in the making.
pub(crate) struct Growth {
    topics: HashMap<String, i32>,
    /// The growing tiles before.
    edge: Edge,
    /// The log's own entries, by their partitions.
    own: [Own; 2],
    at_text: String,
    chance: Chance,
    append: Append,
}

impl Growth {
    /// Nothing yet: on this view, at this time in milliseconds.
    pub(crate) fn of(view: &View, at: i64, chance: Chance) -> Self {
        let topic = view.topics.get(OWN).copied();
        let own = [ACTS, CLOCK].map(|partition| {
            let before = topic.and_then(|topic| view.offsets.get(&(topic, partition)).copied());
            Own {
                before,
                next: before.unwrap_or(0),
            }
        });
        Self {
            topics: view.topics.clone(),
            edge: view.edge.clone(),
            own,
            at_text: leaf::time_text(at),
            chance,
            append: Append {
                before: signed(view.tree.size()),
                tree: view.tree.clone(),
                edge: view.edge.clone(),
                tiles: Vec::new(),
                at,
                entries: Vec::new(),
                topics: Vec::new(),
                moves: Vec::new(),
                counters: Vec::new(),
                receipts: Vec::new(),
            },
        }
    }

    /// The index that the next entry gets.
    pub(crate) fn next(&self) -> i64 {
        self.append.size()
    }

    /// Adds the entry of a record.
    pub(crate) fn event(&mut self, position: &Position, names: &Resolved, body: &[u8]) {
        let topic = self.topic(&position.topic);
        let place = (topic, position.partition, position.offset);
        self.push(Kind::Event, (place, &position.topic), names, body);
    }

    /// Adds an entry of the log's own; gives its index.
    pub(crate) fn own(&mut self, kind: Kind, service: &Resolved, body: &[u8]) -> i64 {
        self.own_in(ACTS, kind, service, body)
    }

    /// Adds the entry that tells that the clock was set.
    pub(crate) fn clock(&mut self, service: &Resolved, body: &[u8]) {
        self.own_in(CLOCK, Kind::Batch, service, body);
    }

    fn own_in(&mut self, partition: i32, kind: Kind, service: &Resolved, body: &[u8]) -> i64 {
        let (seq, topic) = (self.next(), self.topic(OWN));
        let own = usize::try_from(partition).unwrap_or(0);
        let place = (topic, partition, self.own[own].next);
        self.own[own].next += 1;
        self.push(kind, (place, OWN), service, body);
        seq
    }

    /// The number of a topic. A new one is free: only who appends gives one, and the size is compared when this does.
    fn topic(&mut self, name: &str) -> i32 {
        if let Some(topic) = self.topics.get(name) {
            return *topic;
        }
        let id = i32::try_from(self.topics.len()).unwrap_or(i32::MAX);
        self.topics.insert(name.to_owned(), id);
        self.append.topics.push((id, name.to_owned()));
        id
    }

    fn push(&mut self, kind: Kind, (place, topic): (Place, &str), names: &Resolved, body: &[u8]) {
        let salt = self.chance.bytes();
        let origin = (topic, place.1, place.2);
        let leaf = leaf::of(kind, &leaf::commit(&salt, body), origin, &self.at_text);
        let leaf_hash = leaf_hash(&leaf);
        let nonce = self.chance.bytes();
        self.append.entries.push(Entry {
            seq: self.append.size(),
            place,
            leaf,
            leaf_hash,
            subject: names.subject,
            check: names.check,
            sealed: names.key.seal(nonce, &leaf_hash, (&salt, body)),
        });
        self.append.tree.push(leaf_hash);
    }

    /// All of it, with the tiles that change.
    pub(crate) fn finish(mut self) -> Append {
        let leaves = self.append.entries.iter().map(|entry| entry.leaf_hash);
        self.append.tiles = self.edge.push(leaves);
        self.append.edge = self.edge;
        if let Some(topic) = self.topics.get(OWN) {
            for (partition, own) in [ACTS, CLOCK].into_iter().zip(self.own) {
                if own.next > own.before.unwrap_or(0) {
                    self.append.moves.push(Move {
                        topic: *topic,
                        partition,
                        from: own.before,
                        to: own.next,
                    });
                }
            }
        }
        self.append
    }
}
