//! Kafka: an idempotent producer for the door, consumer groups with transactions for stages.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use schemas::{Position, Topic};

use self::{door::Door, member::Member, publisher::Numbered, reading::Reading};
use super::{Assigned, Broker, BrokerError, Extent, Lag, Publisher, Reader, Subscription};
use crate::{Clock, Output, Registry, registry::confluent};

mod admin;
mod client;
mod door;
mod failure;
mod member;
mod publisher;
mod reading;
mod record;
mod transaction;

/// How long a question about topics and offsets may take.
const ASK: Duration = Duration::from_secs(5);

/// How long topics that were made may take until every broker knows them.
const CREATE: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How to reach Kafka.
#[derive(Clone)]
pub struct KafkaSettings {
    /// Bootstrap servers.
    pub bootstrap: String,
    /// Prefix of topic names, groups and transactional ids.
    pub prefix: String,
    /// Stable name of this process; a second process of the same name fences the first.
    pub instance: String,
    /// Partitions of each topic, when topics are made.
    pub partitions: i32,
    /// Replicas of each partition, when topics are made.
    pub replication: i32,
    /// Further librdkafka properties; may hold secrets.
    pub properties: BTreeMap<String, String>,
    /// The schema registry.
    pub registry: confluent::Settings,
}

impl std::fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("bootstrap", &self.bootstrap)
            .finish_non_exhaustive()
    }
}

/// Kafka and its registry.
pub struct Kafka {
    settings: Arc<KafkaSettings>,
    registry: confluent::Confluent,
    door: tokio::sync::OnceCell<Door>,
    /// Asks about topics; belongs to no group.
    asking: Arc<BaseConsumer>,
    /// Asks about the offsets of a group, one for each group asked for.
    groups: Mutex<HashMap<String, Arc<BaseConsumer>>>,
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kafka")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Kafka {
    /// A client with these settings. Connects by itself; a broker that is down shows at first use.
    pub fn open(settings: KafkaSettings, _clock: Arc<dyn Clock>) -> Result<Self, BrokerError> {
        let registry = confluent::Confluent::open(&settings.registry, &settings.prefix)
            .map_err(|why| BrokerError::Settings(format!("[registry] {why}")))?;
        let asking = client::asking(&settings)
            .create()
            .map_err(|error| failure::of_settings(&error))?;
        Ok(Self {
            settings: Arc::new(settings),
            registry,
            door: tokio::sync::OnceCell::new(),
            asking: Arc::new(asking),
            groups: Mutex::default(),
        })
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer, &KafkaSettings) -> Result<T, BrokerError> + Send + 'static,
    ) -> Result<T, BrokerError> {
        let (asking, settings) = (Arc::clone(&self.asking), Arc::clone(&self.settings));
        blocking(move || {
            drain(&asking);
            question(&asking, &settings)
        })
        .await
    }

    fn group(&self, group: &str) -> Result<Arc<BaseConsumer>, BrokerError> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = groups.get(group) {
            drain(known);
            return Ok(Arc::clone(known));
        }
        let consumer: BaseConsumer = client::observing(&self.settings, group)
            .create()
            .map_err(|error| failure::of_settings(&error))?;
        let consumer = Arc::new(consumer);
        groups.insert(group.to_owned(), Arc::clone(&consumer));
        Ok(consumer)
    }
}

/// Takes the events that gather in a consumer that nobody polls.
fn drain(consumer: &BaseConsumer) {
    while consumer.poll(Duration::ZERO).is_some() {}
}

/// Runs a call of the client library that blocks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, BrokerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| BrokerError::Unavailable("the client has stopped".to_owned()))?
}

#[async_trait]
impl Broker for Kafka {
    async fn append(&self, output: Output, deadline: Duration) -> Result<Position, BrokerError> {
        let door = self
            .door
            .get_or_try_init(|| async { Door::open(&self.settings) })
            .await?;
        door.append(output, deadline).await
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[Topic],
    ) -> Result<Box<dyn Subscription>, BrokerError> {
        Ok(Box::new(Member::join(&self.settings, group, topics).await?))
    }

    async fn read(&self, assigned: Vec<Assigned>) -> Result<Box<dyn Reader>, BrokerError> {
        Ok(Box::new(Reading::open(&self.settings, &assigned)?))
    }

    async fn publisher(&self, name: &str) -> Result<Box<dyn Publisher>, BrokerError> {
        Ok(Box::new(
            Numbered::open(Arc::clone(&self.settings), name).await?,
        ))
    }

    async fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError> {
        self.ask(move |asking, settings| {
            let name = topic.name(&settings.prefix);
            let mut extents = Vec::new();
            for partition in admin::partitions(asking, &name)? {
                let (first, next) = asking
                    .fetch_watermarks(&name, partition, ASK)
                    .map_err(|error| failure::of(&error))?;
                extents.push(Extent {
                    partition,
                    first,
                    next,
                });
            }
            Ok(extents)
        })
        .await
    }

    async fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BrokerError> {
        let mut lags = Vec::new();
        let observing = self.group(group)?;
        for topic in topics.iter().copied() {
            let extents = self.extents(topic).await?;
            let name = topic.name(&self.settings.prefix);
            let observing = Arc::clone(&observing);
            let asked = extents.clone();
            let committed = blocking(move || {
                let mut list = TopicPartitionList::new();
                for extent in &asked {
                    list.add_partition(&name, extent.partition);
                }
                observing
                    .committed_offsets(list, ASK)
                    .map_err(|error| failure::of(&error))
            })
            .await?;
            for (extent, element) in extents.iter().zip(committed.elements()) {
                let at = if let Offset::Offset(offset) = element.offset() {
                    offset
                } else {
                    extent.first
                };
                lags.push(Lag {
                    topic,
                    partition: extent.partition,
                    records: (extent.next - at).max(0),
                });
            }
        }
        Ok(lags)
    }

    async fn create_topics(&self) -> Result<Vec<Topic>, BrokerError> {
        let missing = self.ask(admin::missing).await?;
        admin::create(&self.settings, &missing).await?;
        // The controller has them; the brokers that others ask hear of it a moment later.
        let deadline = tokio::time::Instant::now() + CREATE;
        while !self.ask(admin::missing).await?.is_empty() {
            if tokio::time::Instant::now() > deadline {
                return Err(BrokerError::Unavailable(
                    "topics that were made are not there after 10 s".to_owned(),
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(missing)
    }

    async fn check_topics(&self) -> Result<(), BrokerError> {
        let missing = self.ask(admin::missing).await?;
        match missing.first() {
            None => Ok(()),
            Some(topic) => Err(BrokerError::Topic(topic.name(&self.settings.prefix))),
        }
    }

    fn registry(&self) -> &dyn Registry {
        &self.registry
    }

    fn prefix(&self) -> &str {
        &self.settings.prefix
    }
}
