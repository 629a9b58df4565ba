//! Where records come from and go to: one contract, two implementations.

use std::time::Duration;

use async_trait::async_trait;
use schemas::{Position, Topic};

use crate::{BatchLimit, Output, Record, Registry};

pub mod embedded;
pub mod kafka;

/// Why a broker did not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// It cannot be reached, is slow or is full; the same call may succeed later.
    #[error("the broker is not available: {0}")]
    Unavailable(String),
    /// A topic is missing or does not fit.
    #[error("the topic {0} is missing or does not fit; run `idtrail topics create`")]
    Topic(String),
    /// The record is larger than the broker takes.
    #[error("a record of {0} bytes is larger than the broker takes")]
    TooLarge(usize),
    /// The partitions of the batch went to another member; nothing was written, and the batch is void.
    #[error("the partitions of the batch went to another member")]
    Revoked,
    /// Another process has taken this one's place for good; nothing was written.
    #[error("another process with the same `broker.instance` has taken over")]
    Fenced,
    /// A setting of the client is wrong.
    #[error("the broker's settings are wrong: {0}")]
    Settings(String),
}

/// The offsets that a partition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The partition.
    pub partition: i32,
    /// The first offset kept.
    pub first: i64,
    /// The offset that the next record gets.
    pub next: i64,
}

/// Where to begin to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first record kept.
    First,
    /// After the last record.
    End,
    /// At this offset; if it is no longer kept, at the first record kept.
    Offset(i64),
}

/// A partition to read, and where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// Where to begin.
    pub start: Start,
}

/// How far a group is behind in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// Records not yet taken.
    pub records: i64,
}

/// Where records come from and go to.
///
/// **Durability**: what [`append`](Broker::append), [`commit`](Subscription::commit) and
/// [`publish`](Publisher::publish) acknowledge is on every in-sync replica (Kafka) or fsynced
/// (embedded), and survives `kill -9` of any process.
/// **Atomicity**: the outputs of a batch and its offsets become visible together or not at all.
/// **Order**: records of one key keep the order in which they were acknowledged.
/// **Isolation**: readers never see a record of a batch that was not committed.
/// **Retries**: none is made here beyond what the client library does within its deadline; every
/// error says whether the caller may try again.
/// **Cancellation**: dropping a future leaves the broker in a defined state; an append whose future
/// was dropped may still land, which is why a repeat must be harmless.
#[async_trait]
pub trait Broker: Send + Sync + std::fmt::Debug {
    /// Makes one record durable, for the door. Concurrent calls are gathered into batches.
    ///
    /// Answers within `deadline`; after [`BrokerError::Unavailable`] the record may still land.
    async fn append(&self, output: Output, deadline: Duration) -> Result<Position, BrokerError>;

    /// Joins a consumer group. Partitions are shared among its members and move when members come and go.
    async fn subscribe(
        &self,
        group: &str,
        topics: &[Topic],
    ) -> Result<Box<dyn Subscription>, BrokerError>;

    /// Reads partitions without a group, for those who keep their own offsets.
    async fn read(&self, assigned: Vec<Assigned>) -> Result<Box<dyn Reader>, BrokerError>;

    /// Opens the one relay of this name; an earlier one is fenced.
    async fn publisher(&self, name: &str) -> Result<Box<dyn Publisher>, BrokerError>;

    /// What the partitions of a topic hold.
    async fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError>;

    /// How far a group is behind, for health and metrics.
    async fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BrokerError>;

    /// Makes the topics that are missing; says which it made.
    async fn create_topics(&self) -> Result<Vec<Topic>, BrokerError>;

    /// Whether every topic is there and fits; the error names the first that does not.
    async fn check_topics(&self) -> Result<(), BrokerError>;

    /// Deletes what the topics no longer keep; how many records. A broker that does so by itself has nothing to do.
    async fn retain(&self) -> Result<u64, BrokerError> {
        Ok(0)
    }

    /// Where the ids of Avro schemas are looked up.
    fn registry(&self) -> &dyn Registry;

    /// The prefix of topic names.
    fn prefix(&self) -> &str;
}

/// Membership in a group: takes batches, and commits what they led to.
///
/// At most one batch is out at a time. A batch that is not committed is given out again, to this
/// member or another.
#[async_trait]
pub trait Subscription: Send {
    /// The next batch: in order within each partition, never empty. Waits until there is one.
    /// Dropping the future loses nothing.
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError>;

    /// Writes the outputs and moves the offsets past the batch, in one transaction.
    ///
    /// After an error nothing is visible and the batch will be given out again, by whoever holds its
    /// partitions then; after [`BrokerError::Fenced`] this member is dead.
    async fn commit(&mut self, outputs: Vec<Output>) -> Result<(), BrokerError>;

    /// Leaves the group, so that others take over at once.
    async fn close(self: Box<Self>);
}

/// Reads partitions in order, without a group and without keeping offsets.
#[async_trait]
pub trait Reader: Send {
    /// The next records: in order within each partition, never empty. Waits until there are some.
    /// Dropping the future loses nothing.
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError>;
}

/// Publishes numbered records of a database, each exactly once and in order.
#[async_trait]
pub trait Publisher: Send {
    /// The last number that was published; 0 if none. Known for certain once the predecessor is fenced.
    async fn last(&mut self) -> Result<i64, BrokerError>;

    /// Writes the outputs and moves the last number from `from` to `to`, in one transaction.
    ///
    /// [`BrokerError::Fenced`] if another relay of this name has been opened since.
    async fn publish(
        &mut self,
        outputs: Vec<Output>,
        from: i64,
        to: i64,
    ) -> Result<(), BrokerError>;
}
