//! The thread of a member: gives out one batch at a time, commits it, and keeps the group alive between.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use schemas::Topic;
use tokio::sync::{mpsc, oneshot};

use super::{Moves, rebalance::At};
use crate::{
    BatchLimit, BrokerError, Output, Record,
    broker::kafka::{KafkaSettings, client, failure, record, transaction::Transactional},
};

/// How long a batch may be out before the assignment is paused and polling goes on. Pausing drops what was
/// fetched ahead, so a batch that is decided quickly must not cause it.
const PATIENCE: Duration = Duration::from_secs(1);
/// One poll while nothing is there: how soon a leaving caller is noticed.
const POLL: Duration = Duration::from_millis(100);

/// What the thread is asked to do.
pub(super) enum Ask {
    Next {
        limit: BatchLimit,
        reply: oneshot::Sender<Result<Vec<Record>, BrokerError>>,
    },
    Commit {
        outputs: Vec<Output>,
        reply: oneshot::Sender<Result<(), BrokerError>>,
    },
}

/// Consumer and producer of one member, and the batch that is out.
pub(super) struct Driver {
    settings: Arc<KafkaSettings>,
    transactional_id: String,
    pub(super) consumer: BaseConsumer<Moves>,
    moves: Moves,
    producer: Option<Transactional>,
    /// First and next offset of the batch that is out, for each of its partitions.
    pub(super) out: BTreeMap<At, (i64, i64)>,
    /// Set when a partition of the batch that is out has left.
    pub(super) void: bool,
    /// Read and not given out, because polling had to go on.
    pub(super) kept: Vec<Record>,
    paused: bool,
    /// Set once another process of this name has taken over; from then on there is no other answer.
    fenced: bool,
}

impl Driver {
    pub(super) fn open(
        settings: Arc<KafkaSettings>,
        group: &str,
        topics: Vec<Topic>,
    ) -> Result<Self, BrokerError> {
        let transactional_id = format!("{}.{group}.{}", settings.prefix, settings.instance);
        let producer = Transactional::open(&settings, &transactional_id)?;
        let moves = Moves::default();
        let consumer: BaseConsumer<Moves> = client::member(&settings, group)
            .create_with_context(moves.clone())
            .map_err(|error| failure::of_settings(&error))?;
        let names: Vec<String> = topics
            .into_iter()
            .map(|topic| topic.name(&settings.prefix))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        consumer
            .subscribe(&names)
            .map_err(|error| failure::of(&error))?;
        Ok(Self {
            settings,
            transactional_id,
            consumer,
            moves,
            producer: Some(producer),
            out: BTreeMap::new(),
            void: false,
            kept: Vec::new(),
            paused: false,
            fenced: false,
        })
    }

    /// Runs until the member is dropped; then leaves the group.
    pub(super) fn run(mut self, mut asked: mpsc::Receiver<Ask>) {
        let mut waited = Instant::now();
        loop {
            match asked.try_recv() {
                Ok(Ask::Next { limit, reply }) => {
                    let batch = self.next(&limit, &reply);
                    if let Some(batch) = batch
                        && let Err(Ok(lost)) = reply.send(batch)
                    {
                        self.take_back(lost);
                    }
                    waited = Instant::now();
                }
                Ok(Ask::Commit { outputs, reply }) => {
                    // Whoever asked may have left; what was committed is committed.
                    let _left = reply.send(self.commit(&outputs));
                    waited = Instant::now();
                }
                Err(mpsc::error::TryRecvError::Disconnected) => break,
                Err(mpsc::error::TryRecvError::Empty) => {
                    if waited.elapsed() > PATIENCE {
                        self.stay_alive();
                    } else {
                        // Shorter than any commit; the thread sleeps only between a batch and its commit.
                        std::thread::sleep(Duration::from_micros(200));
                    }
                }
            }
        }
        // The producer first: a transaction that is open is none of the next member's business.
        self.producer = None;
        self.consumer.unsubscribe();
    }

    /// The next batch; nothing if whoever asked has left meanwhile.
    fn next(
        &mut self,
        limit: &BatchLimit,
        reply: &oneshot::Sender<Result<Vec<Record>, BrokerError>>,
    ) -> Option<Result<Vec<Record>, BrokerError>> {
        if self.fenced {
            return Some(Err(BrokerError::Fenced));
        }
        if !self.out.is_empty()
            && let Err(error) = self.rewind()
        {
            return Some(Err(error));
        }
        self.resume();
        let mut bytes = 0;
        while self.kept.is_empty() {
            if reply.is_closed() {
                return None;
            }
            match self.poll(POLL) {
                Ok(taken) => bytes += taken,
                Err(error) => return Some(Err(error)),
            }
        }
        let deadline = Instant::now() + limit.wait;
        while self.kept.len() < limit.records && bytes < limit.bytes {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.poll(left) {
                Ok(0) if left.is_zero() => break,
                Ok(taken) => bytes += taken,
                Err(error) => return Some(Err(error)),
            }
        }
        self.forget_what_left();
        if self.kept.is_empty() {
            return Some(Err(BrokerError::Revoked));
        }
        Some(Ok(self.give_out(limit.records)))
    }

    fn give_out(&mut self, records: usize) -> Vec<Record> {
        let rest = self.kept.split_off(self.kept.len().min(records));
        let batch = std::mem::replace(&mut self.kept, rest);
        for record in &batch {
            let at = (record.position.topic.clone(), record.position.partition);
            let offset = record.position.offset;
            self.out
                .entry(at)
                .and_modify(|(_, next)| *next = offset + 1)
                .or_insert((offset, offset + 1));
        }
        batch
    }

    /// A batch whose caller has left before it came is given to the next one.
    fn take_back(&mut self, mut lost: Vec<Record>) {
        lost.append(&mut self.kept);
        self.kept = lost;
        self.out.clear();
    }

    /// Polls once; the bytes of the record that came, 0 if none. Transient errors are the library's to mend.
    fn poll(&mut self, wait: Duration) -> Result<usize, BrokerError> {
        let taken = match self.consumer.poll(wait) {
            None => 0,
            Some(Ok(message)) => {
                let record = record::of_message(&message, &self.settings.prefix);
                let bytes = record.as_ref().map_or(0, Record::bytes);
                self.kept.extend(record);
                bytes
            }
            Some(Err(error)) => {
                let meaning = failure::of(&error);
                if failure::is_fatal(&error)
                    || matches!(meaning, BrokerError::Fenced | BrokerError::Topic(_))
                {
                    return Err(meaning);
                }
                tracing::warn!("reading goes on after: {error}");
                0
            }
        };
        self.notice_what_left();
        Ok(taken)
    }

    fn notice_what_left(&mut self) {
        for at in self.moves.take() {
            self.void |= self.out.contains_key(&at);
            self.kept.retain(|record| {
                (&record.position.topic, record.position.partition) != (&at.0, at.1)
            });
        }
    }

    fn forget_what_left(&mut self) {
        self.notice_what_left();
        self.void = false;
    }

    /// While a batch is out for long: the partitions are paused and polling goes on, so that the group does not
    /// take this member for dead and rebalances go on.
    fn stay_alive(&mut self) {
        if let (false, Ok(assignment)) = (self.paused, self.consumer.assignment()) {
            self.paused = self.consumer.pause(&assignment).is_ok();
        }
        // An error shows again at the next batch, where somebody listens.
        let _shown_later = self.poll(POLL);
    }

    fn resume(&mut self) {
        if self.paused
            && let Ok(assignment) = self.consumer.assignment()
        {
            let _shown_later = self.consumer.resume(&assignment);
            self.paused = false;
        }
    }

    fn commit(&mut self, outputs: &[Output]) -> Result<(), BrokerError> {
        if self.fenced {
            return Err(BrokerError::Fenced);
        }
        self.notice_what_left();
        let done = if self.void || self.out.is_empty() {
            Err(BrokerError::Revoked)
        } else {
            self.write(outputs)
        };
        match done {
            Ok(()) => {
                self.out.clear();
                Ok(())
            }
            Err(error) => {
                self.fenced |= error == BrokerError::Fenced;
                // The batch will be given out again; where even seeking fails, the next batch says so.
                let _shown_later = self.rewind();
                Err(error)
            }
        }
    }

    fn write(&mut self, outputs: &[Output]) -> Result<(), BrokerError> {
        let mut offsets = TopicPartitionList::new();
        for ((topic, partition), (_, next)) in &self.out {
            offsets
                .add_partition_offset(topic, *partition, Offset::Offset(*next))
                .map_err(|error| failure::of(&error))?;
        }
        let group = self
            .consumer
            .group_metadata()
            .ok_or_else(|| BrokerError::Unavailable("the group is not known yet".to_owned()))?;
        let producer = match self
            .producer
            .as_mut()
            .filter(|producer| !producer.is_dead())
        {
            Some(producer) => producer,
            None => self
                .producer
                .insert(Transactional::open(&self.settings, &self.transactional_id)?),
        };
        producer.write(outputs, &offsets, &group)
    }
}
