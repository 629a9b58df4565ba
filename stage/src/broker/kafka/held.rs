//! Records that were read and not yet given out, and when they make a batch.

use std::time::{Duration, Instant};

use crate::{BatchLimit, Record};

/// How long one look at the client lasts: within this a reader notices that its caller has left.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// The client counts in milliseconds, and would spin on less.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);

/// The records, in the order in which they came.
#[derive(Default)]
pub(super) struct Held {
    records: Vec<Record>,
    bytes: usize,
    since: Option<Instant>,
}

impl Held {
    /// Keeps what a look has brought.
    pub(super) fn extend(&mut self, found: Option<Record>) {
        if let Some(record) = found {
            self.push(record);
        }
    }

    fn push(&mut self, record: Record) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += record.bytes();
        self.records.push(record);
    }

    /// Whether they make a batch: full, or the first has waited long enough for more.
    pub(super) fn is_due(&self, limit: &BatchLimit) -> bool {
        self.records.len() >= limit.records
            || self.bytes >= limit.bytes
            || self
                .since
                .is_some_and(|since| since.elapsed() >= limit.wait)
    }

    /// How long to wait for the next record.
    pub(super) fn look(&self, limit: &BatchLimit) -> Duration {
        match self.since {
            None => LOOK,
            Some(since) => limit
                .wait
                .saturating_sub(since.elapsed())
                .clamp(SHORTEST_LOOK, LOOK),
        }
    }

    /// Takes a batch out.
    pub(super) fn take(&mut self, limit: &BatchLimit) -> Vec<Record> {
        let mut batch = std::mem::take(&mut self.records);
        let mut left = limit.bytes;
        // More than the limit is there only where an earlier, abandoned call had a larger one.
        let fits = batch
            .iter()
            .take(limit.records.max(1))
            .take_while(|record| {
                let begins = left > 0;
                left = left.saturating_sub(record.bytes());
                begins
            })
            .count();
        self.records = batch.split_off(fits);
        self.bytes = self.records.iter().map(Record::bytes).sum();
        self.since = (!self.records.is_empty()).then(Instant::now);
        batch
    }

    /// Forgets the records of partitions that this member no longer reads, or will read again.
    pub(super) fn forget(&mut self, gone: impl Fn(&Record) -> bool) {
        self.records.retain(|record| !gone(record));
        self.bytes = self.records.iter().map(Record::bytes).sum();
        if self.records.is_empty() {
            self.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Position, Timestamp, Topic};

    use super::*;

    fn record(offset: i64, bytes: usize) -> Record {
        Record {
            topic: Topic::Raw,
            position: Position {
                topic: "t.raw".to_owned(),
                partition: 0,
                offset,
            },
            timestamp: Timestamp::from_micros(0),
            key: None,
            headers: Vec::new(),
            value: Some(vec![0; bytes]),
        }
    }

    fn limit(records: usize, bytes: usize) -> BatchLimit {
        BatchLimit {
            records,
            bytes,
            wait: Duration::from_mins(1),
        }
    }

    #[test]
    fn a_batch_ends_with_the_record_that_passes_the_limit() {
        let mut held = Held::default();
        for offset in 0..5 {
            held.push(record(offset, 10));
        }
        assert!(held.is_due(&limit(5, 100)) && held.is_due(&limit(9, 50)));
        assert!(!held.is_due(&limit(6, 51)));
        assert_eq!(held.take(&limit(9, 21)).len(), 3);
        assert_eq!(held.take(&limit(1, 21)).len(), 1);
        assert_eq!(held.take(&limit(9, 99)).len(), 1);
        assert!(!held.is_due(&limit(1, 1)));
    }

    #[test]
    fn what_is_forgotten_no_longer_counts() {
        let mut held = Held::default();
        held.push(record(0, 10));
        held.forget(|record| record.position.offset == 0);
        assert!(!held.is_due(&BatchLimit {
            wait: Duration::ZERO,
            ..limit(9, 9)
        }));
    }
}
