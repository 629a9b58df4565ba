//! The one loop: take a batch, decide, publish, commit.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use schemas::Topic;

use crate::{
    Broker, BrokerError, Chance, Clock, Codec, Health, Output, Record, Retry, Stopper,
    Subscription, retry,
};

/// How much a batch may hold, and how long it may wait to fill.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    /// Records; bounds the memory of a batch and the work that a crash repeats.
    pub records: usize,
    /// Bytes of keys, headers and values; the batch ends with the record that passes it.
    pub bytes: usize,
    /// Longest wait for more once there is one record.
    pub wait: Duration,
}

impl BatchLimit {
    /// Whether a batch ended because it is as large as it may be.
    pub(crate) fn is_reached_by(&self, batch: &[Record]) -> bool {
        let bytes = || batch.iter().map(Record::bytes).sum::<usize>();
        batch.len() >= self.records || bytes() >= self.bytes
    }
}

impl Default for BatchLimit {
    fn default() -> Self {
        // 1,000 records keep a Kafka transaction near its cheapest cost per record while a batch stays
        // under 10 ms of work; 8 MiB bounds the memory where bodies are large. A transaction costs the broker
        // a marker in every partition it touches, so 20 ms of gathering, three times on the way to a mail,
        // buys most of the broker's CPU back.
        Self {
            records: 1_000,
            bytes: 8 << 20,
            wait: Duration::from_millis(20),
        }
    }
}

/// What every stage is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where records come from and go to.
    pub broker: Arc<dyn Broker>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Chance,
    /// The wish to stop.
    pub stopper: Stopper,
    /// What `/status` and `/readyz` tell.
    pub health: Health,
    /// The size of batches.
    pub limit: BatchLimit,
}

impl Context {
    /// A codec for a service of this process.
    pub fn codec(&self, service: &str) -> Arc<Codec> {
        Arc::new(Codec::new(
            Arc::clone(&self.broker),
            Arc::clone(&self.clock),
            &format!("/idtrail/{service}"),
        ))
    }
}

/// A stage whose results go to topics: one decision for each record.
#[async_trait]
pub trait Decide: Send + Sync {
    /// The stage's name, which is also its consumer group.
    const NAME: &'static str;
    /// The topics it reads.
    const READS: &'static [Topic];
    /// The topics it writes.
    const WRITES: &'static [Topic];

    /// Decides about a whole batch: exactly one output for each record, in order.
    ///
    /// May be called again with the same records, and must come to the same end.
    async fn decide(&self, batch: &[Record]) -> Result<Vec<Output>, Retry>;
}

/// Runs a stage until asked to stop.
///
/// A record is given up only with the output that it led to, in one transaction: work may repeat, is
/// never lost and never doubled. Ends with an error only where a restart is the cure.
pub async fn run<D: Decide>(
    stage: &D,
    context: &Context,
    codec: &Codec,
) -> Result<(), BrokerError> {
    let status = context.health.stage(D::NAME);
    let note = |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
    let prepared = retry::until_done(&context.stopper, note, || async {
        context
            .broker
            .check_topics()
            .await
            .map_err(Retry::because)?;
        codec.prepare(D::WRITES).await
    });
    if prepared.await.is_none() {
        return Ok(());
    }
    let Some(mut subscription) = subscribe(D::NAME, D::READS, context).await? else {
        return Ok(());
    };
    status.running(context.clock.now());
    while let Some(taken) = context
        .stopper
        .run_until_stopped(subscription.next(&context.limit))
        .await
    {
        let batch = match taken {
            Ok(batch) => batch,
            Err(BrokerError::Revoked) => continue,
            Err(error @ (BrokerError::Fenced | BrokerError::Settings(_))) => return Err(error),
            Err(error) => {
                pause_for(&error, context, D::NAME).await;
                continue;
            }
        };
        status.took(batch.len());
        let decided = retry::until_done(&context.stopper, note, || async {
            codec.learn(&batch).await?;
            stage.decide(&batch).await
        });
        let Some(outputs) = decided.await else { break };
        assert_eq!(
            outputs.len(),
            batch.len(),
            "a stage gives one output for each record"
        );
        match commit(subscription.as_mut(), outputs, context, D::NAME).await {
            Ok(()) => status.committed(batch.len(), context.clock.now()),
            Err(error @ (BrokerError::Fenced | BrokerError::Settings(_))) => return Err(error),
            Err(_) => {}
        }
    }
    subscription.close().await;
    status.stopped(context.clock.now());
    Ok(())
}

async fn subscribe(
    group: &str,
    topics: &[Topic],
    context: &Context,
) -> Result<Option<Box<dyn Subscription>>, BrokerError> {
    loop {
        match context.broker.subscribe(group, topics).await {
            Ok(subscription) => return Ok(Some(subscription)),
            Err(error @ BrokerError::Settings(_)) => return Err(error),
            Err(error) => pause_for(&error, context, group).await,
        }
        if context.stopper.is_stopping() {
            return Ok(None);
        }
    }
}

/// A batch that could not be committed is void: it will be given out again, by whoever holds it then.
async fn commit(
    subscription: &mut dyn Subscription,
    outputs: Vec<Output>,
    context: &Context,
    name: &str,
) -> Result<(), BrokerError> {
    let result = subscription.commit(outputs).await;
    match &result {
        Ok(()) => {}
        Err(BrokerError::Revoked) => {
            tracing::info!(stage = name, "the batch went to another member");
        }
        Err(error) => pause_for(error, context, name).await,
    }
    result
}

/// One second: long enough not to flood a broker that is coming back, short enough to be noticed as lag only.
const BROKER_PAUSE: Duration = Duration::from_secs(1);

async fn pause_for(error: &BrokerError, context: &Context, name: &str) {
    context
        .health
        .stage(name)
        .retrying(&Retry::because(error), BROKER_PAUSE, context.clock.now());
    let _stopped = context
        .stopper
        .run_until_stopped(tokio::time::sleep(BROKER_PAUSE))
        .await;
}
