//! What the spool holds, in memory: its size, and the keys that have records in it.

use std::collections::HashMap;

use schemas::Timestamp;

use super::{ring::Hash, row::Stub};

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// What the spool holds. Room is taken before a record is written, and given back once it is deleted.
#[derive(Debug)]
pub(super) struct Ledger {
    limits: Limits,
    keys: HashMap<Hash, u64>,
    /// Records to be sent, those being written among them.
    records: u64,
    /// What they and those set aside weigh.
    bytes: u64,
    /// Records that the broker refuses for ever.
    set_aside: u64,
    drained: u64,
    next: i64,
    /// When the oldest was taken, as of the last write.
    oldest: Option<Timestamp>,
}

/// What a file held when it was opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) keys: HashMap<Hash, u64>,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) set_aside: u64,
    pub(super) last: i64,
    pub(super) oldest: Option<Timestamp>,
}

impl Ledger {
    pub(super) fn new(limits: Limits, found: Found) -> Self {
        Self {
            limits,
            keys: found.keys,
            records: found.records,
            bytes: found.bytes,
            set_aside: found.set_aside,
            drained: 0,
            next: found.last + 1,
            oldest: found.oldest,
        }
    }

    /// Room for a record of this key, and its number; none when the spool is full.
    pub(super) fn reserve(&mut self, hash: Hash, bytes: u64) -> Option<i64> {
        let all = self.bytes.checked_add(bytes)?;
        if all > self.limits.bytes || self.records + self.set_aside >= self.limits.records {
            return None;
        }
        self.bytes = all;
        self.records += 1;
        *self.keys.entry(hash).or_default() += 1;
        self.next += 1;
        Some(self.next - 1)
    }

    /// The record was not written: its room is free again.
    pub(super) fn release(&mut self, stub: &Stub) {
        self.leave(stub.hash);
        self.bytes = self.bytes.saturating_sub(stub.bytes);
    }

    /// The broker has the record, and it is deleted.
    pub(super) fn drained(&mut self, stub: &Stub) {
        self.release(stub);
        self.drained += 1;
    }

    /// The record is set aside: newer ones of its key may pass, but it still takes room.
    pub(super) fn set_aside(&mut self, stub: &Stub) {
        self.leave(stub.hash);
        self.set_aside += 1;
    }

    fn leave(&mut self, hash: Hash) {
        self.records = self.records.saturating_sub(1);
        if let Some(count) = self.keys.get_mut(&hash) {
            *count -= 1;
            if *count == 0 {
                self.keys.remove(&hash);
            }
        }
    }

    /// Whether a key that is known by any of these hashes has records here.
    pub(super) fn holds(&self, mut hashes: impl Iterator<Item = Hash>) -> bool {
        !self.keys.is_empty() && hashes.any(|hash| self.keys.contains_key(&hash))
    }

    pub(super) fn oldest(&mut self, oldest: Option<Timestamp>) {
        self.oldest = oldest;
    }

    /// The number that the next record gets.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    pub(super) fn status(&self, now: Timestamp) -> Status {
        let age = |at: Timestamp| now.micros().saturating_sub(at.micros()).max(0) / 1_000_000;
        Status {
            records: self.records,
            bytes: self.bytes,
            max_bytes: self.limits.bytes,
            max_records: self.limits.records,
            oldest_seconds: self.oldest.map_or(0, age),
            drained: self.drained,
            set_aside: self.set_aside,
        }
    }
}

/// How the spool stands, for `/status`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// Records that are to be sent.
    pub records: u64,
    /// What they and those set aside weigh.
    pub bytes: u64,
    /// What they may weigh.
    pub max_bytes: u64,
    /// How many they and those set aside may be.
    pub max_records: u64,
    /// How long the oldest has waited.
    pub oldest_seconds: i64,
    /// Records sent since the start.
    pub drained: u64,
    /// Records that the broker refuses for ever, or that cannot be opened.
    pub set_aside: u64,
}

impl Status {
    /// How much of the room is taken: 1 means that nothing more is. Of bytes and number, what is nearer to its bound.
    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^52 these are no longer numbers for people"
    )]
    pub(super) fn filled(&self) -> f64 {
        let share = |of: u64, all: u64| of as f64 / all.max(1) as f64;
        share(self.bytes, self.max_bytes)
            .max(share(self.records + self.set_aside, self.max_records))
    }
}
