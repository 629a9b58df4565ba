//! Relays: the position is a committed offset and moves in the transaction that carries the records.

use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use schemas::Topic;

use super::{
    ASK, BrokerError, KafkaSettings, Publisher, blocking, client, failure,
    transaction::Transactional,
};
use crate::Output;

/// The partition whose committed offset, in the relay's own group, is the position. It is never read.
const PARTITION: i32 = 0;

/// The newest relay of a name.
pub(super) struct Numbered {
    /// None while a call is under way, and for good if that call was dropped: then nobody knows where it ended.
    work: Option<Work>,
    last: i64,
}

struct Work {
    settings: Arc<KafkaSettings>,
    producer: Transactional,
    /// Names the relay's group; it never joins.
    consumer: BaseConsumer,
}

impl Numbered {
    pub(super) async fn open(
        settings: Arc<KafkaSettings>,
        name: &str,
    ) -> Result<Self, BrokerError> {
        let name = name.to_owned();
        blocking(move || {
            let id = format!("{}.{name}", settings.prefix);
            // First the predecessor is fenced, then the position stands.
            let producer = Transactional::open(&settings, &id)?;
            let consumer: BaseConsumer = client::observing(&settings, &name)
                .create()
                .map_err(|error| failure::of_settings(&error))?;
            let work = Work {
                settings,
                producer,
                consumer,
            };
            let last = work.position()?;
            Ok(Self {
                work: Some(work),
                last,
            })
        })
        .await
    }
}

#[async_trait]
impl Publisher for Numbered {
    async fn last(&mut self) -> Result<i64, BrokerError> {
        Ok(self.last)
    }

    async fn publish(
        &mut self,
        outputs: Vec<Output>,
        from: i64,
        to: i64,
    ) -> Result<(), BrokerError> {
        if from < self.last {
            // Somebody else has published these.
            return Err(BrokerError::Fenced);
        }
        let mut work = self.work.take().ok_or_else(|| {
            BrokerError::Unavailable("the relay's last call was dropped; open it anew".to_owned())
        })?;
        let (work, published) = blocking(move || {
            let published = work.publish(&outputs, to);
            Ok((work, published))
        })
        .await?;
        self.work = Some(work);
        published?;
        self.last = to;
        Ok(())
    }
}

impl Work {
    fn place(&self, offset: Offset) -> Result<TopicPartitionList, BrokerError> {
        let mut place = TopicPartitionList::new();
        let topic = Topic::Operated.name(&self.settings.prefix);
        place
            .add_partition_offset(&topic, PARTITION, offset)
            .map_err(|error| failure::of(&error))?;
        Ok(place)
    }

    /// The committed position; 0 if there is none.
    fn position(&self) -> Result<i64, BrokerError> {
        let told = self
            .consumer
            .committed_offsets(self.place(Offset::Invalid)?, ASK)
            .map_err(|error| failure::of(&error))?;
        let mut position = 0;
        for one in told.elements() {
            one.error().map_err(|error| failure::of(&error))?;
            if let Offset::Offset(committed) = one.offset() {
                position = committed;
            }
        }
        Ok(position)
    }

    fn publish(&mut self, outputs: &[Output], to: i64) -> Result<(), BrokerError> {
        let offsets = self.place(Offset::Offset(to))?;
        let group = self
            .consumer
            .group_metadata()
            .ok_or_else(|| BrokerError::Unavailable("the relay has no group".to_owned()))?;
        self.producer.write(outputs, &offsets, &group)
    }
}
