//! Publishing what a database has numbered: each number once, in order.

use std::time::Duration;

use async_trait::async_trait;
use schemas::Topic;

use crate::{Codec, Context, Output, Publisher, Retry, retry};

/// Records published in one transaction; bounds what a failed one repeats.
const BATCH: usize = 1_000;
/// Pause after a transaction that did not fill up: what comes meanwhile shares the next one. Nobody waits for
/// the record of a notice or a receipt.
const GATHER: Duration = Duration::from_millis(50);
/// How often the database is asked when nobody rings: what another process left behind is found within this.
const LOOK: Duration = Duration::from_secs(1);

/// Numbered records that wait in a database.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The relay's name; one process of this name publishes at a time.
    const NAME: &'static str;
    /// The topics that it writes.
    const WRITES: &'static [Topic];

    /// Whether this process leads; see [`Keep::lead`](crate::keep::Keep::lead).
    async fn lead(&self) -> Result<bool, Retry>;

    /// The highest number known to be published, by the database's own mark. May lag behind the truth,
    /// never runs ahead of it.
    async fn mark(&self) -> Result<i64, Retry>;

    /// The next records after a number, in order without holes.
    async fn after(&self, number: i64, limit: usize) -> Result<Vec<(i64, Output)>, Retry>;

    /// Notes that all numbers up to this one are published.
    async fn published(&self, number: i64) -> Result<(), Retry>;

    /// Waits until there may be more. A lost ring costs at most a second.
    async fn ring(&self);
}

/// Runs a relay until asked to stop.
///
/// The position moves in the same transaction as the records, so a crash at any point neither loses
/// nor repeats one. The predecessor is fenced before the position is read.
pub async fn run<O: Outbox>(outbox: &O, context: &Context, codec: &Codec) {
    let status = context.health.stage(O::NAME);
    while !context.stopper.is_stopping() {
        let note =
            |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
        let begun = retry::until_done(&context.stopper, note, || begin(outbox, context, codec));
        let Some(begun) = begun.await else { break };
        let Some((mut publisher, last)) = begun else {
            status.standby(context.clock.now());
            let _stopped = context
                .stopper
                .run_until_stopped(tokio::time::sleep(LOOK))
                .await;
            continue;
        };
        status.running(context.clock.now());
        if let Err(retry) = follow(outbox, context, publisher.as_mut(), last).await {
            status.retrying(&retry, LOOK, context.clock.now());
            let _stopped = context
                .stopper
                .run_until_stopped(tokio::time::sleep(LOOK))
                .await;
        }
    }
    status.stopped(context.clock.now());
}

async fn begin<O: Outbox>(
    outbox: &O,
    context: &Context,
    codec: &Codec,
) -> Result<Option<(Box<dyn Publisher>, i64)>, Retry> {
    context
        .broker
        .check_topics()
        .await
        .map_err(Retry::because)?;
    codec.prepare(O::WRITES).await?;
    if !outbox.lead().await? {
        return Ok(None);
    }
    let mut publisher = context
        .broker
        .publisher(O::NAME)
        .await
        .map_err(Retry::because)?;
    let last = publisher.last().await.map_err(Retry::because)?;
    Ok(Some((publisher, last.max(outbox.mark().await?))))
}

/// Publishes until asked to stop; an error means to begin again from the position that the broker knows.
async fn follow<O: Outbox>(
    outbox: &O,
    context: &Context,
    publisher: &mut dyn Publisher,
    mut last: i64,
) -> Result<(), Retry> {
    let status = context.health.stage(O::NAME);
    loop {
        let waiting = outbox.after(last, BATCH).await?;
        let Some((newest, _)) = waiting.last() else {
            if context.stopper.is_stopping() || !outbox.lead().await? {
                return Ok(());
            }
            let _rung = context
                .stopper
                .run_until_stopped(tokio::time::timeout(LOOK, outbox.ring()))
                .await;
            continue;
        };
        let (newest, count) = (*newest, waiting.len());
        status.took(count);
        let outputs = waiting.into_iter().map(|(_, output)| output).collect();
        publisher
            .publish(outputs, last, newest)
            .await
            .map_err(Retry::because)?;
        last = newest;
        // A crash here leaves the mark behind, which is why the broker's own position counts.
        outbox.published(last).await?;
        status.committed(count, context.clock.now());
        if count < BATCH {
            let _stopped = context
                .stopper
                .run_until_stopped(tokio::time::sleep(GATHER))
                .await;
        }
    }
}
