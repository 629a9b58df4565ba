//! A callback as it came: the body byte for byte, and what the door knew about it.

use crate::{Headers, Position, RawPointer, Refusal, Timestamp, header};

/// Bytes that hold personal data: they cannot be printed, compared or serialised by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Vec<u8>);

impl Body {
    /// Wraps what a provider sent.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for a parser; whoever calls this answers for what becomes of them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// Why a record of the raw topic is not one that the door wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// The record has no value.
    #[error("the raw record has no value (a tombstone)")]
    Tombstone,
    /// A header that the door always writes is missing or malformed.
    #[error("the raw record lacks the header `{0}`, or it is malformed")]
    Header(&'static str),
}

/// A raw callback, read from its record.
#[derive(Clone, Debug)]
pub struct Raw {
    position: Position,
    provider: String,
    kind: String,
    received_at: Timestamp,
    request_id: String,
    sha256: String,
    refused: Option<Refusal>,
    replay_of: Option<String>,
    body: Body,
}

impl Raw {
    /// Reads a record of the raw topic.
    pub fn read(
        position: Position,
        headers: &Headers,
        value: Option<Vec<u8>>,
    ) -> Result<Self, RawError> {
        let text = |name: &str| {
            let value = headers
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)?;
            std::str::from_utf8(value)
                .ok()
                .filter(|text| text.len() <= 256)
        };
        let needed =
            |name: &'static str| text(name).map(str::to_owned).ok_or(RawError::Header(name));
        let sha256 = needed(header::SHA256)?;
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(RawError::Header(header::SHA256));
        }
        Ok(Self {
            position,
            provider: needed(header::PROVIDER)?,
            kind: needed(header::KIND)?,
            received_at: text(header::RECEIVED_AT)
                .and_then(Timestamp::parse_rfc3339)
                .ok_or(RawError::Header(header::RECEIVED_AT))?,
            request_id: needed(header::REQUEST_ID)?,
            sha256,
            refused: text(header::REFUSED).map(Refusal::from_word),
            replay_of: text(header::REPLAY_OF).map(str::to_owned),
            body: Body(value.ok_or(RawError::Tombstone)?),
        })
    }

    /// The provider that the body was posted for.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The media type as the door read it: `form` or `json`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When the door had the whole body.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The request's id.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Why the door refused it, if it did.
    pub fn refused(&self) -> Option<Refusal> {
        self.refused
    }

    /// The raw record that an operator sent through again as this one.
    pub fn replay_of(&self) -> Option<&str> {
        self.replay_of.as_deref()
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The place of the record.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// What later events carry of this record.
    pub fn pointer(&self) -> RawPointer {
        RawPointer {
            topic: self.position.topic.clone(),
            partition: self.position.partition,
            offset: self.position.offset,
            sha256: self.sha256.clone(),
        }
    }
}

/// What the door writes beside a body.
#[derive(Clone, Debug)]
pub struct RawHeaders {
    /// See [`Raw::provider`].
    pub provider: String,
    /// See [`Raw::kind`].
    pub kind: String,
    /// The request's media type, as sent.
    pub content_type: String,
    /// The socket peer, or the address that a trusted proxy vouches for.
    pub peer: String,
    /// See [`Raw::received_at`].
    pub received_at: Timestamp,
    /// See [`Raw::request_id`].
    pub request_id: String,
    /// SHA-256 of the body, hex.
    pub sha256: String,
    /// See [`Raw::refused`].
    pub refused: Option<Refusal>,
    /// The trace that begins at the door.
    pub traceparent: String,
}

impl RawHeaders {
    /// The record headers.
    pub fn headers(&self, source: &str) -> Headers {
        let at = self.received_at.to_string();
        let mut headers = Headers::with_capacity(14);
        let mut put = |name: &'static str, value: &str| {
            headers.push((name.into(), value.as_bytes().to_vec()));
        };
        put(header::CE_SPECVERSION, "1.0");
        put(header::CE_ID, &self.request_id);
        put(header::CE_TYPE, "idtrail.raw");
        put(header::CE_SOURCE, source);
        put(header::CE_TIME, &at);
        put(header::CONTENT_TYPE, &self.content_type);
        put(header::PROVIDER, &self.provider);
        put(header::KIND, &self.kind);
        put(header::PEER, &self.peer);
        put(header::RECEIVED_AT, &at);
        put(header::REQUEST_ID, &self.request_id);
        put(header::SHA256, &self.sha256);
        put(header::TRACEPARENT, &self.traceparent);
        if let Some(refused) = self.refused {
            put(header::REFUSED, refused.as_str());
        }
        headers
    }
}
