//! Relays: the position is an offset of the relay's own group, committed in the transaction of the records.
//!
//! So it is true exactly when they are visible, and needs no search in the topics. Nobody ever joins that
//! group; the offset hangs on a partition that is always there, and is a number of the relay's, not of a record.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata},
    error::KafkaError,
};
use schemas::Topic;

use super::{
    BrokerError, Publisher, blocking,
    client::{Clients, Telling},
    fault,
    transaction::Transactions,
};
use crate::Output;

/// Where the position hangs. It must stay the same for ever.
const TOPIC: Topic = Topic::Operated;
const PARTITION: i32 = 0;
/// How long asking for the position may take.
const ASK_AT_MOST: Duration = Duration::from_secs(10);

/// The newest relay of a name.
pub(super) struct Numbered {
    /// None while a call is under way, and for good if that call was dropped: then nobody knows where it ended.
    work: Option<Work>,
    last: i64,
}

struct Work {
    clients: Arc<Clients>,
    transactions: Transactions,
    /// A group without members is committed to by whoever names it; what guards it is the transactional id.
    group: Arc<ConsumerGroupMetadata>,
}

impl Numbered {
    pub(super) fn open(clients: &Arc<Clients>, name: &str) -> Result<Self, BrokerError> {
        let id = clients.scoped(name);
        let mut transactions = Transactions::new(Arc::clone(clients), id.clone());
        // First the predecessor is fenced, then the position stands.
        transactions.take_over()?;
        let consumer: BaseConsumer<Telling> =
            clients.consumer(Telling, &[("group.id", id.as_str())])?;
        let last = position(clients, &consumer)?;
        let group = consumer
            .group_metadata()
            .ok_or_else(|| BrokerError::Unavailable("the relay has no group".to_owned()))?;
        let work = Work {
            clients: Arc::clone(clients),
            transactions,
            group: Arc::new(group),
        };
        Ok(Self {
            work: Some(work),
            last,
        })
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
    fn publish(&mut self, outputs: &[Output], to: i64) -> Result<(), BrokerError> {
        let offsets = place(&self.clients, Offset::Offset(to))?;
        let group = Arc::clone(&self.group);
        self.transactions
            .commit(outputs, &offsets, || Some(group))
            .map_err(|failed| failed.why)
    }
}

fn place(clients: &Clients, offset: Offset) -> Result<TopicPartitionList, BrokerError> {
    let mut place = TopicPartitionList::new();
    place
        .add_partition_offset(clients.topic(TOPIC), PARTITION, offset)
        .map_err(|error| fault::unavailable("a position cannot be named", fault::text(&error)))?;
    Ok(place)
}

/// The committed position; 0 if there is none.
fn position(clients: &Clients, consumer: &BaseConsumer<Telling>) -> Result<i64, BrokerError> {
    let unknown =
        |error: KafkaError| fault::unavailable("the relay's position", fault::text(&error));
    let told = consumer
        .committed_offsets(place(clients, Offset::Invalid)?, ASK_AT_MOST)
        .map_err(unknown)?;
    let mut position = 0;
    for one in told.elements() {
        one.error().map_err(unknown)?;
        if let Offset::Offset(committed) = one.offset() {
            position = committed;
        }
    }
    Ok(position)
}
