//! The leaf: what the log commits to for ever. It holds no personal data, and not its own index.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::OffsetDateTime;

use crate::tree::{Hash, sha256};

/// Separates the commitment from every other use of SHA-256.
const COMMIT: &[u8] = b"idv-audit/commit/1\0";
/// What a leaf is about: a record of a topic. Later kinds are `batch`, `erase`, `hold`, `access` and `key`.
const EVENT: &str = "event";

/// What the leaf says of a body. Salted, because the hash of a guessable body would tell it.
pub(crate) fn commit(salt: &[u8; 32], body: &[u8]) -> Hash {
    sha256(&[COMMIT, salt, body])
}

/// The leaf of an event: the canonical JSON of its commitment, its place at the broker, and the time at which it got
/// its index. The index is not in it, so that leaves are made before the sequencer takes its lock.
pub(crate) fn event(
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
        r#"","k":"{EVENT}","o":[{topic},{partition},{offset}],"t":"{at}","v":1}}"#
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
