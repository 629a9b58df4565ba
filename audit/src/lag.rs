//! How far the history is behind the topics: lag is how a stuck history is noticed.

use std::{collections::HashMap, time::Duration};

use stage::{Context, Retry, keep::Keep};

/// How often is looked. Between two looks an alarm would not hear of it, so it is well below an alarm's window.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until asked to stop. A look that fails says nothing: the stage itself tells.
pub(crate) async fn watch<K: Keep>(stage: &K, context: &Context) {
    let status = context.health.stage(K::NAME);
    while context.stopper.run_until_stopped(tokio::time::sleep(LOOK)).await.is_some() {
        if let Ok(lag) = look(stage, context).await {
            status.lag(lag);
        }
    }
}

async fn look<K: Keep>(stage: &K, context: &Context) -> Result<i64, Retry> {
    let offsets: HashMap<_, _> = stage
        .offsets()
        .await?
        .into_iter()
        .map(|(topic, partition, next)| ((topic, partition), next))
        .collect();
    let mut lag = 0;
    for topic in K::READS.iter().copied() {
        for extent in context.broker.extents(topic).await.map_err(Retry::because)? {
            let next = offsets.get(&(topic, extent.partition)).copied().unwrap_or(0);
            lag += extent.next - next.max(extent.first);
        }
    }
    Ok(lag.max(0))
}
