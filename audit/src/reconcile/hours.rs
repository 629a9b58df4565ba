//! The account of an hour, and of a day: what came in, what became of it, and which offsets were read.

use serde::{Deserialize, Serialize};

use super::journey::Outcome;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;
/// Hours of a day.
pub(crate) const DAY: i64 = 24;

/// Callbacks that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sums {
    /// Callbacks in the history.
    pub(crate) accepted: i64,
    /// Of these: everybody was told who was to be told.
    pub(crate) audited: i64,
    /// Of these: refused, and admins were told.
    pub(crate) refused: i64,
    /// Of these: the provider had sent the event before.
    pub(crate) repeats: i64,
    /// Of these: the client's key was destroyed before they came to an end that can still be read.
    pub(crate) erased: i64,
}

impl Sums {
    /// Counts what a journey came to.
    pub(super) fn end(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Audited => self.audited += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Repeat => self.repeats += 1,
            Outcome::Apart => {}
        }
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.audited += other.audited;
        self.refused += other.refused;
        self.repeats += other.repeats;
        self.erased += other.erased;
    }

    /// Callbacks that came to an end.
    pub(crate) fn ended(&self) -> i64 {
        self.audited + self.refused + self.repeats + self.erased
    }
}

/// What was read of one partition: `records` and `gaps` together are the offsets from `first` to `last`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The topic's name, with its prefix.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// From where reading stood.
    pub first: i64,
    /// The last offset.
    pub last: i64,
    /// Offsets that hold records.
    pub records: i64,
    /// Offsets that hold none.
    pub gaps: i64,
}

/// The account of an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Hour {
    /// The entries of the hour: from the first, below the second.
    pub(crate) entries: (i64, i64),
    pub(crate) sums: Sums,
    /// In the order of topics and partitions.
    pub(crate) ranges: Vec<Range>,
}

impl Hour {
    /// Notes that an entry is of this hour; they come in order.
    pub(super) fn entry(&mut self, seq: i64) {
        if self.entries == (0, 0) {
            self.entries.0 = seq;
        }
        self.entries.1 = seq + 1;
    }

    /// Adds an account of what came after.
    pub(crate) fn add(&mut self, later: &Self) {
        if self.entries == (0, 0) {
            self.entries = later.entries;
        } else if later.entries != (0, 0) {
            self.entries.1 = later.entries.1;
        }
        self.sums.add(&later.sums);
        for range in &later.ranges {
            self.range(range.clone());
        }
    }

    /// Adds what was read of a partition after what is here.
    pub(super) fn range(&mut self, later: Range) {
        let key = (later.topic.as_str(), later.partition);
        let at = self
            .ranges
            .binary_search_by(|one| (one.topic.as_str(), one.partition).cmp(&key));
        match at {
            Ok(at) => {
                let range = &mut self.ranges[at];
                range.last = later.last;
                range.records += later.records;
                range.gaps += later.gaps;
            }
            Err(at) => self.ranges.insert(at, later),
        }
    }
}

/// The hour of a time in milliseconds, since 1970.
pub(crate) fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR)
}

/// When an hour begins, in milliseconds.
pub(crate) fn begin_of(hour: i64) -> i64 {
    hour.saturating_mul(HOUR)
}
