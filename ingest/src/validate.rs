//! `raw` to `checked` or `rejected`: what does it say, does it keep the contract.

use std::sync::Arc;

use async_trait::async_trait;
use schemas::{Checked, Raw, RawError, Refusal, Rejected, Stage, Topic, header};
use stage::{BrokerError, Codec, Context, Decide, Output, Record, Retry};

use crate::providers::{self, Refused};

/// The stage that reads what providers say. Keeps nothing between batches.
#[derive(Debug)]
pub struct Validate {
    codec: Arc<Codec>,
}

impl Validate {
    /// The stage; `codec` writes its events.
    pub fn new(codec: Arc<Codec>) -> Self {
        Self { codec }
    }

    /// Decides about one record. Pure but for metrics.
    fn decide_one(&self, record: &Record) -> Output {
        let key = record.key.as_deref().unwrap_or_default();
        let trace = stage::telemetry::step(
            "process raw",
            stage::telemetry::SpanKind::Consumer,
            record.header(header::TRACEPARENT),
            Vec::new(),
        );
        let trace = trace.as_deref();
        match read(record) {
            Ok(Verdict::Checked(checked)) => {
                for _ in checked.unknown_fields() {
                    metrics::counter!("idtrail_unknown_fields_total", "provider" => checked.provider().to_owned())
                        .increment(1);
                }
                self.codec.encode(checked.as_ref(), key, trace)
            }
            Ok(Verdict::Rejected(rejected)) => {
                count(rejected.stage(), rejected.reason());
                self.codec.encode(rejected.as_ref(), key, trace)
            }
            Err(error) => {
                let reason = match error {
                    RawError::Tombstone => Refusal::Tombstone,
                    RawError::Header(_) => Refusal::BadHeaders,
                };
                count(Stage::Validate, reason);
                let rejected = Rejected::of_record(
                    Stage::Validate,
                    reason,
                    record.position.clone(),
                    record.timestamp,
                );
                self.codec.encode(&rejected, key, trace)
            }
        }
    }
}

fn count(stage: Stage, reason: Refusal) {
    metrics::counter!("idtrail_rejected_total", "stage" => stage.as_str(), "reason" => reason.as_str()).increment(1);
}

/// What a raw callback becomes.
#[derive(Debug)]
pub enum Verdict {
    /// It keeps the contract.
    Checked(Box<Checked>),
    /// It does not.
    Rejected(Box<Rejected>),
}

fn read(record: &Record) -> Result<Verdict, RawError> {
    let raw = Raw::read(
        record.position.clone(),
        &record.headers,
        record.value.clone(),
    )?;
    Ok(judge(&raw))
}

/// Holds a raw callback against its provider's contract.
///
/// What the door refused stays refused; where the body is in hand its exact fault is named.
pub fn judge(raw: &Raw) -> Verdict {
    let Some(provider) = providers::by_name(raw.provider()) else {
        return Verdict::Rejected(Box::new(Rejected::of_raw(
            raw,
            (Refusal::BadHeaders, None, None),
        )));
    };
    let parsed = (provider.parse)(raw.kind(), raw.body().expose());
    let refused = match (parsed, raw.refused()) {
        (Ok(facts), None) => return Verdict::Checked(Box::new(Checked::new(raw, facts))),
        (Ok(_), Some(code)) => Refused {
            reason: code,
            field: None,
            generation: None,
            provider_reference: None,
        },
        // A refusal without its body is an empty body; only the door's own code says why.
        (Err(refused), Some(code)) if raw.body().expose().is_empty() && code != Refusal::Empty => {
            Refused {
                reason: code,
                ..refused
            }
        }
        (Err(refused), _) => refused,
    };
    let rejected = Rejected::of_raw(raw, (refused.reason, refused.field, refused.generation));
    Verdict::Rejected(Box::new(rejected.about(refused.provider_reference)))
}

#[async_trait]
impl Decide for Validate {
    const NAME: &'static str = "validate";
    const READS: &'static [Topic] = &[Topic::Raw];
    const WRITES: &'static [Topic] = &[Topic::Checked, Topic::Rejected];

    async fn decide(&self, batch: &[Record]) -> Result<Vec<Output>, Retry> {
        Ok(batch.iter().map(|record| self.decide_one(record)).collect())
    }
}

/// Runs `validate` until asked to stop.
pub async fn start(context: Context) -> Result<(), BrokerError> {
    crate::tally::begin_validate();
    let codec = context.codec(Validate::NAME);
    stage::run::run(&Validate::new(Arc::clone(&codec)), &context, &codec).await
}
