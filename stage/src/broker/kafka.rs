//! Kafka, for production: the same contract on replicated topics, consumer groups and transactions.
//!
//! The only files that know the Kafka client. It blocks, so each subscription and each reader has a
//! thread of its own, and everything else is asked on the runtime's blocking threads. Every wait has a limit.
//! Posts go another way: the door has a producer of its own, which blocks nowhere.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use schemas::{Position, Topic};

use self::{
    client::Clients, door::Door, group::Membership, publisher::Numbered, reading::Reading,
    topics::Topics,
};
use super::{Assigned, Broker, BrokerError, Extent, Lag, Publisher, Reader, Subscription};
use crate::{
    Clock, Output, Registry,
    registry::confluent::{self, Confluent},
};

mod client;
mod deliveries;
mod door;
mod fault;
mod group;
mod held;
mod member;
mod publisher;
mod reading;
mod record;
mod security;
mod topics;
mod transaction;

/// How to reach Kafka, and by what names.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port` of some brokers, separated by commas.
    pub bootstrap: String,
    /// Prefix of topic names, groups and transactional ids.
    pub prefix: String,
    /// Stable name of this process among those of its service; a second one of the same name fences the first.
    pub instance: String,
    /// Partitions of each topic, when topics are made.
    pub partitions: i32,
    /// Replicas of each partition, when topics are made.
    pub replication: i32,
    /// Further properties of librdkafka, e.g. `security.protocol`; the door's producer heeds those on TLS and login.
    pub properties: BTreeMap<String, String>,
    /// Where schemas are registered.
    pub registry: confluent::Settings,
}

// Properties may be secrets, so none is printed.
impl std::fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("bootstrap", &self.bootstrap)
            .field("prefix", &self.prefix)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// Kafka. Clones share its clients.
#[derive(Clone)]
pub struct Kafka(Arc<Shared>);

struct Shared {
    clients: Arc<Clients>,
    topics: Topics,
    door: Door,
    registry: Confluent,
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kafka")
    }
}

impl Kafka {
    /// Makes the clients; connects only when something is asked. An error is one of the settings.
    pub fn open(settings: KafkaSettings, clock: Arc<dyn Clock>) -> Result<Self, BrokerError> {
        let registry = Confluent::open(&settings.registry, &settings.prefix)
            .map_err(|why| BrokerError::Settings(format!("[registry] {why}")))?;
        let clients = Arc::new(Clients::new(settings, clock));
        Ok(Self(Arc::new(Shared {
            topics: Topics::open(Arc::clone(&clients))?,
            door: Door::new(Arc::clone(&clients))?,
            clients,
            registry,
        })))
    }

    /// Asks the cluster on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Topics) -> Result<T, BrokerError> + Send + 'static,
    ) -> Result<T, BrokerError> {
        let this = self.clone();
        blocking(move || question(&this.0.topics)).await
    }
}

/// Runs something that blocks, within its own limit, beside the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, BrokerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| fault::unavailable("a call was not finished", error))?
}

#[async_trait]
impl Broker for Kafka {
    async fn append(&self, output: Output, deadline: Duration) -> Result<Position, BrokerError> {
        self.0.door.append(output, deadline).await
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[Topic],
    ) -> Result<Box<dyn Subscription>, BrokerError> {
        let clients = Arc::clone(&self.0.clients);
        Ok(Box::new(Membership::join(clients, group, topics).await?))
    }

    async fn read(&self, assigned: Vec<Assigned>) -> Result<Box<dyn Reader>, BrokerError> {
        let clients = Arc::clone(&self.0.clients);
        let starts = self.ask(move |topics| topics.starts(assigned)).await?;
        Ok(Box::new(Reading::open(clients, &starts)?))
    }

    async fn publisher(&self, name: &str) -> Result<Box<dyn Publisher>, BrokerError> {
        let clients = Arc::clone(&self.0.clients);
        let name = name.to_owned();
        let opened = blocking(move || Numbered::open(&clients, &name)).await?;
        Ok(Box::new(opened))
    }

    async fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError> {
        self.ask(move |topics| topics.extents(topic)).await
    }

    async fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BrokerError> {
        let (group, read) = (group.to_owned(), topics.to_vec());
        self.ask(move |topics| topics.lag(&group, &read)).await
    }

    async fn create_topics(&self) -> Result<Vec<Topic>, BrokerError> {
        let made = self.0.topics.create().await?;
        self.ask(Topics::wait_until_there).await?;
        Ok(made)
    }

    async fn check_topics(&self) -> Result<(), BrokerError> {
        self.ask(Topics::check).await
    }

    fn registry(&self) -> &dyn Registry {
        &self.0.registry
    }

    fn prefix(&self) -> &str {
        self.0.clients.prefix()
    }
}
