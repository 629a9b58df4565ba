//! What the tests write and read, and how they tell records apart.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Topic;
use stage::{BatchLimit, Output, Reader, Record, Start, Subscription, broker::Assigned};

use super::house::within;

pub(crate) fn limit(records: usize) -> BatchLimit {
    BatchLimit {
        records,
        ..BatchLimit::default()
    }
}

pub(crate) fn assigned(topic: Topic, partition: i32, start: Start) -> Assigned {
    Assigned {
        topic,
        partition,
        start,
    }
}

pub(crate) fn output(topic: Topic, key: &str, text: &str) -> Output {
    Output {
        topic,
        key: key.as_bytes().to_vec(),
        headers: vec![("name".into(), b"value".to_vec())],
        value: text.as_bytes().to_vec(),
    }
}

/// What a stage that only passes on would write.
pub(crate) fn passed_on(batch: &[Record], topic: Topic) -> Vec<Output> {
    let pass = |record: &Record| Output {
        topic,
        key: record.key.clone().unwrap(),
        headers: record.headers.clone(),
        value: record.value.clone().unwrap(),
    };
    batch.iter().map(pass).collect()
}

pub(crate) fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap()).unwrap()
}

pub(crate) fn texts(records: &[Record]) -> BTreeSet<String> {
    let all: BTreeSet<_> = records.iter().map(text).collect();
    assert_eq!(all.len(), records.len(), "no record twice");
    all
}

/// Batches until so many records came.
pub(crate) async fn read(reader: &mut dyn Reader, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(within("records", reader.next(&limit(1_000))).await.unwrap());
    }
    records
}

/// The next batch, with whatever the default limit gathers.
pub(crate) async fn batch(member: &mut dyn Subscription) -> Vec<Record> {
    within("a batch", member.next(&limit(1_000))).await.unwrap()
}

/// Passes on batches until so many records went through; what cannot be committed is given out again.
pub(crate) async fn pass_on(member: &mut dyn Subscription, count: usize, to: Topic) {
    let mut done = 0;
    while done < count {
        let batch = batch(member).await;
        if member.commit(passed_on(&batch, to)).await.is_ok() {
            done += batch.len();
        }
    }
}

/// Per key, the numbers come in order.
pub(crate) fn assert_order(records: &[Record]) {
    let mut last: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    for record in records {
        let before = last.insert(record.key.clone().unwrap(), text(record));
        assert!(
            before.is_none_or(|before| before < text(record)),
            "order within a key"
        );
    }
}
