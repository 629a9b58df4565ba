//! What was refused: where, why, and where the bytes stand.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{
    Checked, Contract, Event, Generation, Id, Position, ProbableCause, Raw, RawPointer, Refusal,
    Stage, Timestamp, Topic,
};

/// A refusal. It names a field by its path and never carries a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    id: Id,
    stage: Stage,
    reason: Refusal,
    field: Option<String>,
    #[serde(default)]
    probable_cause: ProbableCause,
    provider: Option<String>,
    generation: Option<Generation>,
    provider_reference: Option<String>,
    customer_reference: Option<String>,
    transaction_reference: Option<String>,
    event_id: Option<Id>,
    source: Position,
    raw: Option<RawPointer>,
    first_seen: Timestamp,
}

impl Rejected {
    /// A raw callback that does not keep the contract, or that the door refused.
    pub fn of_raw(
        raw: &Raw,
        (reason, field, generation): (Refusal, Option<String>, Option<Generation>),
    ) -> Self {
        let stage = if raw.refused().is_some() {
            Stage::Door
        } else {
            Stage::Validate
        };
        Self {
            provider: Some(raw.provider().to_owned()),
            generation,
            raw: Some(raw.pointer()),
            field,
            ..Self::bare(stage, reason, raw.position().clone(), raw.received_at())
        }
    }

    /// A checked event that belongs to nobody we know.
    pub fn of_checked(
        checked: &Checked,
        reason: Refusal,
        field: Option<&str>,
        source: Position,
    ) -> Self {
        Self {
            provider: Some(checked.provider().to_owned()),
            generation: Some(checked.generation()),
            provider_reference: Some(checked.provider_reference().to_owned()),
            customer_reference: checked.customer_reference().map(str::to_owned),
            transaction_reference: checked.transaction_reference().map(str::to_owned),
            event_id: Some(checked.event_id()),
            raw: Some(checked.raw().clone()),
            field: field.map(str::to_owned),
            ..Self::bare(Stage::Enrich, reason, source, checked.received_at())
        }
    }

    /// A record that cannot be read at all.
    pub fn of_record(
        stage: Stage,
        reason: Refusal,
        source: Position,
        first_seen: Timestamp,
    ) -> Self {
        Self::bare(stage, reason, source, first_seen)
    }

    fn bare(stage: Stage, reason: Refusal, source: Position, first_seen: Timestamp) -> Self {
        Self {
            id: Id::derive(&["rejected", &source.to_string()]),
            stage,
            reason,
            field: None,
            probable_cause: reason.probable_cause(),
            provider: None,
            generation: None,
            provider_reference: None,
            customer_reference: None,
            transaction_reference: None,
            event_id: None,
            source,
            raw: None,
            first_seen,
        }
    }

    /// Adds the provider's reference of a raw callback, where it could be read.
    #[must_use]
    pub fn about(mut self, provider_reference: Option<String>) -> Self {
        self.provider_reference = provider_reference;
        self
    }

    /// Unique for each refused record.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Who refused.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Why.
    pub fn reason(&self) -> Refusal {
        self.reason
    }

    /// The path of the field at fault.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What probably lies behind it.
    pub fn probable_cause(&self) -> ProbableCause {
        self.probable_cause
    }

    /// The provider, where known.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The provider's reference, where it could be read.
    pub fn provider_reference(&self) -> Option<&str> {
        self.provider_reference.as_deref()
    }

    /// The customer reference, where it could be read.
    pub fn customer_reference(&self) -> Option<&str> {
        self.customer_reference.as_deref()
    }

    /// The transaction reference, where it could be read.
    pub fn transaction_reference(&self) -> Option<&str> {
        self.transaction_reference.as_deref()
    }

    /// The event that was refused by `enrich`.
    pub fn event_id(&self) -> Option<Id> {
        self.event_id
    }

    /// The record that was refused.
    pub fn source(&self) -> &Position {
        &self.source
    }

    /// The raw record behind it.
    pub fn raw(&self) -> Option<&RawPointer> {
        self.raw.as_ref()
    }

    /// When the refused message came.
    pub fn first_seen(&self) -> Timestamp {
        self.first_seen
    }

    /// The interface of the provider, where it was recognised.
    pub fn generation(&self) -> Option<Generation> {
        self.generation
    }
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::compiled_in(include_str!("../avro/rejected.avsc")));

impl Event for Rejected {
    const TOPIC: Topic = Topic::Rejected;
    const TYPE: &'static str = "idtrail.rejected";

    fn contract() -> &'static Contract {
        &CONTRACT
    }

    fn ce_id(&self) -> String {
        self.id.to_string()
    }

    fn subject(&self) -> Option<String> {
        Some(format!(
            "{}/{}",
            self.provider()?,
            self.provider_reference()?
        ))
    }

    fn time(&self) -> Timestamp {
        self.first_seen
    }
}
