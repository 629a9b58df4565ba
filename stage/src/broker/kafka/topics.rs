//! What the cluster is asked beside reading and writing: topics, their extents, and how far groups are behind.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    metadata::MetadataPartition,
    types::RDKafkaErrorCode,
};
use schemas::Topic;

use super::{
    Assigned, BrokerError, Extent, Lag,
    client::{self, Clients, MAX_MESSAGE_BYTES, Telling},
    fault,
};
use crate::Start;

/// How long the cluster may take to answer.
const ANSWER_AT_MOST: Duration = Duration::from_secs(5);
/// How long making topics may take, and being told of them by the broker that we ask.
const MAKE_AT_MOST: Duration = Duration::from_secs(15);
/// Pause between looks for topics that were just made.
const LOOK: Duration = Duration::from_millis(50);
/// How often an idle client is looked after.
const ATTEND: Duration = Duration::from_secs(1);
/// From so many replicas on, a record counts as durable on two of them.
const SAFE_REPLICAS: i32 = 3;

type Asker = BaseConsumer<Telling>;

/// Asks the cluster.
pub(super) struct Topics {
    clients: Arc<Clients>,
    asker: Arc<Asker>,
    /// One client for each group whose lag was asked for: the protocol asks for a group's offsets as that group.
    groups: Mutex<HashMap<String, Arc<Asker>>>,
}

impl Topics {
    pub(super) fn open(clients: Arc<Clients>) -> Result<Self, BrokerError> {
        Ok(Self {
            asker: attended(clients.consumer(Telling, &[])?)?,
            groups: Mutex::default(),
            clients,
        })
    }

    /// Makes the topics that are missing; says which it made.
    pub(super) async fn create(&self) -> Result<Vec<Topic>, BrokerError> {
        let settings = self.clients.settings();
        let admin: AdminClient<Telling> = self
            .clients
            .config([&[], &[]], &[])
            .create_with_context(Telling)
            .map_err(|error| client::refused(&error))?;
        let kept = Topic::ALL.map(|topic| {
            let days = u64::from(topic.retention_days());
            (topic, (days * 86_400_000).to_string())
        });
        let wanted: Vec<_> = kept
            .iter()
            .map(|(topic, retention)| {
                let replicas = TopicReplication::Fixed(settings.replication);
                let name = self.clients.topic(*topic);
                let wanted = NewTopic::new(name, settings.partitions, replicas)
                    .set("retention.ms", retention)
                    .set("max.message.bytes", MAX_MESSAGE_BYTES);
                if settings.replication >= SAFE_REPLICAS {
                    wanted.set("min.insync.replicas", "2")
                } else {
                    wanted
                }
            })
            .collect();
        let options = AdminOptions::new()
            .request_timeout(Some(MAKE_AT_MOST))
            .operation_timeout(Some(MAKE_AT_MOST));
        let answers = admin
            .create_topics(&wanted, &options)
            .await
            .map_err(|error| fault::unavailable("topics cannot be made", error))?;
        let mut made = Vec::new();
        for answer in answers {
            match answer {
                Ok(name) => made.extend(self.clients.topic_of(&name)),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(fault::unavailable(&name, code)),
            }
        }
        Ok(made)
    }

    /// Waits until the brokers have told one another of topics that were just made, and lead them.
    pub(super) fn wait_until_there(&self) -> Result<(), BrokerError> {
        let until = Instant::now() + MAKE_AT_MOST;
        let all_there = || {
            let mut topics = Topic::ALL.into_iter();
            topics.try_for_each(|topic| self.extents(topic).map(|_| ()))
        };
        loop {
            let there = all_there();
            if there.is_ok() || Instant::now() >= until {
                return there;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Whether every topic is there. Partitions may differ in number from the settings, which say only
    /// how topics are made: adding some later is the operator's right.
    pub(super) fn check(&self) -> Result<(), BrokerError> {
        Topic::ALL
            .into_iter()
            .try_for_each(|topic| self.partitions(topic).map(|_| ()))
    }

    /// What the partitions hold, for readers: up to the first transaction that is still open.
    pub(super) fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError> {
        let all: Vec<_> = self
            .partitions(topic)?
            .into_iter()
            .map(|partition| (topic, partition))
            .collect();
        let first = self.offsets(&all, Offset::Beginning)?;
        let next = self.offsets(&all, Offset::End)?;
        let extent = |(_, partition): &(Topic, i32)| Extent {
            partition: *partition,
            first: first.get(&(topic, *partition)).copied().unwrap_or(0),
            next: next.get(&(topic, *partition)).copied().unwrap_or(0),
        };
        Ok(all.iter().map(extent).collect())
    }

    /// How far a group is behind. An upper bound: the marks that end transactions have offsets too.
    pub(super) fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BrokerError> {
        let asker = self.asker_of(group)?;
        let mut lags = Vec::new();
        for topic in topics.iter().copied() {
            let extents = self.extents(topic)?;
            let mut wanted = TopicPartitionList::new();
            for extent in &extents {
                wanted.add_partition(self.clients.topic(topic), extent.partition);
            }
            let told = asker
                .committed_offsets(wanted, ANSWER_AT_MOST)
                .map_err(|error| fault::unavailable("the group's offsets", fault::text(&error)))?;
            let committed = by_partition(&self.clients, &told)?;
            lags.extend(extents.into_iter().map(|extent| {
                let at = committed.get(&(topic, extent.partition));
                let at = at.copied().unwrap_or(extent.first).max(extent.first);
                Lag {
                    topic,
                    partition: extent.partition,
                    records: (extent.next - at).max(0),
                }
            }));
        }
        Ok(lags)
    }

    /// Where to begin to read. The end is asked for now, because the client would ask only when it begins to
    /// fetch, and skip what is written meanwhile.
    pub(super) fn starts(
        &self,
        assigned: Vec<Assigned>,
    ) -> Result<TopicPartitionList, BrokerError> {
        let at_end: Vec<_> = assigned
            .iter()
            .filter(|one| one.start == Start::End)
            .map(|one| (one.topic, one.partition))
            .collect();
        let ends = self.offsets(&at_end, Offset::End)?;
        let mut starts = TopicPartitionList::new();
        for one in assigned {
            let offset = match one.start {
                Start::First => Offset::Beginning,
                Start::End => match ends.get(&(one.topic, one.partition)) {
                    Some(end) => Offset::Offset(*end),
                    None => Offset::End,
                },
                Start::Offset(offset) => Offset::Offset(offset),
            };
            starts
                .add_partition_offset(self.clients.topic(one.topic), one.partition, offset)
                .map_err(|error| fault::unavailable("an offset cannot be named", error))?;
        }
        Ok(starts)
    }

    fn partitions(&self, topic: Topic) -> Result<Vec<i32>, BrokerError> {
        let name = self.clients.topic(topic);
        let told = self
            .asker
            .fetch_metadata(Some(name), ANSWER_AT_MOST)
            .map_err(|error| fault::unavailable("the cluster", fault::text(&error)))?;
        let missing = || BrokerError::Topic(name.to_owned());
        let told = told.topics().first().ok_or_else(missing)?;
        match told.error().map(RDKafkaErrorCode::from) {
            None if !told.partitions().is_empty() => {}
            None
            | Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
                return Err(missing());
            }
            Some(code) => return Err(fault::unavailable(name, code)),
        }
        let mut partitions: Vec<_> = told
            .partitions()
            .iter()
            .map(MetadataPartition::id)
            .collect();
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// The first or the last offsets of partitions, asked of each leader at once.
    fn offsets(
        &self,
        partitions: &[(Topic, i32)],
        which: Offset,
    ) -> Result<HashMap<(Topic, i32), i64>, BrokerError> {
        if partitions.is_empty() {
            return Ok(HashMap::new());
        }
        let failed = |error: KafkaError| fault::unavailable("offsets", fault::text(&error));
        let mut asked = TopicPartitionList::new();
        for (topic, partition) in partitions {
            asked
                .add_partition_offset(self.clients.topic(*topic), *partition, which)
                .map_err(failed)?;
        }
        // The request for times has two times that mean the first and the last offset.
        let told = self
            .asker
            .offsets_for_times(asked, ANSWER_AT_MOST)
            .map_err(failed)?;
        by_partition(&self.clients, &told)
    }

    fn asker_of(&self, group: &str) -> Result<Arc<Asker>, BrokerError> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asker) = groups.get(group) {
            return Ok(Arc::clone(asker));
        }
        let id = self.clients.scoped(group);
        let asker = attended(self.clients.consumer(Telling, &[("group.id", &id)])?)?;
        groups.insert(group.to_owned(), Arc::clone(&asker));
        Ok(asker)
    }
}

fn by_partition(
    clients: &Clients,
    list: &TopicPartitionList,
) -> Result<HashMap<(Topic, i32), i64>, BrokerError> {
    let mut offsets = HashMap::new();
    for one in list.elements() {
        one.error()
            .map_err(|error| fault::unavailable("offsets", fault::text(&error)))?;
        if let (Some(topic), Offset::Offset(offset)) = (clients.topic_of(one.topic()), one.offset())
        {
            offsets.insert((topic, one.partition()), offset);
        }
    }
    Ok(offsets)
}

/// Looks after a client that is only asked now and then: what it wants to tell would otherwise pile up in memory.
fn attended(client: Asker) -> Result<Arc<Asker>, BrokerError> {
    let client = Arc::new(client);
    let weak = Arc::downgrade(&client);
    std::thread::Builder::new()
        .name("kafka-asker".to_owned())
        .spawn(move || {
            while let Some(client) = Weak::upgrade(&weak) {
                let _told_already = client.poll(ATTEND);
            }
        })
        .map_err(|error| fault::unavailable("no thread for a client", error))?;
    Ok(client)
}
