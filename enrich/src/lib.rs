#![doc = include_str!("../README.md")]

use std::sync::Arc;

use async_trait::async_trait;
use directory::{Asked, Directory, Found};
use schemas::{Checked, Confirmation, Enriched, Refusal, Rejected, Stage, Topic, header};
use stage::{BrokerError, Clock, Codec, Context, Decide, Output, Record, Retry, telemetry};

/// The stage that finds out whose client it is and who earns on it. Keeps nothing between batches.
pub struct Enrich {
    directory: Arc<dyn Directory>,
    codec: Arc<Codec>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Enrich {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrich")
    }
}

impl Enrich {
    /// The stage; `directory` is asked once for each batch.
    pub fn new(directory: Arc<dyn Directory>, codec: Arc<Codec>, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory,
            codec,
            clock,
        }
    }

    fn enriched(&self, record: &Record, checked: Checked, found: Found) -> Output {
        let at = self.clock.now();
        let confirmation = Confirmation::Unconfirmed;
        let people = (found.commission_owner, found.onboarding_queue);
        let enriched = Enriched::new(checked, confirmation, found.party, people, at);
        self.codec
            .encode(&enriched, key(record), trace(record).as_deref())
    }

    fn rejected(&self, record: &Record, rejected: &Rejected) -> Output {
        let (stage, reason) = (rejected.stage().as_str(), rejected.reason().as_str());
        metrics::counter!("idtrail_rejected_total", "stage" => stage, "reason" => reason)
            .increment(1);
        self.codec
            .encode(rejected, key(record), trace(record).as_deref())
    }

    fn unreadable(&self, record: &Record, reason: Refusal) -> Output {
        let rejected = Rejected::of_record(
            Stage::Enrich,
            reason,
            record.position.clone(),
            record.timestamp,
        );
        self.rejected(record, &rejected)
    }
}

fn key(record: &Record) -> &[u8] {
    record.key.as_deref().unwrap_or_default()
}

fn trace(record: &Record) -> Option<String> {
    let kind = telemetry::SpanKind::Consumer;
    telemetry::step(
        "process checked",
        kind,
        record.header(header::TRACEPARENT),
        Vec::new(),
    )
}

#[async_trait]
impl Decide for Enrich {
    const NAME: &'static str = "enrich";
    const READS: &'static [Topic] = &[Topic::Checked];
    const WRITES: &'static [Topic] = &[Topic::Enriched, Topic::Rejected];

    async fn decide(&self, batch: &[Record]) -> Result<Vec<Output>, Retry> {
        let read: Vec<Result<Checked, _>> = batch
            .iter()
            .map(|record| self.codec.decode::<Checked>(record))
            .collect();
        let asked: Vec<Asked<'_>> = read
            .iter()
            .flatten()
            .map(|checked| Asked {
                customer_reference: checked.customer_reference(),
                transaction_reference: checked.transaction_reference(),
            })
            .collect();
        let mut answers = self
            .directory
            .find(&asked)
            .await
            .map_err(Retry::because)?
            .into_iter();
        let mut outputs = Vec::with_capacity(batch.len());
        for (record, read) in batch.iter().zip(read) {
            outputs.push(match read {
                Err(unreadable) => self.unreadable(record, unreadable.0),
                Ok(checked) => match answers.next() {
                    Some(Ok(found)) => self.enriched(record, checked, found),
                    Some(Err(refused)) => {
                        let source = record.position.clone();
                        self.rejected(
                            record,
                            &Rejected::of_checked(&checked, refused.reason, refused.field, source),
                        )
                    }
                    // A directory that gives fewer answers than questions is not ready.
                    None => return Err(Retry::because("the directory gave too few answers")),
                },
            });
        }
        Ok(outputs)
    }
}

/// Runs `enrich` until asked to stop.
pub async fn start(directory: Arc<dyn Directory>, context: Context) -> Result<(), BrokerError> {
    // A series that begins with its first event shows no increase, and an alarm on increases would miss it.
    for reason in Refusal::ALL {
        metrics::counter!("idtrail_rejected_total", "stage" => "enrich", "reason" => reason.as_str())
            .increment(0);
    }
    let codec = context.codec(Enrich::NAME);
    stage::run::run(
        &Enrich::new(directory, Arc::clone(&codec), Arc::clone(&context.clock)),
        &context,
        &codec,
    )
    .await
}
