//! The loop itself: how far it reads ahead, and what becomes of a batch that was not kept.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    Chance, Health, Output, Stopper, SystemClock,
    broker::embedded::{Embedded, Opening},
};

/// How long the story may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Records in all, and the most of one batch: enough batches that a third in hand would be seen.
const RECORDS: usize = 60;
const EACH: usize = 4;

/// Values that come later, and where to.
type Later = (Arc<dyn crate::Broker>, Mutex<Vec<u8>>);

/// A stage that keeps in memory, and may refuse once, as if another process had moved the offsets.
#[derive(Default)]
struct Kept {
    values: Mutex<Vec<u8>>,
    next: Mutex<i64>,
    readied: AtomicUsize,
    ended: AtomicUsize,
    most: AtomicUsize,
    refuses_at: Option<usize>,
    refused: AtomicUsize,
    stopper: Option<Stopper>,
    /// Where more is written while the first batch is kept, and what.
    writes: Option<Later>,
    batches: AtomicUsize,
}

impl Kept {
    fn in_hand(&self) -> usize {
        self.readied.load(Ordering::SeqCst) - self.ended.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Keep for Kept {
    const NAME: &'static str = "keeping";
    const READS: &'static [Topic] = &[Topic::Raw];
    type Ready = Vec<Record>;

    async fn lead(&self) -> Result<bool, Retry> {
        Ok(true)
    }

    async fn offsets(&self) -> Result<Vec<(Topic, i32, i64)>, Retry> {
        // What was in hand before is in hand no more.
        self.ended
            .store(self.readied.load(Ordering::SeqCst), Ordering::SeqCst);
        Ok(vec![(Topic::Raw, 0, *self.next.lock().unwrap())])
    }

    async fn ready(&self, batch: Vec<Record>) -> Vec<Record> {
        self.readied.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.in_hand(), Ordering::SeqCst);
        batch
    }

    async fn keep(&self, batch: &Vec<Record>) -> Result<(), KeepError> {
        let kept = self.values.lock().unwrap().len();
        let is_last = kept + batch.len() == RECORDS;
        // A database that commits no sooner than the next batch is ready, and leaves a third one time to be read.
        while batch.len() == EACH && !is_last && self.in_hand() < 2 {
            tokio::task::yield_now().await;
        }
        if let Some((broker, left)) = &self.writes {
            // What comes in meanwhile.
            let left = std::mem::take(&mut *left.lock().unwrap());
            for value in left {
                broker.append(record(value), PATIENCE).await.unwrap();
            }
        }
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let mut values = self.values.lock().unwrap();
        if self.refuses_at.is_some_and(|at| values.len() >= at)
            && self.refused.fetch_add(1, Ordering::SeqCst) == 0
        {
            return Err(KeepError::Moved);
        }
        values.extend(batch.iter().map(|record| record.value.as_ref().unwrap()[0]));
        *self.next.lock().unwrap() = batch.last().unwrap().position.offset + 1;
        self.ended.fetch_add(1, Ordering::SeqCst);
        self.batches.fetch_add(1, Ordering::SeqCst);
        if values.len() == RECORDS {
            self.stopper.as_ref().unwrap().stop();
        }
        Ok(())
    }
}

fn record(value: u8) -> Output {
    Output {
        topic: Topic::Raw,
        key: b"k".to_vec(),
        headers: Vec::new(),
        value: vec![value],
    }
}

/// Keeps all records of a topic, of which so many are there at the beginning and the others come while the first batch is
/// kept; the stage says how it went.
async fn story(there: usize, refuses_at: Option<usize>) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let opening = Opening {
        prefix: "idtrail".to_owned(),
        partitions: 1,
    };
    let clock = Arc::new(SystemClock);
    let file = folder.path().join("topics.db");
    let broker: Arc<dyn crate::Broker> =
        Arc::new(Embedded::open(&file, opening, clock.clone()).await.unwrap());
    broker.create_topics().await.unwrap();
    let values = all();
    let (first, later) = values.split_at(there);
    for value in first {
        broker.append(record(*value), PATIENCE).await.unwrap();
    }
    let context = Context {
        broker: Arc::clone(&broker),
        clock: clock.clone(),
        chance: Chance::system(),
        stopper: Stopper::new(),
        health: Health::new(),
        limit: BatchLimit {
            records: EACH / BATCHES,
            ..BatchLimit::default()
        },
    };
    let stage = Kept {
        refuses_at,
        stopper: Some(context.stopper.clone()),
        writes: Some((Arc::clone(&broker), Mutex::new(later.to_vec()))),
        ..Kept::default()
    };
    let codec = Codec::new(broker, clock.clone(), "/idtrail/keeping");
    tokio::time::timeout(PATIENCE, run(&stage, &context, &codec))
        .await
        .expect("all records are kept within 30 s");
    stage
}

fn all() -> Vec<u8> {
    (0..u8::try_from(RECORDS).unwrap()).collect()
}

#[tokio::test]
async fn while_a_batch_is_kept_the_next_one_is_readied_and_no_third() {
    let stage = story(RECORDS, None).await;
    assert_eq!(*stage.values.lock().unwrap(), all());
    assert_eq!(stage.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_was_not_kept_is_read_again_with_what_was_readied_behind_it() {
    let stage = story(RECORDS, Some(RECORDS / 2)).await;
    assert_eq!(*stage.values.lock().unwrap(), all(), "once, and in order");
    assert!(stage.refused.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn without_a_backlog_a_batch_grows_while_the_one_before_it_is_kept() {
    let stage = story(1, None).await;
    assert_eq!(*stage.values.lock().unwrap(), all());
    // The first one alone, then as many as what came meanwhile fills.
    let batches = stage.batches.load(Ordering::SeqCst);
    assert_eq!(batches, 1 + (RECORDS - 1).div_ceil(EACH));
}
