//! Reading topics along, by way of the broker's own contract.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use schemas::{AnyEvent, Topic};
use stage::{
    BatchLimit, Broker, Codec, Record, Start, SystemClock,
    broker::{
        Assigned,
        embedded::{Embedded, Opening},
    },
};

use super::{World, wait_for};

/// How long the end of a partition may hold nothing that can be seen (transaction markers).
const QUIET: Duration = Duration::from_secs(1);
/// How long a broker may take to know who leads.
const LED: Duration = Duration::from_secs(20);
/// How long a fetch may take on a busy machine before the first record comes.
const FIRST: Duration = Duration::from_secs(8);

pub(super) async fn embedded(file: &Path, prefix: &str) -> Arc<dyn Broker> {
    let opening = Opening {
        prefix: prefix.to_owned(),
        partitions: 4,
    };
    Arc::new(
        Embedded::open(file, opening, Arc::new(SystemClock))
            .await
            .unwrap(),
    )
}

/// Every record of a topic, by partition and offset.
pub(crate) async fn records(broker: &Arc<dyn Broker>, topic: Topic) -> Vec<Record> {
    // A broker that has just come back, or thaws, may not know yet who leads.
    let what = format!("the broker to say what {topic} has");
    let asked = async || {
        broker
            .extents(topic)
            .await
            .map_err(|error| error.to_string())
    };
    let extents = wait_for(&what, LED, asked).await;
    let mut left: BTreeMap<i32, i64> = extents
        .iter()
        .filter(|extent| extent.next > extent.first)
        .map(|extent| (extent.partition, extent.next))
        .collect();
    let assigned = extents
        .iter()
        .map(|extent| Assigned {
            topic,
            partition: extent.partition,
            start: Start::First,
        })
        .collect();
    let mut reader = broker.read(assigned).await.unwrap();
    let mut records = Vec::new();
    while !left.is_empty() {
        let patience = if records.is_empty() { FIRST } else { QUIET };
        let Ok(batch) = tokio::time::timeout(patience, reader.next(&BatchLimit::default())).await
        else {
            break;
        };
        for record in batch.unwrap() {
            let position = &record.position;
            if left
                .get(&position.partition)
                .is_some_and(|next| position.offset + 1 >= *next)
            {
                left.remove(&position.partition);
            }
            records.push(record);
        }
    }
    records.sort_by_key(|record| (record.position.partition, record.position.offset));
    records
}

impl World {
    /// Every record of a topic, by partition and offset.
    pub(crate) async fn records(&self, broker: &Arc<dyn Broker>, topic: Topic) -> Vec<Record> {
        records(broker, topic).await
    }

    /// Every event of a topic, decoded, with its record.
    pub(crate) async fn events(
        &self,
        broker: &Arc<dyn Broker>,
        topic: Topic,
    ) -> Vec<(Record, AnyEvent)> {
        let codec = Codec::new(Arc::clone(broker), Arc::new(SystemClock), "/test");
        let records = self.records(broker, topic).await;
        codec.learn(&records).await.unwrap();
        records
            .into_iter()
            .map(|record| {
                let event = codec.decode_any(&record).unwrap();
                (record, event)
            })
            .collect()
    }
}
