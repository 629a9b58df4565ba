//! One step: what the history tells of an entry, and to what else it points.

use schemas::{Position, Timestamp, Topic, header};
use serde::Serialize;

use crate::body::{Opened, position_of, topic_of};

/// Where a step's record stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The topic's name, with its prefix.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl From<Position> for Source {
    fn from(position: Position) -> Self {
        Self {
            topic: position.topic,
            partition: position.partition,
            offset: position.offset,
        }
    }
}

/// One step of a check, as `idtrail history --json` prints it; null where it is not known at that step. A step whose key
/// was destroyed has its place, its time and its leaf, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The index of its leaf.
    pub seq: i64,
    /// When it got its index.
    pub at: Timestamp,
    /// `raw`, `checked`, `enriched`, `notified`, `rejected` or `operated`.
    pub step: String,
    /// The provider.
    pub provider: Option<String>,
    /// The provider's reference.
    pub provider_reference: Option<String>,
    /// The reference of the customer that we gave.
    pub customer_reference: Option<String>,
    /// The reference of the transaction that we gave.
    pub transaction_reference: Option<String>,
    /// The account's number.
    pub account: Option<String>,
    /// The contact's id.
    pub contact: Option<String>,
    /// The event; the same for what the provider repeats.
    pub event_id: Option<String>,
    /// What it came to: the outcome of a check or of a notice, the reason of a refusal, the act of an operator.
    pub outcome: Option<String>,
    /// Whether the provider had sent it before.
    pub repeat: bool,
    /// Where its record stood.
    pub source: Source,
    /// SHA-256 of its leaf, hex.
    pub leaf_hash: String,
}

/// An entry that was read; without a body if its key was destroyed.
pub(super) struct Read {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) position: Position,
    pub(super) leaf_hash: Vec<u8>,
    pub(super) body: Option<Opened>,
}

/// Whether entries of a topic make a check known. The others belong to one that is, or will be.
pub(super) fn begins_a_check(topic: Topic) -> bool {
    match topic {
        Topic::Checked | Topic::Enriched | Topic::Rejected => true,
        Topic::Raw | Topic::Notified | Topic::Audited | Topic::Operated => false,
    }
}

impl Read {
    /// The topic by what it holds.
    pub(super) fn topic(&self) -> Option<Topic> {
        topic_of(&self.position.topic)
    }

    fn text(&self, pointer: &str) -> Option<String> {
        self.body.as_ref()?.text(pointer)
    }

    fn place(&self, pointer: &str) -> Option<Position> {
        self.body.as_ref()?.place(pointer)
    }

    /// The records that this one names, each an earlier one of the same check.
    pub(super) fn links(&self) -> Vec<Position> {
        let replayed = self
            .body
            .as_ref()
            .and_then(|body| body.header(header::REPLAY_OF))
            .and_then(position_of);
        let acted_on = self.text("/subject").as_deref().and_then(position_of);
        [self.raw(), self.place("/source"), replayed, acted_on]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The raw record behind it.
    pub(super) fn raw(&self) -> Option<Position> {
        match self.topic()? {
            Topic::Raw => Some(self.position.clone()),
            Topic::Checked | Topic::Rejected => self.place("/raw"),
            Topic::Enriched => self.place("/checked/raw"),
            Topic::Notified | Topic::Audited | Topic::Operated => None,
        }
    }

    /// The record that it was made from, where it is not known by its raw record.
    pub(super) fn source(&self) -> Option<Position> {
        self.place("/source")
    }

    /// Whether an operator, and not the provider, sent it again.
    pub(super) fn is_replay(&self) -> bool {
        let header = self
            .body
            .as_ref()
            .and_then(|body| body.header(header::REPLAY_OF));
        header.is_some()
    }

    /// The SHA-256 of what the provider sent.
    pub(super) fn bytes(&self) -> Option<&str> {
        let raw = self.topic() == Some(Topic::Raw);
        self.body.as_ref().filter(|_| raw)?.sha256()
    }

    /// The event that it is, or that it is about.
    pub(super) fn event(&self) -> Option<String> {
        match self.topic()? {
            Topic::Checked | Topic::Rejected => self.text("/event_id"),
            Topic::Enriched => self.text("/checked/event_id"),
            Topic::Raw | Topic::Notified | Topic::Audited | Topic::Operated => None,
        }
    }

    /// The account that it names: id and number.
    pub(super) fn account(&self) -> Option<[String; 2]> {
        Some([
            self.text("/party/account_id")?,
            self.text("/party/account_number")?,
        ])
    }

    /// The step, as far as this entry alone knows it.
    pub(super) fn step(&self) -> Step {
        let topic = self.topic();
        let mut step = Step {
            seq: self.seq,
            at: Timestamp::from_micros(self.at.saturating_mul(1_000)),
            step: topic.map_or_else(
                || self.position.topic.clone(),
                |topic| topic.as_str().to_owned(),
            ),
            provider: None,
            provider_reference: None,
            customer_reference: None,
            transaction_reference: None,
            account: None,
            contact: None,
            event_id: self.text("/event_id"),
            outcome: self.text("/outcome"),
            repeat: false,
            source: self.position.clone().into(),
            leaf_hash: hex::encode(&self.leaf_hash),
        };
        match topic {
            Some(Topic::Raw) => {
                let provider = self
                    .body
                    .as_ref()
                    .and_then(|body| body.header(header::PROVIDER));
                step.provider = provider.map(str::to_owned);
            }
            Some(Topic::Checked) => self.fill_references(&mut step, ""),
            Some(Topic::Enriched) => {
                self.fill_references(&mut step, "/checked");
                step.event_id = self.text("/checked/event_id");
                step.outcome = self.text("/checked/outcome");
                step.account = self.text("/party/account_number");
                step.contact = self.text("/party/contact_id");
            }
            Some(Topic::Rejected) => {
                self.fill_references(&mut step, "");
                step.outcome = self.text("/reason");
            }
            Some(Topic::Notified) => {
                let check = self.text("/check");
                let parts = check.as_deref().and_then(|check| check.split_once('/'));
                step.provider = parts.map(|(provider, _)| provider.to_owned());
                step.provider_reference = parts.map(|(_, reference)| reference.to_owned());
            }
            Some(Topic::Operated) => step.outcome = self.text("/action"),
            Some(Topic::Audited) | None => {}
        }
        step
    }

    fn fill_references(&self, step: &mut Step, at: &str) {
        let text = |field: &str| self.text(&format!("{at}/{field}"));
        step.provider = text("provider");
        step.provider_reference = text("provider_reference");
        step.customer_reference = text("customer_reference");
        step.transaction_reference = text("transaction_reference");
    }
}
