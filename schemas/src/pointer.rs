//! Where a record stands, so that every fact can be traced to what it was made from.

use serde::{Deserialize, Serialize};

/// The place of a record at the broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The topic's name, with its prefix.
    pub topic: String,
    /// The partition, from 0.
    pub partition: i32,
    /// The offset in the partition, from 0.
    pub offset: i64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// The raw record behind an event: its place, and the SHA-256 of its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawPointer {
    /// The topic's name, with its prefix.
    pub topic: String,
    /// The partition, from 0.
    pub partition: i32,
    /// The offset in the partition, from 0.
    pub offset: i64,
    /// SHA-256 of the body as received, 64 hex digits; compares a body with what was judged.
    pub sha256: String,
}

impl RawPointer {
    /// The place alone.
    pub fn position(&self) -> Position {
        Position {
            topic: self.topic.clone(),
            partition: self.partition,
            offset: self.offset,
        }
    }
}
