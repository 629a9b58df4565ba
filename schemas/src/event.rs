//! What all events have in common.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Audited, Checked, CloudEvent, Contract, DecodeError, Enriched, Notified, Operated, Rejected,
    Timestamp, Topic,
};

/// A fact that services tell one another: one Rust type, one topic, one Avro schema.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The topic that holds this event and nothing else.
    const TOPIC: Topic;
    /// The `CloudEvents` type, e.g. `idtrail.checked`.
    const TYPE: &'static str;

    /// The Avro contract; parsed once.
    fn contract() -> &'static Contract;

    /// `ce_id`: unique for each record, but shared by what the provider itself repeats.
    fn ce_id(&self) -> String;

    /// `ce_subject`: the check, `<provider>/<provider reference>`, where it is known.
    fn subject(&self) -> Option<String>;

    /// `ce_time`: when this became a fact.
    fn time(&self) -> Timestamp;

    /// The `CloudEvents` attributes of the record that carries this event.
    fn cloud_event(&self, source: &str) -> CloudEvent {
        CloudEvent {
            id: self.ce_id(),
            kind: Self::TYPE.to_owned(),
            source: source.to_owned(),
            subject: self.subject(),
            time: self.time(),
            content_type: "application/avro",
        }
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "decoded one at a time and dropped at once; a box would only cost"
)]
/// Any Avro event, for those who read every topic.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(untagged)]
pub enum AnyEvent {
    /// See [`Checked`].
    Checked(Checked),
    /// See [`Enriched`].
    Enriched(Enriched),
    /// See [`Notified`].
    Notified(Notified),
    /// See [`Audited`].
    Audited(Audited),
    /// See [`Rejected`].
    Rejected(Rejected),
    /// See [`Operated`].
    Operated(Operated),
}

impl AnyEvent {
    /// Reads the datum of a topic that was written with `writer`.
    ///
    /// `raw` holds no Avro; asking for it is [`DecodeError::NotAvro`].
    pub fn decode(
        topic: Topic,
        writer: &apache_avro::Schema,
        datum: &[u8],
    ) -> Result<Self, DecodeError> {
        Ok(match topic {
            Topic::Raw => return Err(DecodeError::NotAvro),
            Topic::Checked => Self::Checked(Checked::contract().decode(writer, datum)?),
            Topic::Enriched => Self::Enriched(Enriched::contract().decode(writer, datum)?),
            Topic::Notified => Self::Notified(Notified::contract().decode(writer, datum)?),
            Topic::Audited => Self::Audited(Audited::contract().decode(writer, datum)?),
            Topic::Rejected => Self::Rejected(Rejected::contract().decode(writer, datum)?),
            Topic::Operated => Self::Operated(Operated::contract().decode(writer, datum)?),
        })
    }

    /// The contract of a topic; `raw` has none.
    pub fn contract(topic: Topic) -> Option<&'static Contract> {
        Some(match topic {
            Topic::Raw => return None,
            Topic::Checked => Checked::contract(),
            Topic::Enriched => Enriched::contract(),
            Topic::Notified => Notified::contract(),
            Topic::Audited => Audited::contract(),
            Topic::Rejected => Rejected::contract(),
            Topic::Operated => Operated::contract(),
        })
    }
}
