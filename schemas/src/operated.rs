//! What an operator did, and why: replays, approvals, closing the door, erasure.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Contract, Event, Id, Timestamp, Topic};

/// An act of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operated {
    id: Id,
    action: String,
    operator: String,
    reason: String,
    subject: Option<String>,
    at: Timestamp,
}

impl Operated {
    /// The action of the door's own alert: a network that is not on the list posts well-formed callbacks. The subject is
    /// the network, or `several networks`.
    pub const DRIFT: &str = "drift";

    /// An act, e.g. `replay`; `subject` is what it was done to, such as a position in `raw`.
    pub fn new(
        action: &str,
        operator: &str,
        reason: &str,
        subject: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            id: Id::derive(&[
                "operated",
                action,
                subject.as_deref().unwrap_or(""),
                &at.micros().to_string(),
            ]),
            action: action.to_owned(),
            operator: operator.to_owned(),
            reason: reason.to_owned(),
            subject,
            at,
        }
    }

    /// What was done.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Who did it.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// Why, in the operator's words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What it was done to.
    pub fn target(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::compiled_in(include_str!("../avro/operated.avsc")));

impl Event for Operated {
    const TOPIC: Topic = Topic::Operated;
    const TYPE: &'static str = "idtrail.operated";

    fn contract() -> &'static Contract {
        &CONTRACT
    }

    fn ce_id(&self) -> String {
        self.id.to_string()
    }

    fn subject(&self) -> Option<String> {
        self.subject.clone()
    }

    fn time(&self) -> Timestamp {
        self.at
    }
}
