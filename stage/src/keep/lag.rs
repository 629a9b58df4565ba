//! How many records a stage has not yet stored.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use schemas::Topic;

use super::Keep;
use crate::Context;

/// How often lag is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The next offset of each partition, as far as this process has stored; only for telling the lag.
#[derive(Debug, Default)]
pub(super) struct Positions(Mutex<BTreeMap<(Topic, i32), i64>>);

impl Positions {
    pub(super) fn set(&self, partition: (Topic, i32), next: i64) {
        // Only whole values are written, so a poisoned map is still whole.
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(partition, next);
    }

    fn get(&self, partition: (Topic, i32)) -> Option<i64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&partition)
            .copied()
    }
}

/// Tells every few seconds how many records the stage has not yet stored.
pub(super) async fn watch<K: Keep>(context: &Context, positions: &Positions) {
    let status = context.health.stage(K::NAME);
    while context
        .stopper
        .run_until_stopped(tokio::time::sleep(LOOK))
        .await
        .is_some()
    {
        let mut behind = 0;
        for topic in K::READS.iter().copied() {
            // A look that fails says nothing: the stage itself tells that it retries.
            for extent in context.broker.extents(topic).await.unwrap_or_default() {
                behind += extent.next
                    - positions
                        .get((topic, extent.partition))
                        .unwrap_or(extent.first);
            }
        }
        status.lag(behind);
    }
}
