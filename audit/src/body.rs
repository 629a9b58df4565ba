//! The body of an entry: all that a record says, as one canonical text; and how it is read back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{AnyEvent, Position, Topic};
use serde::{Deserialize, Serialize};
use stage::Record;
use uuid::Uuid;

use crate::{canonical, log::tree::sha256};

/// The version of the form.
const VERSION: u8 = 1;

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Said {
    /// A callback as it came.
    Raw,
    /// An event that keeps its contract.
    Event(Box<AnyEvent>),
    /// Neither: kept by its bytes, and why it cannot be read.
    Unreadable(&'static str),
}

#[derive(Serialize)]
struct Body<'a> {
    v: u8,
    step: &'static str,
    source: Source<'a>,
    subject: String,
    key: Option<Text<'a>>,
    headers: Vec<(&'a str, Text<'a>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a AnyEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'static str>,
}

/// Where the record stood, when the broker says that it was written, and the SHA-256 of its value.
#[derive(Serialize)]
struct Source<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    sha256: Option<String>,
}

/// Text where it is text, else the bytes in base64.
enum Text<'a> {
    Utf8(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Text<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Bytes(bytes), Self::Utf8)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Base64 {
            base64: String,
        }
        match self {
            Self::Utf8(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => Base64 {
                base64: STANDARD.encode(bytes),
            }
            .serialize(serializer),
        }
    }
}

/// The body of a record's entry. `n` is its number among the entries of its account.
///
/// # Panics
/// If an event holds what has no canonical text, which its contract rules out: no float, no map.
pub(crate) fn of(record: &Record, said: &Said, subject: Uuid, n: Option<i64>) -> Vec<u8> {
    let value = record.value.as_deref();
    let by_its_bytes = || value.map(|value| STANDARD.encode(value));
    let (event, value, unreadable) = match said {
        Said::Raw => (None, by_its_bytes(), None),
        Said::Event(event) => (Some(event.as_ref()), None, None),
        Said::Unreadable(why) => (None, by_its_bytes(), Some(*why)),
    };
    let body = Body {
        v: VERSION,
        step: record.topic.as_str(),
        source: Source {
            topic: &record.position.topic,
            partition: record.position.partition,
            offset: record.position.offset,
            timestamp: record.timestamp.micros(),
            sha256: record
                .value
                .as_deref()
                .map(|value| hex::encode(sha256(&[value]))),
        },
        subject: subject.to_string(),
        key: record.key.as_deref().map(Text::of),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| (name.as_ref(), Text::of(value)))
            .collect(),
        event,
        n,
        value,
        unreadable,
    };
    canonical::to_vec(&body).expect("events hold structs, lists, text and integers")
}

/// A body as the history reads it. The bytes of a callback are passed over.
#[derive(Deserialize)]
pub(crate) struct Opened {
    source: OpenedSource,
    headers: Vec<(String, OpenedText)>,
    event: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct OpenedSource {
    sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OpenedText {
    Utf8(String),
    #[expect(
        dead_code,
        reason = "no header that the history shows is anything but text"
    )]
    Bytes {
        base64: String,
    },
}

impl Opened {
    /// Reads a body; none if it has another form.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The SHA-256 of the record's value.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.source.sha256.as_deref()
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(key, value)| match value {
            OpenedText::Utf8(text) if key == name => Some(text.as_str()),
            OpenedText::Utf8(_) | OpenedText::Bytes { .. } => None,
        })
    }

    /// A field of the event by its JSON pointer.
    pub(crate) fn field(&self, pointer: &str) -> Option<&serde_json::Value> {
        self.event.as_ref()?.pointer(pointer)
    }

    /// The same, where it is text.
    pub(crate) fn text(&self, pointer: &str) -> Option<String> {
        self.field(pointer)?.as_str().map(str::to_owned)
    }

    /// The same, where it is a position.
    pub(crate) fn place(&self, pointer: &str) -> Option<Position> {
        let place = self.field(pointer)?;
        Some(Position {
            topic: place["topic"].as_str()?.to_owned(),
            partition: i32::try_from(place["partition"].as_i64()?).ok()?,
            offset: place["offset"].as_i64()?,
        })
    }
}

/// A topic by its name at the broker: what stands after the prefix.
pub(crate) fn topic_of(name: &str) -> Option<Topic> {
    Topic::from_word(name.rsplit('.').next()?)
}

/// Reads a position as [`Position`] writes it.
pub(crate) fn position_of(text: &str) -> Option<Position> {
    let mut parts = text.rsplitn(3, '/');
    let offset = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    let topic = parts.next().filter(|topic| !topic.is_empty())?;
    Some(Position {
        topic: topic.to_owned(),
        partition,
        offset,
    })
}
