//! The leaf: what the log commits to for ever. It holds no personal data, and not its own index.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::OffsetDateTime;

use crate::log::tree::{Hash, sha256};

/// Separates the commitment from every other use of SHA-256.
const COMMIT: &[u8] = b"idv-audit/commit/1\0";

/// What a leaf is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A record of a topic.
    Event,
    /// What one transaction read of each partition, whether all of it came to its end, and that the clock was set.
    Batch,
    /// A client's key is destroyed.
    Erase,
    /// A client's records must be kept.
    Hold,
    /// Somebody looked.
    Access,
    /// A key of the log or of the bodies changes.
    Key,
}

impl Kind {
    /// The word in the leaf.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Batch => "batch",
            Self::Erase => "erase",
            Self::Hold => "hold",
            Self::Access => "access",
            Self::Key => "key",
        }
    }
}

/// What the leaf says of a body. Salted, because the hash of a guessable body would tell it.
pub(crate) fn commit(salt: &[u8; 32], body: &[u8]) -> Hash {
    sha256(&[COMMIT, salt, body])
}

/// The leaf of an entry: the canonical JSON of its commitment, its kind, its place at the broker, and the time at which it
/// got its index. The index is not in it, so that leaves are made before the sequencer takes its lock. The log's own
/// entries stand in a topic without a name.
pub(crate) fn of(
    kind: Kind,
    commit: &Hash,
    (topic, partition, offset): (&str, i32, i64),
    at: &str,
) -> Vec<u8> {
    let topic = serde_json::Value::from(topic);
    let mut leaf = String::with_capacity(192);
    leaf.push_str(r#"{"c":""#);
    STANDARD.encode_string(commit, &mut leaf);
    // Writing to a String cannot fail.
    let _infallible = write!(
        leaf,
        r#"","k":"{}","o":[{topic},{partition},{offset}],"t":"{at}","v":1}}"#,
        kind.word()
    );
    leaf.into_bytes()
}

/// A time as it stands in leaves: RFC 3339, UTC, milliseconds.
pub(crate) fn time_text(millis: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}
