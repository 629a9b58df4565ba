//! What rebalances leave behind for the member: they happen inside its calls, in callbacks of the client.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::KafkaError,
};

use crate::broker::kafka::client;

/// A partition by its topic's name at the broker.
pub(super) type Partition = (String, i32);

/// The changes since the member last looked.
#[derive(Default)]
pub(super) struct Changes {
    taken_away: Mutex<Vec<Partition>>,
    /// Whether partitions are paused, so that new ones must be too.
    paused: AtomicBool,
}

impl Changes {
    /// The partitions that were taken away.
    pub(super) fn taken_away(&self) -> Vec<Partition> {
        std::mem::take(
            &mut *self
                .taken_away
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Notes that partitions are paused; whether they were already.
    pub(super) fn pause(&self) -> bool {
        self.paused.swap(true, Ordering::Relaxed)
    }

    pub(super) fn resume(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }
}

/// The context of a member's consumer.
pub(super) struct Grouped(Arc<Changes>);

impl Grouped {
    pub(super) fn new(changes: Arc<Changes>) -> Self {
        Self(changes)
    }
}

impl ClientContext for Grouped {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        client::tell_log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::tell_error(&error, reason);
    }
}

impl ConsumerContext for Grouped {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            tracing::debug!(partitions = partitions.count(), "partitions are taken away");
            let elements = partitions.elements();
            let names = elements
                .iter()
                .map(|one| (one.topic().to_owned(), one.partition()));
            self.0
                .taken_away
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(names);
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            tracing::debug!(partitions = partitions.count(), "partitions are given");
            // A partition that was paused when it was taken away comes back paused, and would stay so for ever.
            let _error = if self.0.is_paused() {
                // A record that comes all the same is kept for the next batch.
                consumer.pause(partitions)
            } else {
                consumer.resume(partitions)
            };
        }
    }
}
