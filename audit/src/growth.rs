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

/// An append in the making.
pub(crate) struct Growth {
    topics: HashMap<String, i32>,
    /// The growing tiles before.
    edge: Edge,
    /// Where the log's own entries stand: the number of their topic, and how many there were; none before the first.
    own: Option<(i32, i64)>,
    /// How many there are now.
    own_next: i64,
    at_text: String,
    chance: Chance,
    append: Append,
}

impl Growth {
    /// Nothing yet: on this view, at this time in milliseconds.
    pub(crate) fn of(view: &View, at: i64, chance: Chance) -> Self {
        let own = view.topics.get(OWN).copied();
        let own = own.and_then(|topic| Some((topic, view.offsets.get(&(topic, 0)).copied()?)));
        Self {
            topics: view.topics.clone(),
            edge: view.edge.clone(),
            own,
            own_next: own.map_or(0, |(_, next)| next),
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
        let (seq, topic) = (self.next(), self.topic(OWN));
        let place = (topic, 0, self.own_next);
        self.own_next += 1;
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
        let before = self.own.map_or(0, |(_, next)| next);
        if let Some(topic) = self.topics.get(OWN).filter(|_| self.own_next > before) {
            self.append.moves.push(Move {
                topic: *topic,
                partition: 0,
                from: self.own.map(|(_, next)| next),
                to: self.own_next,
            });
        }
        self.append
    }
}
