//! Membership in a consumer group: a thread of its own drives consumer and producer, because the library blocks.

use std::{sync::Arc, thread::JoinHandle};

use async_trait::async_trait;
use schemas::Topic;
use tokio::sync::{mpsc, oneshot};

use self::{
    rebalance::Moves,
    thread::{Ask, Driver},
};
use super::{BrokerError, KafkaSettings, Subscription, blocking};
use crate::{BatchLimit, Output, Record};

mod rebalance;
mod rewind;
mod thread;

/// One member of a group.
pub(super) struct Member {
    asks: mpsc::Sender<Ask>,
    thread: Option<JoinHandle<()>>,
}

impl Member {
    pub(super) async fn join(
        settings: &Arc<KafkaSettings>,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, BrokerError> {
        let (settings, group, topics) = (Arc::clone(settings), group.to_owned(), topics.to_vec());
        blocking(move || {
            let driver = Driver::open(settings, &group, topics)?;
            // One call at a time is out, and one may wait while its predecessor's caller has left.
            let (asks, asked) = mpsc::channel(2);
            let thread = std::thread::Builder::new()
                .name(format!("kafka-{group}"))
                .spawn(move || driver.run(asked))
                .map_err(|error| BrokerError::Unavailable(error.to_string()))?;
            Ok(Self {
                asks,
                thread: Some(thread),
            })
        })
        .await
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, BrokerError>>) -> Ask,
    ) -> Result<T, BrokerError> {
        let (reply, answer) = oneshot::channel();
        let gone = || BrokerError::Unavailable("the member's thread has ended".to_owned());
        self.asks.send(ask(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        let limit = *limit;
        self.ask(|reply| Ask::Next { limit, reply }).await
    }

    async fn commit(&mut self, outputs: Vec<Output>) -> Result<(), BrokerError> {
        self.ask(|reply| Ask::Commit { outputs, reply }).await
    }

    async fn close(mut self: Box<Self>) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        drop(self);
        // Closing the channel ends the thread, which leaves the group.
        let _ended = blocking(move || Ok(thread.join())).await;
    }
}
