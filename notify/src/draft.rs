//! A notice between the decision to tell and its end.

use schemas::{
    Audience, Delivery, Event as _, Id, Notice, NoticeOutcome, Notified, Position, Timestamp, Topic,
};
use serde::{Deserialize, Serialize};
use stage::{
    Record,
    telemetry::{self, SpanKind},
};

use crate::{
    decide::Why,
    template::{self, Template},
    view::View,
};

/// Whom a notice is for, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    /// The event told of, or an alert's subject.
    pub(crate) event_id: String,
    pub(crate) audience: Audience,
    /// The id of a user or queue in the directory, never an address.
    pub(crate) recipient: String,
}

/// The record that led to a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) check: Option<String>,
    pub(crate) source: Position,
    pub(crate) traceparent: Option<String>,
    pub(crate) decided_at: Timestamp,
    /// When the door had the callback, where the notice is about one.
    pub(crate) received_at: Option<Timestamp>,
    /// The record's key, so that what is published keeps the client's order. Stored beside the rest.
    #[serde(skip)]
    pub(crate) key: Vec<u8>,
}

/// A notice that was decided to be told.
///
/// Its JSON waits in the database over an upgrade: a new field needs a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) who: Who,
    pub(crate) view: View,
    pub(crate) origin: Origin,
}

/// A notice that has ended, with what its record needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) key: Vec<u8>,
    pub(crate) traceparent: Option<String>,
    pub(crate) event: Notified,
    /// For the time from door to notice; not stored.
    pub(crate) received_at: Option<Timestamp>,
}

/// A notice in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) number: i64,
    pub(crate) draft: Draft,
    /// Tries so far.
    pub(crate) attempts: i32,
}

impl Origin {
    /// A record, of which a decision is made now.
    pub(crate) fn of(record: &Record, check: Option<String>, now: Timestamp) -> Self {
        let traceparent = record.header(schemas::header::TRACEPARENT);
        let name = match record.topic {
            Topic::Enriched => "process enriched",
            Topic::Operated => "process operated",
            Topic::Rejected | Topic::Raw | Topic::Checked | Topic::Notified | Topic::Audited => {
                "process rejected"
            }
        };
        Self {
            check,
            source: record.position.clone(),
            // A malformed one is none: it must not travel on.
            traceparent: telemetry::step(name, SpanKind::Consumer, traceparent, Vec::new()),
            decided_at: now,
            received_at: None,
            key: record.key.clone().unwrap_or_default(),
        }
    }
}

impl Who {
    /// The notice, whose id follows from it.
    pub(crate) fn notice(&self, channel: &str) -> Notice {
        Notice {
            event_id: self.event_id.clone(),
            audience: self.audience,
            channel: channel.to_owned(),
            recipient: self.recipient.clone(),
        }
    }
}

impl Draft {
    /// The notice's id on a channel: the same for a repeat, and over every crash.
    pub(crate) fn id(&self, channel: &str) -> Id {
        self.who.notice(channel).id()
    }

    /// Notices of one lane go in order. Alerts have none: each stands for itself.
    pub(crate) fn lane(&self) -> Option<String> {
        match (self.who.audience, &self.origin.check) {
            (audience @ (Audience::Onboarding | Audience::Sales), Some(check)) => {
                Some(format!("{check}/{audience}"))
            }
            (Audience::Onboarding | Audience::Sales | Audience::Admins | Audience::Unlisted, _) => {
                None
            }
        }
    }

    /// Its end.
    pub(crate) fn ended(&self, channel: &str, delivery: Delivery) -> Publication {
        Publication::of(
            &self.who,
            channel,
            self.view.template(),
            delivery,
            &self.origin,
        )
    }
}

impl Publication {
    /// The end of a notice.
    pub(crate) fn of(
        who: &Who,
        channel: &str,
        template: Template,
        delivery: Delivery,
        origin: &Origin,
    ) -> Self {
        let about = (origin.check.clone(), origin.source.clone());
        let notice = who.notice(channel);
        Self {
            key: origin.key.clone(),
            traceparent: origin.traceparent.clone(),
            event: Notified::new(&notice, template, delivery, about, origin.decided_at),
            received_at: origin.received_at,
        }
    }

    /// A notice that nobody is told.
    pub(crate) fn suppressed(who: &Who, channel: &str, why: Why, origin: &Origin) -> Self {
        let delivery = Delivery {
            outcome: NoticeOutcome::Suppressed,
            reason: Some(why.as_str().to_owned()),
            attempts: 0,
            provider_message_id: None,
            at: origin.decided_at,
        };
        let template = template::of_audience(who.audience);
        Self::of(who, channel, template, delivery, origin)
    }

    /// When it ended.
    pub(crate) fn ended_at(&self) -> Timestamp {
        self.event.time()
    }
}
