//! Which partitions have left this member since it last looked.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, ConsumerContext, Rebalance},
};

/// A partition by its topic's full name.
pub(super) type At = (String, i32);

/// Collects revocations; they are called while the consumer is polled, on the same thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves(Arc<Mutex<Vec<At>>>);

impl Moves {
    /// What has left since the last call.
    pub(super) fn take(&self) -> Vec<At> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Moves {}

impl ConsumerContext for Moves {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let left = list
                .elements()
                .into_iter()
                .map(|element| (element.topic().to_owned(), element.partition()));
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(left);
        }
    }
}
