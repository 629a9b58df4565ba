//! Records in memory, behind the contract of a broker: what is measured is the history, and no broker.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use schemas::{AnyEvent, Contract, Position, Topic};
use stage::{
    BatchLimit, Broker, BrokerError, Extent, Output, Publisher, Reader, Record, Registry,
    RegistryError, Subscription,
    broker::{Assigned, Lag},
};
use tokio::sync::Notify;

/// Partitions of each topic.
pub(crate) const PARTITIONS: i32 = 3;
/// Before the names of the topics.
pub(crate) const PREFIX: &str = "bench";

/// What waits to be read. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<VecDeque<Record>>,
    /// The offset that the next record of each partition gets.
    ends: Mutex<BTreeMap<(Topic, i32), i64>>,
    more: Notify,
    published: AtomicI64,
    registry: Compiled,
}

impl Feed {
    /// Adds records, all at once.
    pub(crate) fn push(&self, records: Vec<Record>) {
        let mut ends = self.0.ends.lock().unwrap();
        for record in &records {
            ends.insert(
                (record.topic, record.position.partition),
                record.position.offset + 1,
            );
        }
        drop(ends);
        self.0.waiting.lock().unwrap().extend(records);
        self.0.more.notify_one();
    }

    /// How many wait to be read.
    pub(crate) fn waiting(&self) -> usize {
        self.0.waiting.lock().unwrap().len()
    }
}

#[async_trait]
impl Reader for Feed {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        while self.waiting() == 0 {
            self.0.more.notified().await;
        }
        if self.waiting() < limit.records {
            tokio::time::sleep(limit.wait).await;
        }
        let mut waiting = self.0.waiting.lock().unwrap();
        let mut left = limit.bytes;
        let fits = waiting.iter().take(limit.records).take_while(|record| {
            let begins = left > 0;
            left = left.saturating_sub(record.bytes());
            begins
        });
        let fits = fits.count();
        Ok(waiting.drain(..fits).collect())
    }
}

/// Takes receipts and forgets them.
struct Receipts(Feed);

#[async_trait]
impl Publisher for Receipts {
    async fn last(&mut self) -> Result<i64, BrokerError> {
        Ok(self.0.0.published.load(Ordering::Relaxed))
    }

    async fn publish(&mut self, _: Vec<Output>, _: i64, to: i64) -> Result<(), BrokerError> {
        self.0.0.published.store(to, Ordering::Relaxed);
        Ok(())
    }
}

fn only_read<T>() -> Result<T, BrokerError> {
    Err(BrokerError::Settings("a feed is only read".to_owned()))
}

#[async_trait]
impl Broker for Feed {
    async fn append(&self, _: Output, _: Duration) -> Result<Position, BrokerError> {
        only_read()
    }

    async fn subscribe(&self, _: &str, _: &[Topic]) -> Result<Box<dyn Subscription>, BrokerError> {
        only_read()
    }

    async fn read(&self, _: Vec<Assigned>) -> Result<Box<dyn Reader>, BrokerError> {
        Ok(Box::new(self.clone()))
    }

    async fn publisher(&self, _: &str) -> Result<Box<dyn Publisher>, BrokerError> {
        Ok(Box::new(Receipts(self.clone())))
    }

    async fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError> {
        let ends = self.0.ends.lock().unwrap();
        let extent = |partition| Extent {
            partition,
            first: 0,
            next: ends.get(&(topic, partition)).copied().unwrap_or(0),
        };
        Ok((0..PARTITIONS).map(extent).collect())
    }

    async fn lag(&self, _: &str, _: &[Topic]) -> Result<Vec<Lag>, BrokerError> {
        Ok(Vec::new())
    }

    async fn create_topics(&self) -> Result<Vec<Topic>, BrokerError> {
        Ok(Vec::new())
    }

    async fn check_topics(&self) -> Result<(), BrokerError> {
        Ok(())
    }

    fn registry(&self) -> &dyn Registry {
        &self.0.registry
    }

    fn prefix(&self) -> &str {
        PREFIX
    }
}

/// The schemas that are compiled in, each under its topic's number.
#[derive(Debug, Default)]
struct Compiled;

fn id_of(topic: Topic) -> u32 {
    let before = Topic::ALL.iter().take_while(|one| **one != topic);
    u32::try_from(before.count()).unwrap()
}

#[async_trait]
impl Registry for Compiled {
    async fn id_of(&self, topic: Topic) -> Result<u32, RegistryError> {
        Ok(id_of(topic))
    }

    async fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
        let topic = Topic::ALL.into_iter().find(|topic| id_of(*topic) == id);
        let contract = topic.and_then(AnyEvent::contract);
        Ok(contract.map(Contract::text).map(str::to_owned))
    }

    async fn register(&self, topic: Topic) -> Result<u32, RegistryError> {
        Ok(id_of(topic))
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }
}
