//! Making a pack.

use super::{
    CHECKPOINT, CONSISTENCY, HOWTO, POLICY, RECORDS, Record, Stamp, TIMELINE, VERIFY, proof_path,
    stamps, timeline, zip,
};
use crate::log::{proof::Proof, tree::Hash};

/// What a pack is made of.
#[derive(Clone, Debug)]
pub struct Given {
    /// The records, in the order of their indexes, each with its proof.
    pub records: Vec<(Record, Proof)>,
    /// The checkpoint that all proofs lead to, with all its signatures.
    pub checkpoint: String,
    /// The policy of the log, for want of the auditor's own.
    pub policy: String,
    /// From the auditor's older checkpoint to this one, if there is one.
    pub consistency: Option<Vec<Hash>>,
    /// Time stamps over this checkpoint and older ones.
    pub stamps: Vec<Stamp>,
}

/// The pack: the same bytes for the same content. None if it becomes too large.
pub fn write(given: &Given) -> Option<Vec<u8>> {
    let records: Vec<Record> = given
        .records
        .iter()
        .map(|(record, _)| record.clone())
        .collect();
    let mut lines = String::new();
    for record in &records {
        lines.push_str(&serde_json::to_string(record).ok()?);
        lines.push('\n');
    }
    let text = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let mut files = vec![
        text(HOWTO, include_str!("howto.md")),
        text(VERIFY, include_str!("verify.html")),
        text(TIMELINE, &timeline::page(&records)),
        text(RECORDS, &lines),
        text(CHECKPOINT, &given.checkpoint),
        text(POLICY, &given.policy),
    ];
    if let Some(hashes) = &given.consistency {
        files.push(text(CONSISTENCY, &stamps::hashes(hashes)));
    }
    files.extend(given.stamps.iter().flat_map(stamps::files));
    for (record, proof) in &given.records {
        files.push(text(&proof_path(record.index), &proof.to_string()));
    }
    zip::write(&files)
}
