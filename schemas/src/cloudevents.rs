//! `CloudEvents` 1.0 in Kafka's binary mode, and the other headers that records carry.

use std::borrow::Cow;

use crate::Timestamp;

/// Record headers, in order. Names that are ours cost nothing.
pub type Headers = Vec<(Cow<'static, str>, Vec<u8>)>;

/// Names of record headers.
pub mod header {
    /// `CloudEvents` attributes (Kafka protocol binding §3.2).
    pub const CE_ID: &str = "ce_id";
    /// `CloudEvents` type.
    pub const CE_TYPE: &str = "ce_type";
    /// `CloudEvents` source.
    pub const CE_SOURCE: &str = "ce_source";
    /// `CloudEvents` time.
    pub const CE_TIME: &str = "ce_time";
    /// `CloudEvents` subject.
    pub const CE_SUBJECT: &str = "ce_subject";
    /// `CloudEvents` version, always `1.0`.
    pub const CE_SPECVERSION: &str = "ce_specversion";
    /// Media type of the value.
    pub const CONTENT_TYPE: &str = "content-type";
    /// W3C Trace Context.
    pub const TRACEPARENT: &str = "traceparent";
    /// Provider that a raw body was posted for.
    pub const PROVIDER: &str = "provider";
    /// Media type of a raw body as the door read it: `form` or `json`.
    pub const KIND: &str = "kind";
    /// Socket peer that posted a raw body.
    pub const PEER: &str = "peer";
    /// When the door had the whole body; RFC 3339.
    pub const RECEIVED_AT: &str = "received_at";
    /// The request's id, which the door also logs.
    pub const REQUEST_ID: &str = "request_id";
    /// SHA-256 of a raw body, 64 hex digits.
    pub const SHA256: &str = "sha256";
    /// Why the door refused what it kept.
    pub const REFUSED: &str = "refused";
    /// Position of the raw record that this one repeats.
    pub const REPLAY_OF: &str = "replay_of";
    /// Who sent it through again.
    pub const REPLAYED_BY: &str = "replayed_by";
}

/// The attributes of an event that travel in record headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvent {
    /// `ce_id`.
    pub id: String,
    /// `ce_type`.
    pub kind: String,
    /// `ce_source`.
    pub source: String,
    /// `ce_subject`, where known.
    pub subject: Option<String>,
    /// `ce_time`.
    pub time: Timestamp,
    /// `content-type` of the value.
    pub content_type: &'static str,
}

impl CloudEvent {
    /// The headers, in the order in which they are written.
    pub fn headers(&self) -> Headers {
        let mut headers = Headers::with_capacity(8);
        let mut put = |name: &'static str, value: &str| {
            headers.push((name.into(), value.as_bytes().to_vec()));
        };
        put(header::CE_SPECVERSION, "1.0");
        put(header::CE_ID, &self.id);
        put(header::CE_TYPE, &self.kind);
        put(header::CE_SOURCE, &self.source);
        put(header::CE_TIME, &self.time.to_string());
        if let Some(subject) = &self.subject {
            put(header::CE_SUBJECT, subject);
        }
        put(header::CONTENT_TYPE, self.content_type);
        headers
    }
}
