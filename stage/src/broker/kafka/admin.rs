//! Topics: which there are, and making those that are missing.

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    types::RDKafkaErrorCode as Code,
};
use schemas::Topic;

use super::{ASK, BrokerError, KafkaSettings, client, failure};

const DAY_MILLIS: i64 = 86_400_000;

/// The partitions of a topic; an error if it is not there.
pub(super) fn partitions(asking: &BaseConsumer, name: &str) -> Result<Vec<i32>, BrokerError> {
    let metadata = asking
        .fetch_metadata(Some(name), ASK)
        .map_err(|error| failure::of(&error))?;
    let partitions: Vec<i32> = metadata
        .topics()
        .iter()
        .filter(|topic| topic.name() == name && topic.error().is_none())
        .flat_map(|topic| {
            topic
                .partitions()
                .iter()
                .map(rdkafka::metadata::MetadataPartition::id)
        })
        .collect();
    if partitions.is_empty() {
        Err(BrokerError::Topic(name.to_owned()))
    } else {
        Ok(partitions)
    }
}

/// The topics that are not there.
pub(super) fn missing(
    asking: &BaseConsumer,
    settings: &KafkaSettings,
) -> Result<Vec<Topic>, BrokerError> {
    let metadata = asking
        .fetch_metadata(None, ASK)
        .map_err(|error| failure::of(&error))?;
    let there = |topic: &Topic| {
        let name = topic.name(&settings.prefix);
        metadata
            .topics()
            .iter()
            .any(|one| one.name() == name && !one.partitions().is_empty())
    };
    Ok(Topic::ALL
        .into_iter()
        .filter(|topic| !there(topic))
        .collect())
}

/// Makes topics; one that somebody else has just made is as good.
pub(super) async fn create(settings: &KafkaSettings, topics: &[Topic]) -> Result<(), BrokerError> {
    if topics.is_empty() {
        return Ok(());
    }
    let admin: AdminClient<DefaultClientContext> = client::asking(settings)
        .create()
        .map_err(|error| failure::of_settings(&error))?;
    let made: Vec<(String, String)> = topics
        .iter()
        .map(|topic| {
            let retention = i64::from(topic.retention_days()) * DAY_MILLIS;
            (topic.name(&settings.prefix), retention.to_string())
        })
        .collect();
    let size = client::MAX_MESSAGE_BYTES.to_string();
    // With three brokers one may be lost without losing or refusing anything.
    let in_sync = if settings.replication >= 3 { "2" } else { "1" };
    let new: Vec<NewTopic<'_>> = made
        .iter()
        .map(|(name, retention)| {
            NewTopic::new(
                name,
                settings.partitions,
                TopicReplication::Fixed(settings.replication),
            )
            .set("retention.ms", retention)
            .set("max.message.bytes", &size)
            .set("min.insync.replicas", in_sync)
        })
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(ASK))
        .operation_timeout(Some(ASK));
    let answers = admin
        .create_topics(&new, &options)
        .await
        .map_err(|error| failure::of(&error))?;
    for answer in answers {
        match answer {
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                return Err(BrokerError::Settings(format!(
                    "the topic {name} cannot be made: {code}"
                )));
            }
        }
    }
    Ok(())
}
