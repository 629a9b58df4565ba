//! The evidence pack: one zip that an auditor keeps and checks without us. What is in it, and whether it holds.

use serde::{Deserialize, Serialize};

mod check;
mod complete;
mod stamps;
mod timeline;
mod write;
pub mod zip;

pub use check::{Checked, check, policy};
pub use complete::Extent;
pub(crate) use stamps::MAX_STAMPS;
pub use stamps::{Stamp, Stamped};
pub use write::{Given, write};

/// Most records of a pack: a zip holds 65,535 files. Beyond it the pack is asked for by time.
pub const MAX_RECORDS: usize = 60_000;

const CHECKPOINT: &str = "checkpoint";
const RECORDS: &str = "records.ndjson";
const CONSISTENCY: &str = "consistency.txt";
const TIMELINE: &str = "timeline.html";
const HOWTO: &str = "HOWTO.md";
const POLICY: &str = "policy.txt";
const VERIFY: &str = "verify.html";

/// Where the proof of a record stands.
fn proof_path(index: u64) -> String {
    format!("proofs/{index}.tlog-proof")
}

/// One record: its leaf, and what it commits to, unless its key was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The index of its leaf.
    pub index: u64,
    /// The leaf.
    pub leaf: String,
    /// The salt, in base64.
    pub salt: Option<String>,
    /// The body: canonical JSON.
    pub body: Option<String>,
}

#[cfg(test)]
mod tests;
