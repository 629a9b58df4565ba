//! A database that goes between a commit and its answer: what was marked is not known to anybody, and told all the same.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use schemas::{Notified, Outcome, Timestamp};
use stage::Retry;

use super::world::{World, each, until};
use crate::{
    draft::{Publication, Waiting},
    sender,
    store::{Offset, Store, Work},
};

/// Marks attempts as started, and answers so many times that it is not available.
#[derive(Debug)]
struct Unsure {
    inner: Arc<dyn Store>,
    times: AtomicU32,
}

#[async_trait]
impl Store for Unsure {
    async fn start(&self, numbers: &[i64], now: Timestamp) -> Result<Vec<i64>, Retry> {
        let started = self.inner.start(numbers, now).await?;
        let less = |times: u32| times.checked_sub(1);
        match self
            .times
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            Ok(_) => Err(Retry::because("the connection was lost")),
            Err(_) => Ok(started),
        }
    }

    async fn offsets(&self) -> Result<Vec<Offset>, Retry> {
        self.inner.offsets().await
    }

    async fn begin(&self) -> Result<Box<dyn Work>, Retry> {
        self.inner.begin().await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, Retry> {
        self.inner.due(now, limit).await
    }

    async fn release(&self, numbers: &[i64]) -> Result<(), Retry> {
        self.inner.release(numbers).await
    }

    async fn recover(&self) -> Result<u64, Retry> {
        self.inner.recover().await
    }

    async fn backlog(&self) -> Result<(i64, Option<Timestamp>), Retry> {
        self.inner.backlog().await
    }

    async fn window_ended(&self, now: Timestamp) -> Result<bool, Retry> {
        self.inner.window_ended(now).await
    }

    async fn numbers(&self) -> Result<(i64, i64), Retry> {
        self.inner.numbers().await
    }

    async fn after(&self, number: i64, limit: usize) -> Result<Vec<(i64, Publication)>, Retry> {
        self.inner.after(number, limit).await
    }

    async fn published(&self, number: i64) -> Result<(), Retry> {
        self.inner.published(number).await
    }
}

#[tokio::test]
async fn marks_whose_answer_was_lost_hold_no_notice_up_and_count_for_no_try() {
    each(async |world: &World| {
        let context = world.context();
        let mut service = world.service(&context).await;
        service.sender.store = Arc::new(Unsure {
            inner: Arc::clone(&service.sender.store),
            times: AtomicU32::new(2),
        });
        let records = [world.enriched("check-1", Outcome::Passed)];
        world.keep(&service, &records).await;
        let story = async {
            until("both notices to be told", async || {
                world.ended(&service).await.len() == 2
            })
            .await;
            context.stopper.stop();
        };
        tokio::join!(story, sender::run(&service.sender, &context));
        let ended = world.ended(&service).await;
        let tries: Vec<i32> = ended.iter().map(Notified::attempts).collect();
        assert_eq!(tries, [1, 1], "{}", world.name);
        assert_eq!(world.script.tries(), 2, "{}", world.name);
    })
    .await;
}
