//! Transactions: records and offsets become visible together or not at all.
//!
//! The client's own commit flushes first, and its flush takes 100 ms whenever a delivery is outstanding
//! (`perf.md`). So deliveries are counted here, and the commit is asked for when there is none.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata},
    error::KafkaError,
    producer::{Producer as _, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use schemas::Topic;

use super::{
    BrokerError,
    client::{Clients, Telling, WRITING},
    deliveries::{Counting, Deliveries},
    fault, record,
};
use crate::Output;

/// After this the coordinator gives up a transaction whose process is gone: what such a process holds up
/// readers for at most.
const OPEN_AT_MOST: Duration = Duration::from_secs(15);
/// How long a commit may take. Below the above, so that being fenced within it is never the coordinator's
/// own clean-up, but somebody who has taken over.
const COMMIT_AT_MOST: Duration = Duration::from_secs(10);
/// How long an abort may take; after it the producer is given up, and its successor cleans up.
const ABORT_AT_MOST: Duration = Duration::from_secs(3);
/// How long fencing the predecessor may take; a fresh broker needs two seconds.
const FENCE_AT_MOST: Duration = Duration::from_secs(10);
/// The records of a batch come at once, so a moment is enough to gather them; without it the first would go alone.
const LINGER_MS: &str = "2";
/// Bytes of one transaction that may wait for the broker, in KiB: several batches' worth of outputs.
const WAITING_KBYTES: &str = "65536";

type Producer = ThreadedProducer<Counting>;

/// How a transaction did not succeed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: BrokerError,
    /// Nobody knows whether it was committed; only the successor of the producer can find out.
    pub(super) in_doubt: bool,
}

/// Why a transaction cannot go on, and what is to be done with it.
enum Trouble {
    /// It was not asked to commit, so it will not.
    Abort(BrokerError),
    /// The producer is of no use any more, or nobody knows what became of the commit.
    GiveUp(BrokerError),
}

/// Transactions under one transactional id, of which there is one producer at a time.
pub(super) struct Transactions {
    clients: Arc<Clients>,
    id: String,
    deliveries: Arc<Deliveries>,
    /// None until it has fenced its predecessor, and after it was given up.
    producer: Option<Producer>,
}

impl Transactions {
    pub(super) fn new(clients: Arc<Clients>, id: String) -> Self {
        Self {
            clients,
            id,
            deliveries: Arc::default(),
            producer: None,
        }
    }

    /// Takes over the transactional id: fences whoever had it, and ends what it left open.
    pub(super) fn take_over(&mut self) -> Result<(), BrokerError> {
        if self.producer.is_some() {
            return Ok(());
        }
        let open_at_most = OPEN_AT_MOST.as_millis().to_string();
        let commit_at_most = COMMIT_AT_MOST.as_millis().to_string();
        let own = [
            ("transactional.id", self.id.as_str()),
            ("transaction.timeout.ms", &open_at_most),
            ("message.timeout.ms", &commit_at_most),
            ("linger.ms", LINGER_MS),
            ("queue.buffering.max.kbytes", WAITING_KBYTES),
        ];
        self.deliveries = Arc::default();
        let counting = Counting(Arc::clone(&self.deliveries));
        let producer: Producer = self.clients.producer(&WRITING, counting, &own)?;
        producer.init_transactions(FENCE_AT_MOST).map_err(|error| {
            fault::unavailable("transactions cannot begin", fault::text(&error))
        })?;
        self.producer = Some(producer);
        Ok(())
    }

    /// Writes the outputs and moves the offsets of a group, in one transaction.
    ///
    /// `member` gives the group's member as it is now, or nothing if it has lost its partitions.
    pub(super) fn commit(
        &mut self,
        outputs: &[Output],
        offsets: &TopicPartitionList,
        member: impl FnOnce() -> Option<Arc<ConsumerGroupMetadata>>,
    ) -> Result<(), Failed> {
        let nothing_written = |why| Failed {
            why,
            in_doubt: false,
        };
        record::weigh(outputs).map_err(nothing_written)?;
        let Some(producer) = &self.producer else {
            let why = "the producer was given up after an error".to_owned();
            return Err(nothing_written(BrokerError::Unavailable(why)));
        };
        let begun = Instant::now();
        let done = producer
            .begin_transaction()
            .map_err(|error| trouble(&error, false))
            .and_then(|()| self.fill(producer, outputs, begun))
            .and_then(|()| self.close(producer, outputs, (offsets, member), begun));
        done.map_err(|trouble| self.end(trouble, begun))
    }

    /// Whether nobody has taken over since; asked with a transaction that moves nothing.
    ///
    /// A successor takes over the transactional id before anything else. Being told that the group's member was
    /// replaced proves less: after an outage that is longer than a session, librdkafka sends a heartbeat without
    /// its member id, and is told the same although it is alone.
    pub(super) fn still_ours(&mut self) -> Result<(), BrokerError> {
        if self.producer.is_none() {
            // Given up in the outage itself, so there is nothing to ask with.
            return Ok(());
        }
        let group = self.clients.scoped("probe");
        let consumer: BaseConsumer<Telling> = self
            .clients
            .consumer(Telling, &[("group.id", group.as_str())])?;
        let nobody = consumer.group_metadata().map(Arc::new);
        let mut nothing = TopicPartitionList::new();
        nothing
            .add_partition_offset(self.clients.topic(Topic::Operated), 0, Offset::Offset(0))
            .map_err(|error| fault::unavailable("an offset cannot be named", error))?;
        self.commit(&[], &nothing, || nobody)
            .map_err(|failed| failed.why)
    }

    fn fill(&self, producer: &Producer, outputs: &[Output], begun: Instant) -> Result<(), Trouble> {
        self.deliveries.expect(outputs.len());
        for output in outputs {
            let mut outgoing = record::sent(&self.clients, output, ());
            while let Err((error, back)) = producer.send(outgoing) {
                let code = fault::code(&error);
                if code != RDKafkaErrorCode::QueueFull || begun.elapsed() > COMMIT_AT_MOST {
                    let topic = self.clients.topic(output.topic);
                    let why = fault::of_record(code, topic, output.bytes());
                    return Err(Trouble::Abort(why));
                }
                // Outputs beyond what may wait: the broker takes some first.
                std::thread::sleep(Duration::from_millis(1));
                outgoing = back;
            }
        }
        Ok(())
    }

    fn close(
        &self,
        producer: &Producer,
        outputs: &[Output],
        (offsets, member): (
            &TopicPartitionList,
            impl FnOnce() -> Option<Arc<ConsumerGroupMetadata>>,
        ),
        begun: Instant,
    ) -> Result<(), Trouble> {
        let until = begun + COMMIT_AT_MOST;
        self.deliveries.wait(until).map_err(|code| {
            // A producer that was fenced purges its records, which is not why they are not there.
            let fatal = producer.client().fatal_error();
            if fatal.is_some_and(|(code, _)| code == RDKafkaErrorCode::Fenced) {
                return Trouble::GiveUp(BrokerError::Fenced);
            }
            let largest = outputs.iter().max_by_key(|output| output.bytes());
            let (topic, bytes) = largest.map_or(("", 0), |output| {
                (self.clients.topic(output.topic), output.bytes())
            });
            Trouble::Abort(fault::of_record(code, topic, bytes))
        })?;
        let member = member().ok_or(Trouble::Abort(BrokerError::Revoked))?;
        // Not while the records are under way: the coordinator may still be at the marks of the transaction before,
        // and would turn this away, to be tried again after 100 ms.
        producer
            .send_offsets_to_transaction(offsets, &member, left(until))
            .map_err(|error| trouble(&error, false))?;
        // A report is heard a moment before its message is let go, and only then there is nothing to flush.
        while producer.in_flight_count() > 0 && Instant::now() < until {
            std::thread::yield_now();
        }
        producer
            .commit_transaction(left(until))
            .map_err(|error| trouble(&error, true))
    }

    /// Ends a transaction that cannot go on.
    fn end(&mut self, trouble: Trouble, begun: Instant) -> Failed {
        let why = match trouble {
            Trouble::Abort(why) => {
                let producer = self.producer.as_ref();
                let aborted = producer.map(|one| one.abort_transaction(ABORT_AT_MOST));
                if !matches!(aborted, Some(Ok(()))) {
                    // The successor will end it.
                    self.producer = None;
                }
                return Failed {
                    why,
                    in_doubt: false,
                };
            }
            Trouble::GiveUp(BrokerError::Fenced) if begun.elapsed() >= OPEN_AT_MOST => {
                BrokerError::Unavailable("the coordinator has given up the transaction".to_owned())
            }
            Trouble::GiveUp(why) => why,
        };
        self.producer = None;
        let in_doubt = why != BrokerError::Fenced;
        Failed { why, in_doubt }
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// What an error of the client means for the transaction that is open.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the client's errors are an open list"
)]
fn trouble(error: &KafkaError, committing: bool) -> Trouble {
    let why = fault::unavailable("a transaction was not committed", fault::text(error));
    let KafkaError::Transaction(error) = error else {
        return Trouble::Abort(why);
    };
    match error.code() {
        RDKafkaErrorCode::Fenced
        | RDKafkaErrorCode::ProducerFenced
        | RDKafkaErrorCode::InvalidProducerEpoch => Trouble::GiveUp(BrokerError::Fenced),
        // Not proof of a successor: see `still_ours`.
        RDKafkaErrorCode::FencedInstanceId
        | RDKafkaErrorCode::IllegalGeneration
        | RDKafkaErrorCode::UnknownMemberId
        | RDKafkaErrorCode::RebalanceInProgress => Trouble::Abort(BrokerError::Revoked),
        _ if error.is_fatal() => Trouble::GiveUp(why),
        _ if error.txn_requires_abort() || !committing => Trouble::Abort(why),
        _ => Trouble::GiveUp(why),
    }
}
