//! What an answer, its absence and the callers' patience mean for a partition's records.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::records::RecordBatchDecoder;
use schemas::Topic;
use tokio::sync::Semaphore;

use super::*;

const FIRST: Identity = Identity {
    producer_id: 1,
    epoch: 0,
};
const SECOND: Identity = Identity {
    producer_id: 2,
    epoch: 0,
};
const THIRD: Identity = Identity {
    producer_id: 3,
    epoch: 0,
};

type Caller = oneshot::Receiver<Delivered>;

/// A partition, and a clock of its own.
struct Bench {
    partition: Partition,
    now: Instant,
    requests: u64,
    room: Arc<Semaphore>,
}

/// What a batch says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    producer_id: i64,
    sequence: i32,
    values: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        Self {
            partition: Partition::new(4),
            now: Instant::now(),
            requests: 0,
            room: Arc::new(Semaphore::new(1 << 20)),
        }
    }

    fn post(&mut self, value: &str) -> Caller {
        let (caller, waiting) = oneshot::channel();
        self.partition.push(Post {
            output: Output {
                topic: Topic::Raw,
                key: b"k".to_vec(),
                headers: Vec::new(),
                value: value.as_bytes().to_vec(),
            },
            millis: 5,
            caller,
            _room: Arc::clone(&self.room).try_acquire_many_owned(10).unwrap(),
        });
        waiting
    }

    fn take(&mut self, identity: Identity) -> Option<Seen> {
        self.requests += 1;
        let taken = self.partition.take(self.requests, Some(identity), self.now);
        let mut batch = BytesMut::new();
        taken?.encode(&mut batch);
        let records = RecordBatchDecoder::decode(&mut batch.freeze())
            .unwrap()
            .records;
        let text =
            |bytes: &Option<Bytes>| String::from_utf8(bytes.clone().unwrap().into()).unwrap();
        Some(Seen {
            producer_id: records[0].producer_id,
            sequence: records[0].sequence,
            values: records.iter().map(|record| text(&record.value)).collect(),
        })
    }
}

fn seen(producer_id: i64, sequence: i32, values: &[&str]) -> Seen {
    Seen {
        producer_id,
        sequence,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn why() -> BrokerError {
    BrokerError::Unavailable("x".to_owned())
}

#[test]
fn what_waits_goes_together_and_is_numbered_on() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (bench.post("a"), bench.post("b"));
    assert_eq!(bench.take(FIRST), Some(seen(1, 0, &["a", "b"])));
    let mut c = bench.post("c");
    assert_eq!(bench.take(FIRST), None, "one batch at a time");
    bench.partition.written(70);
    assert_eq!(a.try_recv(), Ok(Ok((4, 70))));
    assert_eq!(b.try_recv(), Ok(Ok((4, 71))));
    assert!(c.try_recv().is_err());
    assert_eq!(
        bench.take(SECOND),
        Some(seen(1, 2, &["c"])),
        "an identity is kept"
    );
    bench.partition.written(72);
    assert_eq!(c.try_recv(), Ok(Ok((4, 72))));
    assert_eq!(bench.room.available_permits(), 1 << 20);
}

/// Were `b` to travel under the number that `a` may have been written under, the broker would take it for a repeat.
#[test]
fn a_batch_whose_end_is_unknown_is_repeated_unchanged() {
    let mut bench = Bench::new();
    let _a = bench.post("a");
    let sent = bench.take(FIRST);
    bench.partition.again();
    let _b = bench.post("b");
    assert_eq!(bench.take(FIRST), sent);
    bench.partition.written(7);
    assert_eq!(bench.take(FIRST), Some(seen(1, 1, &["b"])));
}

#[test]
fn a_batch_that_nobody_waits_for_is_given_up_with_its_identity() {
    let mut bench = Bench::new();
    let a = bench.post("a");
    let _sent = bench.take(FIRST);
    bench.partition.again();
    let mut b = bench.post("b");
    assert_eq!(bench.partition.tend(bench.now), None, "somebody waits");
    drop(a);
    assert_eq!(bench.partition.tend(bench.now), Some(FIRST));
    assert!(bench.partition.take(9, None, bench.now).is_none());
    assert!(bench.partition.needs_identity());
    assert_eq!(bench.take(SECOND), Some(seen(2, 0, &["b"])));
    bench.partition.written(9);
    assert_eq!(b.try_recv(), Ok(Ok((4, 9))));
}

#[test]
fn a_batch_is_not_repeated_for_ever() {
    let mut bench = Bench::new();
    let mut a = bench.post("a");
    let _sent = bench.take(FIRST);
    bench.now += TRYING + Duration::from_millis(1);
    assert_eq!(bench.partition.tend(bench.now), None, "a request has it");
    bench.partition.again();
    assert_eq!(bench.partition.tend(bench.now), Some(FIRST));
    assert!(matches!(a.try_recv(), Ok(Err(BrokerError::Unavailable(_)))));
}

#[test]
fn what_was_refused_is_told_and_costs_the_identity() {
    let mut bench = Bench::new();
    let mut a = bench.post("a");
    let _sent = bench.take(FIRST);
    assert_eq!(bench.partition.refused(&why()), Some(FIRST));
    assert_eq!(a.try_recv(), Ok(Err(why())));
    let _b = bench.post("b");
    assert_eq!(bench.take(SECOND), Some(seen(2, 0, &["b"])));
}

#[test]
fn whose_caller_has_left_before_it_was_sent_never_lands() {
    let mut bench = Bench::new();
    let (a, _b) = (bench.post("a"), bench.post("b"));
    drop(a);
    assert_eq!(bench.take(FIRST), Some(seen(1, 0, &["b"])));
    bench.partition.written(0);
    let c = bench.post("c");
    drop(c);
    assert_eq!(bench.take(FIRST), None);
    assert_eq!(bench.room.available_permits(), 1 << 20);
}

#[test]
fn of_those_that_are_too_large_together_each_is_tried_alone_and_in_order() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (bench.post("a"), bench.post("bb"));
    let _sent = bench.take(FIRST);
    let _c = bench.post("c");
    assert_eq!(bench.partition.too_large(), Some(FIRST));
    assert_eq!(bench.take(SECOND), Some(seen(2, 0, &["a"])));
    bench.partition.written(0);
    assert_eq!(a.try_recv(), Ok(Ok((4, 0))));
    assert_eq!(bench.take(SECOND), Some(seen(2, 1, &["bb"])));
    assert_eq!(bench.partition.too_large(), Some(SECOND));
    assert_eq!(b.try_recv(), Ok(Err(BrokerError::TooLarge(3))));
    assert_eq!(bench.take(THIRD), Some(seen(3, 0, &["c"])));
}

/// Its first try may stand in the topic: under the same number another record would be taken for its repeat.
#[test]
fn what_is_too_large_at_its_second_try_leaves_its_number_to_nobody() {
    let mut bench = Bench::new();
    let _a = bench.post("a");
    let _sent = bench.take(FIRST);
    bench.partition.again();
    let _sent = bench.take(FIRST);
    assert_eq!(bench.partition.too_large(), Some(FIRST));
    let _b = bench.post("b");
    assert!(bench.partition.needs_identity());
}

#[test]
fn a_batch_is_no_larger_than_the_topics_take() {
    let mut bench = Bench::new();
    let large = "x".repeat(400_000);
    let _all: Vec<_> = (0..3).map(|_| bench.post(&large)).collect();
    assert_eq!(bench.take(FIRST).unwrap().values.len(), 2);
    bench.partition.written(0);
    assert_eq!(bench.take(FIRST).unwrap().values.len(), 1);
}

#[test]
fn after_the_largest_number_comes_nought() {
    let mut bench = Bench::new();
    bench.partition.numbering = Some(Numbering {
        identity: FIRST,
        next: i32::MAX - 1,
    });
    let _posts: Vec<_> = ["a", "b", "c"].map(|value| bench.post(value)).into();
    assert_eq!(bench.take(FIRST).unwrap().sequence, i32::MAX - 1);
    bench.partition.written(0);
    let _d = bench.post("d");
    // MAX - 1, MAX, 0: the next is 1.
    assert_eq!(bench.take(FIRST).unwrap().sequence, 1);
}

#[test]
fn only_the_request_that_has_the_batch_speaks_of_it() {
    let mut bench = Bench::new();
    let _a = bench.post("a");
    let _sent = bench.take(FIRST);
    assert!(bench.partition.is_carried_by(1));
    bench.partition.again();
    assert!(!bench.partition.is_carried_by(1));
    let _sent = bench.take(FIRST);
    assert!(!bench.partition.is_carried_by(1));
    assert!(bench.partition.is_carried_by(2));
}
