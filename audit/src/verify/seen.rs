//! What the leaves of a log say beside what must hold: where its clock was set, and what a day has.

use std::collections::BTreeMap;

use super::form::Leaf;
use crate::reconcile::Range;

/// Most clock steps that are listed; a clock that is set more often has no time worth reading.
const MAX_STEPS: usize = 20;
/// The partition of the log's own entries that tell that the clock was set.
const CLOCK: (&str, i32) = (r#""""#, crate::growth::CLOCK);

/// An entry that tells that the clock of the log was set: times before it and after it are of two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The entry.
    pub index: u64,
    /// The time in its leaf, by the clock as it was set, in milliseconds; never before that of the entry before.
    pub at: i64,
}

/// What a day has, as the leaves tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Day {
    /// When it begins and ends, in milliseconds.
    range: (i64, i64),
    /// How many leaves are read: those that the statement covers.
    below: u64,
    /// The entries of the day: from the first, below the second.
    pub(super) entries: Option<(u64, u64)>,
    /// The last offset of each partition so far.
    last: BTreeMap<(String, i32), i64>,
    /// What the day has of each.
    ranges: BTreeMap<(String, i32), Range>,
}

impl Day {
    pub(super) fn new(range: (i64, i64), below: u64) -> Self {
        Self {
            range,
            below,
            ..Self::default()
        }
    }

    fn take(&mut self, index: u64, leaf: &Leaf<'_>) {
        if index >= self.below {
            return;
        }
        let (topic, partition, offset) = leaf.source;
        let own = topic == CLOCK.0;
        let key = (topic.to_owned(), partition);
        let first = self.last.get(&key).map_or(offset, |last| last + 1);
        if (self.range.0..self.range.1).contains(&leaf.at) {
            let from = self.entries.map_or(index, |(from, _)| from);
            self.entries = Some((from, index + 1));
            if !own {
                let range = self.ranges.entry(key.clone()).or_insert_with(|| Range {
                    topic: serde_json::from_str(topic).unwrap_or_default(),
                    partition,
                    first,
                    last: first - 1,
                    records: 0,
                    gaps: 0,
                });
                range.gaps += offset - range.last - 1;
                range.last = offset;
                range.records += 1;
            }
        }
        self.last.insert(key, offset);
    }

    /// What was read of each partition.
    pub(super) fn ranges(&self) -> Vec<Range> {
        self.ranges.values().cloned().collect()
    }
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) steps: Vec<ClockStep>,
    pub(super) day: Option<Day>,
}

impl Seen {
    /// Takes the next leaf.
    pub(super) fn take(&mut self, index: u64, leaf: &Leaf<'_>) {
        let (topic, partition, _) = leaf.source;
        if (topic, partition) == CLOCK && self.steps.len() < MAX_STEPS {
            self.steps.push(ClockStep { index, at: leaf.at });
        }
        if let Some(day) = &mut self.day {
            day.take(index, leaf);
        }
    }
}
