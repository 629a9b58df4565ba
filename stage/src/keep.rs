//! The loop of stages whose results go to a database: source offsets move in the same transaction.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use schemas::Topic;

use crate::{
    BatchLimit, Codec, Context, Reader, Record, Retry,
    broker::{Assigned, Start},
    retry,
};

/// How long a standby waits before it asks again whether it leads.
const STANDBY: Duration = Duration::from_secs(1);
/// How many of the loop's batches are stored at once when there is a backlog: a database transaction has a
/// price of its own (locks, two fsyncs) that more records share.
const BATCHES: usize = 4;
/// How often lag is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Why a batch was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeepError {
    /// The database was not ready; the same batch is tried again.
    #[error(transparent)]
    Retry(#[from] Retry),
    /// The offsets stand elsewhere than this process thought: another one was at work. Nothing was
    /// stored, and reading begins again at the stored offsets.
    #[error("the stored offsets have moved: another process was at work")]
    Moved,
}

/// A stage whose results go to a database.
#[async_trait]
pub trait Keep: Send + Sync {
    /// The stage's name.
    const NAME: &'static str;
    /// The topics it reads.
    const READS: &'static [Topic];

    /// Whether this process is the one that works on the database; becomes it if nobody is.
    ///
    /// The others stand by. Correctness does not rest on it (offsets are compared when they move); it
    /// spares two processes the same work.
    async fn lead(&self) -> Result<bool, Retry>;

    /// The next offset of every partition that was ever read.
    async fn offsets(&self) -> Result<Vec<(Topic, i32, i64)>, Retry>;

    /// Stores what the batch leads to, and moves the offsets past it, in one transaction.
    ///
    /// Records stand in order within each partition. Nothing of the batch may have an effect elsewhere
    /// before the transaction is committed.
    async fn keep(&self, batch: &[Record]) -> Result<(), KeepError>;
}

/// Runs such a stage until asked to stop.
///
/// No consumer group is needed: one process leads, reads every partition, and begins where the
/// database says. What is stored once is never stored again.
pub async fn run<K: Keep>(stage: &K, context: &Context, codec: &Codec) {
    let positions = Positions::default();
    tokio::join!(
        work(stage, context, codec, &positions),
        watch_lag::<K>(context, &positions)
    );
}

/// The next offset of each partition, as far as this process has stored; only for telling the lag.
#[derive(Debug, Default)]
struct Positions(Mutex<BTreeMap<(Topic, i32), i64>>);

impl Positions {
    fn set(&self, partition: (Topic, i32), next: i64) {
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
async fn watch_lag<K: Keep>(context: &Context, positions: &Positions) {
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

async fn work<K: Keep>(stage: &K, context: &Context, codec: &Codec, positions: &Positions) {
    let status = context.health.stage(K::NAME);
    metrics::counter!("idtrail_records_lost_to_retention_total", "stage" => K::NAME).increment(0);
    while !context.stopper.is_stopping() {
        let note =
            |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
        let begun = retry::until_done(&context.stopper, note, || begin(stage, context, positions));
        let Some(begun) = begun.await else { break };
        let Some(mut reader) = begun else {
            status.standby(context.clock.now());
            let _stopped = context
                .stopper
                .run_until_stopped(tokio::time::sleep(STANDBY))
                .await;
            continue;
        };
        status.running(context.clock.now());
        follow(stage, context, codec, (reader.as_mut(), positions)).await;
    }
    status.stopped(context.clock.now());
}

/// Begins to read where the database says; nothing if another process leads.
async fn begin<K: Keep>(
    stage: &K,
    context: &Context,
    positions: &Positions,
) -> Result<Option<Box<dyn Reader>>, Retry> {
    context
        .broker
        .check_topics()
        .await
        .map_err(Retry::because)?;
    if !stage.lead().await? {
        return Ok(None);
    }
    let stored = stage.offsets().await?;
    let mut assigned = Vec::new();
    for topic in K::READS.iter().copied() {
        for extent in context
            .broker
            .extents(topic)
            .await
            .map_err(Retry::because)?
        {
            let partition = extent.partition;
            let next = stored
                .iter()
                .find(|(t, p, _)| (*t, *p) == (topic, partition))
                .map(|(_, _, next)| *next);
            if next.unwrap_or(0) < extent.first {
                // Records that nobody has read are gone: this must be seen, whatever the reason.
                metrics::counter!("idtrail_records_lost_to_retention_total", "stage" => K::NAME)
                    .increment(1);
                tracing::error!(
                    stage = K::NAME,
                    topic = %topic,
                    partition,
                    stored = next.unwrap_or(0),
                    first = extent.first,
                    "records were deleted by retention before this stage read them"
                );
            }
            positions.set((topic, partition), next.unwrap_or(extent.first));
            let start = next.map_or(Start::First, Start::Offset);
            assigned.push(Assigned {
                topic,
                partition,
                start,
            });
        }
    }
    context
        .broker
        .read(assigned)
        .await
        .map(Some)
        .map_err(Retry::because)
}

/// Reads and stores until asked to stop, until another process has moved the offsets, or until the lead is lost.
async fn follow<K: Keep>(
    stage: &K,
    context: &Context,
    codec: &Codec,
    (reader, positions): (&mut dyn Reader, &Positions),
) {
    let status = context.health.stage(K::NAME);
    let limit = BatchLimit {
        records: context.limit.records * BATCHES,
        ..context.limit
    };
    while let Some(taken) = context.stopper.run_until_stopped(reader.next(&limit)).await {
        let note =
            |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
        let batch = match taken {
            Ok(batch) => batch,
            Err(error) => return note(&Retry::because(error), STANDBY),
        };
        status.took(batch.len());
        let kept = retry::until_done(&context.stopper, note, || async {
            if !stage.lead().await? {
                return Ok(Err(KeepError::Moved));
            }
            codec.learn(&batch).await?;
            match stage.keep(&batch).await {
                Err(KeepError::Retry(retry)) => Err(retry),
                done => Ok(done),
            }
        });
        match kept.await {
            Some(Ok(())) => {
                for record in &batch {
                    positions.set(
                        (record.topic, record.position.partition),
                        record.position.offset + 1,
                    );
                }
                status.committed(batch.len(), context.clock.now());
            }
            Some(Err(error)) => return tracing::warn!(stage = K::NAME, "{error}"),
            None => return,
        }
    }
}
