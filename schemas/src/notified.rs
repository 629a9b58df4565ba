//! Who was told, or why nobody was. Recipients are ids, never addresses.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Contract, Event, Id, Position, Timestamp, Topic, word::words};

words! {
    /// Who a notice is for.
    Audience {
        /// The people who wait for the result.
        Onboarding = "onboarding",
        /// The people who follow their client; they hear only that there is news.
        Sales = "sales",
        /// The people who keep it alive.
        Admins = "admins",
    } else
        /// An audience that this release does not know.
        Unlisted = "unlisted"
}

words! {
    /// What became of a notice.
    NoticeOutcome {
        /// The channel took it.
        Sent = "sent",
        /// It was decided not to tell; the reason says why.
        Suppressed = "suppressed",
    } else
        /// All tries were used up; admins are alerted.
        Failed = "failed"
}

/// What a notice is about and whom it is for; its id follows from this alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The event told of: an enriched event's id, or an alert's subject.
    pub event_id: String,
    /// Who it is for.
    pub audience: Audience,
    /// The channel, e.g. `smtp`.
    pub channel: String,
    /// The id of the user or queue in the directory.
    pub recipient: String,
}

impl Notice {
    /// Deterministic, so that a repeat of the event tells nobody twice.
    pub fn id(&self) -> Id {
        Id::derive(&[
            "notice",
            &self.event_id,
            self.audience.as_str(),
            &self.recipient,
            &self.channel,
        ])
    }
}

/// How a notice ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What became of it.
    pub outcome: NoticeOutcome,
    /// Why it was suppressed or failed; a closed code.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// The channel's own id of the message.
    pub provider_message_id: Option<String>,
    /// When it ended.
    pub at: Timestamp,
}

/// The record of a notice that was sent, suppressed or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    notification_id: Id,
    record_id: Id,
    event_id: String,
    check: Option<String>,
    audience: Audience,
    channel: String,
    recipient_id: String,
    template: String,
    template_version: i32,
    outcome: NoticeOutcome,
    reason: Option<String>,
    attempts: i32,
    provider_message_id: Option<String>,
    decided_at: Timestamp,
    ended_at: Timestamp,
    source: Position,
}

impl Notified {
    /// The record of a notice and its end. `source` is the record that led to it.
    pub fn new(
        notice: &Notice,
        (template, template_version): (&str, i32),
        delivery: Delivery,
        (check, source): (Option<String>, Position),
        decided_at: Timestamp,
    ) -> Self {
        let notification_id = notice.id();
        Self {
            notification_id,
            record_id: Id::derive(&[
                "notified",
                &notification_id.to_string(),
                &source.to_string(),
            ]),
            event_id: notice.event_id.clone(),
            check,
            audience: notice.audience,
            channel: notice.channel.clone(),
            recipient_id: notice.recipient.clone(),
            template: template.to_owned(),
            template_version,
            outcome: delivery.outcome,
            reason: delivery.reason,
            attempts: delivery.attempts,
            provider_message_id: delivery.provider_message_id,
            decided_at,
            ended_at: delivery.at,
            source,
        }
    }

    /// The notice's id: the same for a repeat of the same news.
    pub fn notification_id(&self) -> Id {
        self.notification_id
    }

    /// The event told of.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The check, `<provider>/<reference>`, where the notice is about one.
    pub fn check(&self) -> Option<&str> {
        self.check.as_deref()
    }

    /// Who it was for.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// What became of it.
    pub fn outcome(&self) -> NoticeOutcome {
        self.outcome
    }

    /// Why it was suppressed or failed.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Through which channel.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The user or queue.
    pub fn recipient_id(&self) -> &str {
        &self.recipient_id
    }

    /// The record that led to it.
    pub fn source(&self) -> &Position {
        &self.source
    }

    /// How often it was tried.
    pub fn attempts(&self) -> i32 {
        self.attempts
    }
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::compiled_in(include_str!("../avro/notified.avsc")));

impl Event for Notified {
    const TOPIC: Topic = Topic::Notified;
    const TYPE: &'static str = "idtrail.notified";

    fn contract() -> &'static Contract {
        &CONTRACT
    }

    fn ce_id(&self) -> String {
        self.record_id.to_string()
    }

    fn subject(&self) -> Option<String> {
        self.check.clone()
    }

    fn time(&self) -> Timestamp {
        self.ended_at
    }
}
