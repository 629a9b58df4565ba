//! What a callback says, held against the contract.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::{
    Contract, Date, Event, FindingCode, Generation, Id, Kind, Outcome, Raw, RawPointer, Timestamp,
    Topic,
};

/// One reason for an outcome: our code, and the provider's own where it is a plain code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Our code.
    pub code: FindingCode,
    /// The provider's code, e.g. `100` or `NO_FACE_PRESENT`; never free text.
    pub provider_code: Option<String>,
    /// The field of the message that says so, e.g. `rejectReason.rejectReasonCode`.
    pub field: Option<String>,
}

/// What a provider's crate reads from a body; the one way to say something about a callback.
///
/// No field can hold a name, a birth date, a document number, an address or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which interface.
    pub generation: Generation,
    /// The provider's reference, `[A-Za-z0-9._-]{1,64}`.
    pub provider_reference: String,
    /// The provider's account, needed to ask a KYX result back.
    pub provider_account: Option<String>,
    /// The reference of the customer that we gave.
    pub customer_reference: Option<String>,
    /// The reference of the transaction that we gave.
    pub transaction_reference: Option<String>,
    /// What was checked, where the message says it.
    pub kind: Option<Kind>,
    /// What it came to.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Vec<Finding>,
    /// The provider's own symbol.
    pub document_type: Option<String>,
    /// The provider's own symbol.
    pub document_subtype: Option<String>,
    /// Three capital letters.
    pub document_country: Option<String>,
    /// When the document runs out.
    pub document_expiry: Option<Date>,
    /// `MATCH`, `NO_MATCH`, `NOT_POSSIBLE`, `UNKNOWN`; none where nothing was compared.
    pub similarity: Option<String>,
    /// The provider's word, or `UNKNOWN`.
    pub liveness: Option<String>,
    /// Watch-list hits, where a search was made.
    pub screening_hits: Option<i64>,
    /// When the provider says that it happened.
    pub occurred_at: Option<Timestamp>,
    /// Names of fields that this release does not know.
    pub unknown_fields: Vec<String>,
}

/// A callback that keeps the contract.
///
/// Serde's defaults are those of the contract, for data of a writer that left the field out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    event_id: Id,
    provider: String,
    #[serde(default)]
    generation: Generation,
    provider_reference: String,
    provider_account: Option<String>,
    customer_reference: Option<String>,
    transaction_reference: Option<String>,
    kind: Option<Kind>,
    outcome: Outcome,
    #[serde(rename = "final")]
    is_final: bool,
    rank: i32,
    #[serde(default)]
    reasons: Vec<Finding>,
    document_type: Option<String>,
    document_subtype: Option<String>,
    document_country: Option<String>,
    document_expiry: Option<Date>,
    similarity: Option<String>,
    liveness: Option<String>,
    screening_hits: Option<i64>,
    occurred_at: Option<Timestamp>,
    received_at: Timestamp,
    #[serde(default = "doubtful")]
    needs_confirmation: bool,
    #[serde(default)]
    unknown_fields: Vec<String>,
    raw: RawPointer,
}

/// Without a word about it, nothing is taken for confirmed.
fn doubtful() -> bool {
    true
}

/// What is said, in one form: without nulls, and sorted even if some crate switches on `preserve_order` for all of us.
fn said(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            let fields: BTreeMap<_, _> = fields.map(|(name, value)| (name, said(value))).collect();
            fields.into_iter().collect()
        }
        Value::Array(items) => items.into_iter().map(said).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

impl Checked {
    /// The event that a raw callback becomes; the same message gives the same event id.
    pub fn new(raw: &Raw, facts: Facts) -> Self {
        let mut checked = Self {
            event_id: Id::derive(&[]),
            provider: raw.provider().to_owned(),
            generation: facts.generation,
            provider_reference: facts.provider_reference,
            provider_account: facts.provider_account,
            customer_reference: facts.customer_reference,
            transaction_reference: facts.transaction_reference,
            kind: facts.kind,
            outcome: facts.outcome,
            is_final: facts.outcome.is_final(),
            rank: facts.outcome.rank(),
            reasons: facts.reasons,
            document_type: facts.document_type,
            document_subtype: facts.document_subtype,
            document_country: facts.document_country,
            document_expiry: facts.document_expiry,
            similarity: facts.similarity,
            liveness: facts.liveness,
            screening_hits: facts.screening_hits,
            occurred_at: facts.occurred_at,
            received_at: raw.received_at(),
            // No provider of today signs what it sends, so every callback is a hint (T05).
            needs_confirmation: true,
            unknown_fields: facts.unknown_fields,
            raw: raw.pointer(),
        };
        checked.event_id = checked.identity();
        checked
    }

    /// `UUIDv5` of provider, provider reference and what the message says, without its times and place.
    ///
    /// Null says nothing: so a field that a later release adds leaves the ids of messages without it as they are.
    fn identity(&self) -> Id {
        let said = said(serde_json::json!({
            "customer_reference": self.customer_reference, "document_country": self.document_country,
            "document_expiry": self.document_expiry, "document_subtype": self.document_subtype,
            "document_type": self.document_type, "generation": self.generation, "kind": self.kind,
            "liveness": self.liveness, "outcome": self.outcome, "provider_account": self.provider_account,
            "reasons": self.reasons, "screening_hits": self.screening_hits, "similarity": self.similarity,
            "transaction_reference": self.transaction_reference, "unknown_fields": self.unknown_fields,
        }));
        Id::derive(&[&self.provider, &self.provider_reference, &said.to_string()])
    }

    /// The same for every repeat of the message by the provider.
    pub fn event_id(&self) -> Id {
        self.event_id
    }

    /// Who sent it.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The provider's reference.
    pub fn provider_reference(&self) -> &str {
        &self.provider_reference
    }

    /// The reference of the customer that we gave.
    pub fn customer_reference(&self) -> Option<&str> {
        self.customer_reference.as_deref()
    }

    /// The reference of the transaction that we gave.
    pub fn transaction_reference(&self) -> Option<&str> {
        self.transaction_reference.as_deref()
    }

    /// What was checked.
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// What it came to.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Which interface of the provider sent it.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// See [`Outcome::rank`].
    pub fn rank(&self) -> i32 {
        self.rank
    }

    /// When the document runs out.
    pub fn document_expiry(&self) -> Option<Date> {
        self.document_expiry
    }

    /// When the door had the whole body.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// When the provider says that it happened.
    pub fn occurred_at(&self) -> Option<Timestamp> {
        self.occurred_at
    }

    /// Names of fields that this release does not know.
    pub fn unknown_fields(&self) -> &[String] {
        &self.unknown_fields
    }

    /// The raw record behind it.
    pub fn raw(&self) -> &RawPointer {
        &self.raw
    }

    /// The check that it belongs to: the provider and its reference.
    pub fn check(&self) -> String {
        format!("{}/{}", self.provider, self.provider_reference)
    }
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::compiled_in(include_str!("../avro/checked.avsc")));

impl Event for Checked {
    const TOPIC: Topic = Topic::Checked;
    const TYPE: &'static str = "idtrail.checked";

    fn contract() -> &'static Contract {
        &CONTRACT
    }

    fn ce_id(&self) -> String {
        self.event_id.to_string()
    }

    fn subject(&self) -> Option<String> {
        Some(self.check())
    }

    fn time(&self) -> Timestamp {
        self.received_at
    }
}
