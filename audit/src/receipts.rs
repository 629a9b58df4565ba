//! The relay: publishes each receipt once, in the order of their numbers.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use schemas::{Audited, Covered, Timestamp, Topic};
use stage::{Codec, Output, Retry, database::Lead, relay::Outbox};
use tokio::sync::Notify;

use crate::store::{Receipt, Store};

/// Receipts of the history.
pub(crate) struct Receipts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) codec: Arc<Codec>,
    pub(crate) lead: Lead,
    pub(crate) ring: Arc<Notify>,
}

#[async_trait]
impl Outbox for Receipts {
    const NAME: &'static str = "audit-relay";
    const WRITES: &'static [Topic] = &[Topic::Audited];

    async fn lead(&self) -> Result<bool, Retry> {
        self.lead.holds().await
    }

    async fn mark(&self) -> Result<i64, Retry> {
        self.store.published().await
    }

    async fn after(&self, number: i64, limit: usize) -> Result<Vec<(i64, Output)>, Retry> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let receipts = self.store.receipts(number, limit).await?;
        if receipts.is_empty() {
            return Ok(Vec::new());
        }
        let topics: HashMap<i32, String> = self.store.topics().await?.into_iter().collect();
        let newest = self.store.log().newest_checkpoint().await?;
        let output = |receipt: Receipt| {
            let number = receipt.number;
            let mut audited = audited(&receipt, &topics)?;
            // Most are published before the next checkpoint; what waited for the broker has one by now.
            if let Some(kept) = newest
                .as_ref()
                .filter(|kept| kept.size >= receipt.tree_size)
            {
                audited = audited.under(kept.note.clone());
            }
            let (topic, partition, ..) = audited.covers();
            // Receipts of one source partition keep their order.
            let key = format!("{topic}/{partition}");
            Some((number, self.codec.encode(&audited, key.as_bytes(), None)))
        };
        let outputs: Option<Vec<_>> = receipts.into_iter().map(output).collect();
        outputs
            .ok_or_else(|| Retry::because("a receipt names a topic that the history does not know"))
    }

    async fn published(&self, number: i64) -> Result<(), Retry> {
        self.store.forget(number).await
    }

    async fn ring(&self) {
        self.ring.notified().await;
    }
}

fn audited(receipt: &Receipt, topics: &HashMap<i32, String>) -> Option<Audited> {
    let covered = Covered {
        topic: topics.get(&receipt.topic)?.clone(),
        partition: receipt.partition,
        offsets: receipt.offsets,
        leaves: receipt.leaves,
        records: receipt.records,
    };
    let head = (receipt.tree_size, hex::encode(&receipt.root));
    Some(Audited::new(
        covered,
        head,
        Timestamp::from_micros(receipt.appended_at),
    ))
}
