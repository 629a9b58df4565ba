//! The loop of stages whose results go to a database: source offsets move in the same transaction.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use schemas::Topic;
use tokio::sync::{Semaphore, mpsc};

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

mod lag;

use lag::Positions;

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
    /// A batch, ready to be kept.
    type Ready: Send;

    /// Whether this process is the one that works on the database; becomes it if nobody is.
    ///
    /// The others stand by. Correctness does not rest on it (offsets are compared when they move); it
    /// spares two processes the same work.
    async fn lead(&self) -> Result<bool, Retry>;

    /// The next offset of every partition that was ever read.
    async fn offsets(&self) -> Result<Vec<(Topic, i32, i64)>, Retry>;

    /// Works out of a batch what can be known before it is kept, while the one before it is being kept.
    ///
    /// Records stand in order within each partition. The batch may never be kept, and be readied again by
    /// another process, so what this has done by then must be harmless.
    async fn ready(&self, batch: Vec<Record>) -> Self::Ready;

    /// Stores what the batch leads to, and moves the offsets past it, in one transaction.
    ///
    /// Nothing of the batch may have an effect elsewhere before the transaction is committed.
    async fn keep(&self, batch: &Self::Ready) -> Result<(), KeepError>;
}

/// Runs such a stage until asked to stop.
///
/// No consumer group is needed: one process leads, reads every partition, and begins where the
/// database says. What is stored once is never stored again.
pub async fn run<K: Keep>(stage: &K, context: &Context, codec: &Codec) {
    let positions = Positions::default();
    tokio::join!(
        work(stage, context, codec, &positions),
        lag::watch::<K>(context, &positions)
    );
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
///
/// With a backlog the next batch is read and readied while one is kept; no more than these two are in hand. Without one
/// the next batch grows meanwhile, because a transaction has its price. They are kept one after the other, so whatever
/// ends this leaves behind a database from which reading can begin again.
async fn follow<K: Keep>(
    stage: &K,
    context: &Context,
    codec: &Codec,
    (reader, positions): (&mut dyn Reader, &Positions),
) {
    let (sender, mut receiver) = mpsc::channel(1);
    let kept = Semaphore::new(0);
    let ahead = async {
        read_ahead(stage, context, codec, (reader, sender, &kept)).await;
        // What is ready is still kept; then nothing more comes.
        std::future::pending::<()>().await;
    };
    let keep = async {
        while let Some(Some(batch)) = context.stopper.run_until_stopped(receiver.recv()).await {
            if !keep(stage, context, &batch).await {
                break;
            }
            batch.note(positions);
            kept.add_permits(1);
        }
    };
    tokio::select! {
        () = keep => {}
        () = ahead => {}
    }
}

/// A batch that waits to be kept.
struct Waiting<R> {
    ready: R,
    records: usize,
    /// The offset after the batch, for each partition that it has records of.
    next: BTreeMap<(Topic, i32), i64>,
}

impl<R> Waiting<R> {
    fn note(&self, positions: &Positions) {
        for (partition, next) in &self.next {
            positions.set(*partition, *next);
        }
    }
}

/// Reads and readies batches until asked to stop, or until reading fails.
async fn read_ahead<K: Keep>(
    stage: &K,
    context: &Context,
    codec: &Codec,
    (reader, sender, kept): (&mut dyn Reader, mpsc::Sender<Waiting<K::Ready>>, &Semaphore),
) {
    let status = context.health.stage(K::NAME);
    let limit = BatchLimit {
        records: context.limit.records * BATCHES,
        ..context.limit
    };
    // Batches that are not kept yet.
    let mut ahead: u32 = 0;
    loop {
        let Some(taken) = context.stopper.run_until_stopped(reader.next(&limit)).await else {
            return;
        };
        let note =
            |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
        let batch = match taken {
            Ok(batch) => batch,
            Err(error) => return note(&Retry::because(error), STANDBY),
        };
        status.took(batch.len());
        let learnt = retry::until_done(&context.stopper, note, || async {
            codec.learn(&batch).await?;
            stage.lead().await
        });
        if learnt.await != Some(true) {
            return;
        }
        let next = batch.iter().map(|record| {
            let position = &record.position;
            ((record.topic, position.partition), position.offset + 1)
        });
        let (next, records) = (next.collect(), batch.len());
        // Only a batch that is full says that more is waiting.
        let most = u32::from(limit.is_reached_by(&batch));
        let readied = stage.ready(batch);
        let waiting = Waiting {
            ready: status.watch(readied, context.clock.as_ref()).await,
            records,
            next,
        };
        if sender.send(waiting).await.is_err() {
            return;
        }
        ahead += 1;
        if ahead > most {
            match kept.acquire_many(ahead - most).await {
                Ok(permits) => permits.forget(),
                Err(_closed) => return,
            }
            ahead = most;
        }
    }
}

/// Keeps a batch, in as many tries as it takes; false if it was not kept and reading must begin again.
async fn keep<K: Keep>(stage: &K, context: &Context, batch: &Waiting<K::Ready>) -> bool {
    let status = context.health.stage(K::NAME);
    let note = |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
    let kept = retry::until_done(&context.stopper, note, || async {
        if !stage.lead().await? {
            return Ok(Err(KeepError::Moved));
        }
        let keeping = stage.keep(&batch.ready);
        match status.watch(keeping, context.clock.as_ref()).await {
            Err(KeepError::Retry(retry)) => Err(retry),
            done => Ok(done),
        }
    });
    match kept.await {
        Some(Ok(())) => status.committed(batch.records, context.clock.now()),
        Some(Err(error)) => {
            tracing::warn!(stage = K::NAME, "{error}");
            return false;
        }
        None => return false,
    }
    true
}

#[cfg(test)]
mod tests;
