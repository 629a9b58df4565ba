//! From the outbox to the topic: which records are published next.

use std::sync::Arc;

use async_trait::async_trait;
use schemas::Topic;
use stage::{Codec, Output, Retry, database::Lead, relay::Outbox};

use crate::{bells::Bells, store::Store};

/// What the relay publishes.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) lead: Arc<Lead>,
    pub(crate) codec: Arc<Codec>,
    pub(crate) bells: Arc<Bells>,
}

#[async_trait]
impl Outbox for Relay {
    const NAME: &'static str = "notify-relay";
    const WRITES: &'static [Topic] = &[Topic::Notified];

    async fn lead(&self) -> Result<bool, Retry> {
        self.lead.holds().await
    }

    async fn mark(&self) -> Result<i64, Retry> {
        Ok(self.store.numbers().await?.1)
    }

    async fn after(&self, number: i64, limit: usize) -> Result<Vec<(i64, Output)>, Retry> {
        let waiting = self.store.after(number, limit).await?;
        let found = waiting.first().map(|(first, _)| *first);
        if let Some(found) = found
            && found != number + 1
        {
            return Err(Retry::because(format!(
                "publication {} is missing in the database of notify, which has {found}",
                number + 1
            )));
        }
        // A database that was set back would number anew what the topic already has, and nobody would see it.
        if found.is_none() && self.store.numbers().await?.0 < number {
            return Err(Retry::because(format!(
                "the topic holds publication {number}, which the database of notify has not reached: it was set back; restore its newest copy"
            )));
        }
        let output = |(number, publication): (i64, crate::draft::Publication)| {
            let trace = publication.traceparent.as_deref();
            let output = self
                .codec
                .encode(&publication.event, &publication.key, trace);
            (number, output)
        };
        Ok(waiting.into_iter().map(output).collect())
    }

    async fn published(&self, number: i64) -> Result<(), Retry> {
        self.store.published(number).await
    }

    async fn ring(&self) {
        self.bells.relay.notified().await;
    }
}
