//! The receipts of the history, held against what the topics hold.

use std::collections::BTreeMap;

use schemas::{AnyEvent, Topic};
use stage::Record;

use super::Whole;

const AUDITED: [Topic; 6] = [
    Topic::Raw,
    Topic::Checked,
    Topic::Enriched,
    Topic::Notified,
    Topic::Rejected,
    Topic::Operated,
];

/// A partition by its topic's name.
type At = (String, i32);
/// First and last offset, and how many records.
type Range = (i64, i64, i64);

/// The receipts cover every record of every topic exactly once.
pub(super) fn receipts(whole: &Whole) -> Result<i64, String> {
    let mut covered: BTreeMap<At, Vec<Range>> = BTreeMap::new();
    for (_, event) in whole.of(Topic::Audited) {
        let AnyEvent::Audited(audited) = event else {
            panic!("not an audited event")
        };
        let (topic, partition, first, last) = audited.covers();
        covered
            .entry((topic.to_owned(), partition))
            .or_default()
            .push((first, last, audited.records()));
    }
    let mut entries = 0;
    for topic in AUDITED {
        let records: Vec<&Record> = if topic == Topic::Raw {
            whole.raw.iter().collect()
        } else {
            whole.of(topic).iter().map(|(record, _)| record).collect()
        };
        let mut by_partition: BTreeMap<(String, i32), Vec<i64>> = BTreeMap::new();
        for record in records {
            let at = &record.position;
            by_partition
                .entry((at.topic.clone(), at.partition))
                .or_default()
                .push(at.offset);
        }
        for (at, offsets) in by_partition {
            let mut ranges = covered.remove(&at).unwrap_or_default();
            ranges.sort_unstable();
            for pair in ranges.windows(2) {
                assert!(
                    pair[0].1 < pair[1].0,
                    "{at:?}: two receipts cover the same offsets"
                );
            }
            for (first, last, records) in ranges {
                let seen = offsets
                    .iter()
                    .filter(|offset| (first..=last).contains(offset))
                    .count();
                assert_eq!(
                    i64::try_from(seen).unwrap(),
                    records,
                    "{at:?}: a receipt counts other records than there are"
                );
                entries += records;
            }
            let newest = offsets.last().copied().unwrap_or(-1);
            let count = i64::try_from(offsets.len()).unwrap();
            let have: i64 = entries_of(whole, &at);
            if have != count {
                return Err(format!(
                    "{at:?}: {have} of {count} records stand in the history, the newest is {newest}"
                ));
            }
        }
    }
    Ok(entries)
}

fn entries_of(whole: &Whole, at: &(String, i32)) -> i64 {
    let receipts = whole.of(Topic::Audited).iter().filter_map(|(_, event)| {
        if let AnyEvent::Audited(audited) = event {
            Some(audited)
        } else {
            None
        }
    });
    receipts
        .filter(|audited| {
            let (topic, partition, ..) = audited.covers();
            (topic, partition) == (at.0.as_str(), at.1)
        })
        .map(schemas::Audited::records)
        .sum()
}
