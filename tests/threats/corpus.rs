//! Malformed, ambiguous and smuggled requests, each with the answer that it must have.
//!
//! The entries are functions of nothing, so the same bytes are sent by the test, kept as the seeds of the fuzz targets
//! (`make fuzz`), and can be sent by hand.

use crate::world::body_of;

mod bodies;
mod chunks;
mod heads;
mod lengths;
mod targets;

/// A request as it goes over the wire, and the status of the one answer.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) status: u16,
    /// Whether the connection must be closed after the answer.
    pub(super) closes: bool,
}

/// Every entry.
pub(super) fn entries() -> Vec<Entry> {
    let mut all = Vec::new();
    all.extend(lengths::entries());
    all.extend(chunks::entries());
    all.extend(heads::entries());
    all.extend(targets::entries());
    all.extend(bodies::entries());
    all
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const PATH: &str = "/callbacks/jumio";

/// A body that would be accepted.
pub(super) fn good() -> String {
    body_of("approved", "corpus-good", Some("A-1:C-1")).1
}

/// A template with its holes filled: the body, its length in several forms, the path.
pub(super) fn fill(template: &str, body: &str) -> String {
    let n = body.len();
    template
        .replace("{n:x}", &format!("{n:x}"))
        .replace("{n:o}", &format!("{n:o}"))
        .replace("{n-1:x}", &format!("{:x}", n.saturating_sub(1)))
        .replace("{n+1:x}", &format!("{:x}", n + 1))
        .replace("{n}", &n.to_string())
        .replace("{PATH}", PATH)
        .replace("{body}", body)
}

/// A request that must never be reached: it stands behind a malformed one on the same connection.
pub(super) fn smuggled() -> Vec<u8> {
    let (_, body) = body_of("approved", "corpus-smuggled", Some("A-1:C-1"));
    let length = body.len();
    format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// An entry that is refused, and behind which a request is smuggled.
pub(super) fn refused(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Entry {
    let mut bytes = bytes.into();
    bytes.extend(smuggled());
    Entry {
        name: name.into(),
        bytes,
        status,
        closes: true,
    }
}

/// An entry that is accepted, or refused without harm to what follows.
pub(super) fn kept_open(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Entry {
    Entry {
        name: name.into(),
        bytes: bytes.into(),
        status,
        closes: false,
    }
}

/// A request with these header lines (each ended) and this body.
pub(super) fn request(fields: &str, body: &str) -> String {
    format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{fields}\r\n{body}")
}
