//! One transaction: outputs and offsets together, or not at all.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode as Code,
};

use super::{BrokerError, KafkaSettings, client, failure, record};
use crate::Output;

/// How long fencing the predecessor may take: a coordinator that has just started loads its log first.
const INIT: Duration = Duration::from_secs(30);
/// How long each step of a transaction may take; below the transaction time-out of 15 s, so that we and not the
/// broker decide that it failed.
const STEP: Duration = Duration::from_secs(10);

/// What has been sent and not yet reported.
#[derive(Default)]
struct Outstanding {
    count: usize,
    failed: Option<KafkaError>,
}

/// Counts deliveries, because the library's own flush waits at least 100 ms whenever one is outstanding.
#[derive(Clone, Default)]
struct Counting(Arc<(Mutex<Outstanding>, Condvar)>);

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut outstanding = self.lock();
        outstanding.count = outstanding.count.saturating_sub(1);
        if let Err((error, _)) = result {
            outstanding.failed.get_or_insert_with(|| error.clone());
        }
        if outstanding.count == 0 {
            self.0.1.notify_all();
        }
    }
}

impl Counting {
    fn lock(&self) -> std::sync::MutexGuard<'_, Outstanding> {
        // Two plain fields; a poisoned pair is still a pair.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every record has been reported; the first failure comes back.
    fn settle(&self) -> Result<(), BrokerError> {
        let deadline = Instant::now() + STEP;
        let mut outstanding = self.lock();
        while outstanding.count > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BrokerError::Unavailable(
                    "records were not acknowledged within 10 s".to_owned(),
                ));
            }
            outstanding = self
                .0
                .1
                .wait_timeout(outstanding, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        outstanding
            .failed
            .take()
            .map_or(Ok(()), |error| Err(failure::of(&error)))
    }
}

/// A transactional producer. All calls block.
pub(super) struct Transactional {
    producer: ThreadedProducer<Counting>,
    counting: Counting,
    prefix: String,
    /// Set once the producer cannot be used any more.
    dead: bool,
}

impl Transactional {
    /// Opens the producer and fences the one before it.
    pub(super) fn open(settings: &KafkaSettings, id: &str) -> Result<Self, BrokerError> {
        let counting = Counting::default();
        let producer: ThreadedProducer<Counting> = client::transactional(settings, id)
            .create_with_context(counting.clone())
            .map_err(|error| failure::of_settings(&error))?;
        producer
            .init_transactions(INIT)
            .map_err(|error| failure::of(&error))?;
        Ok(Self {
            producer,
            counting,
            prefix: settings.prefix.clone(),
            dead: false,
        })
    }

    /// Whether it must be opened anew.
    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Writes outputs and offsets in one transaction. After an error nothing of it is visible.
    pub(super) fn write(
        &mut self,
        outputs: &[Output],
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), BrokerError> {
        if let Some(large) = outputs
            .iter()
            .map(Output::bytes)
            .find(|bytes| *bytes > client::MAX_RECORD_BYTES)
        {
            return Err(BrokerError::TooLarge(large));
        }
        self.producer
            .begin_transaction()
            .map_err(|error| Self::broken(&error))?;
        let done = self
            .send(outputs)
            .and_then(|()| self.counting.settle())
            .and_then(|()| {
                self.producer
                    .send_offsets_to_transaction(offsets, group, STEP)
                    .map_err(|error| Self::broken(&error))
            })
            .and_then(|()| {
                self.producer
                    .commit_transaction(STEP)
                    .map_err(|error| Self::broken(&error))
            });
        match done {
            Ok(()) => Ok(()),
            Err(error) => Err(self.abort(error)),
        }
    }

    fn send(&self, outputs: &[Output]) -> Result<(), BrokerError> {
        for output in outputs {
            let topic = output.topic.name(&self.prefix);
            self.counting.lock().count += 1;
            let mut next = BaseRecord::to(&topic)
                .key(&output.key)
                .payload(&output.value)
                .headers(record::headers(output));
            while let Err((error, back)) = self.producer.send(next) {
                if failure::code(&error) != Some(Code::QueueFull) {
                    self.counting.lock().count -= 1;
                    return Err(failure::of(&error));
                }
                // The queue holds more than a batch, so it empties as fast as the broker takes it.
                std::thread::sleep(Duration::from_millis(1));
                next = back;
            }
        }
        Ok(())
    }

    fn broken(error: &KafkaError) -> BrokerError {
        if failure::is_fatal(error) && !matches!(failure::of(error), BrokerError::Fenced) {
            return BrokerError::Unavailable(format!("the producer has failed for good: {error}"));
        }
        failure::of(error)
    }

    /// Aborts what was begun; a producer that cannot even abort is opened anew.
    fn abort(&mut self, cause: BrokerError) -> BrokerError {
        if self.producer.abort_transaction(STEP).is_err() {
            self.dead = true;
        }
        let mut outstanding = self.counting.lock();
        outstanding.count = 0;
        outstanding.failed = None;
        drop(outstanding);
        // A fenced producer reports all kinds of errors first; what it died of is the fatal one.
        match self.producer.client().fatal_error() {
            Some((code, _)) if failure::is_fenced(code) => BrokerError::Fenced,
            _ => cause,
        }
    }
}
