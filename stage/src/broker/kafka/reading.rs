//! Reading partitions without a group, for those who keep their own offsets.

use async_trait::async_trait;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer as _, StreamConsumer},
};
use tokio::time::Instant;

use super::{Assigned, BrokerError, KafkaSettings, Reader, client, failure, record};
use crate::{BatchLimit, Record, Start};

/// Positions in some partitions, moved on by what is read.
pub(super) struct Reading {
    consumer: StreamConsumer,
    prefix: String,
    /// What was taken for a batch that was not given out, because whoever asked has left.
    kept: Vec<Record>,
}

impl Reading {
    pub(super) fn open(
        settings: &KafkaSettings,
        assigned: &[Assigned],
    ) -> Result<Self, BrokerError> {
        let consumer: StreamConsumer = client::reading(settings)
            .create()
            .map_err(|error| failure::of_settings(&error))?;
        let mut list = TopicPartitionList::new();
        for one in assigned {
            let offset = match one.start {
                Start::First => Offset::Beginning,
                Start::End => Offset::End,
                Start::Offset(offset) => Offset::Offset(offset),
            };
            let name = one.topic.name(&settings.prefix);
            list.add_partition_offset(&name, one.partition, offset)
                .map_err(|error| failure::of(&error))?;
        }
        consumer
            .assign(&list)
            .map_err(|error| failure::of(&error))?;
        Ok(Self {
            consumer,
            prefix: settings.prefix.clone(),
            kept: Vec::new(),
        })
    }

    /// Takes one more record; waits for it. Transient errors are the client library's to mend.
    async fn take(&mut self) -> Result<usize, BrokerError> {
        loop {
            match self.consumer.recv().await {
                Ok(message) => {
                    if let Some(record) = record::of_message(&message, &self.prefix) {
                        let bytes = record.bytes();
                        self.kept.push(record);
                        return Ok(bytes);
                    }
                }
                Err(error) if failure::is_fatal(&error) => return Err(failure::of(&error)),
                Err(error) => {
                    let meaning = failure::of(&error);
                    if matches!(meaning, BrokerError::Topic(_)) {
                        return Err(meaning);
                    }
                    tracing::warn!("reading goes on after: {error}");
                }
            }
        }
    }
}

#[async_trait]
impl Reader for Reading {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        let mut bytes = if self.kept.is_empty() {
            self.take().await?
        } else {
            0
        };
        let deadline = Instant::now() + limit.wait;
        while self.kept.len() < limit.records && bytes < limit.bytes {
            match tokio::time::timeout_at(deadline, self.take()).await {
                Ok(taken) => bytes += taken?,
                Err(_) => break,
            }
        }
        let rest = self.kept.split_off(self.kept.len().min(limit.records));
        Ok(std::mem::replace(&mut self.kept, rest))
    }
}
