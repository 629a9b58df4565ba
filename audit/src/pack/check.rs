//! Whether a pack holds: every record opened, proved and counted; nothing missing, nothing beside.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    CHECKPOINT, CONSISTENCY, Extent, HOWTO, MAX_RECORDS, POLICY, RECORDS, Record, Stamped,
    TIMELINE, VERIFY, complete::complete, proof_path, stamps, timeline, zip,
};
use crate::{
    log::{consistency, policy::Satisfied, proof::Proof, tree::Hash},
    verify::{self, Claims, Finding},
};

/// A pack that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The checkpoint that has all records.
    pub accepted: Satisfied,
    /// The records.
    pub records: Vec<Record>,
    /// Up to which of its numbers the account is complete; none where the pack is a part of it, or nothing is counted.
    pub complete: Option<u64>,
    /// The time stamps over its log, in the order of their checkpoints.
    pub stamps: Vec<Stamped>,
}

pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The policy that the pack carries, as text.
pub fn policy(pack: &[u8]) -> Option<String> {
    let files = zip::read(pack)?;
    let (_, text) = files.into_iter().find(|(name, _)| name == POLICY)?;
    String::from_utf8(text).ok()
}

/// Checks a pack that claims to have so much of its account; the first thing that does not hold.
pub fn check(pack: &[u8], claims: &Claims, extent: Extent) -> Result<Checked, Finding> {
    let form = |path: &str| Finding::Form {
        path: path.to_owned(),
    };
    let mut files: Files = zip::read(pack)
        .ok_or_else(|| form("the zip"))?
        .into_iter()
        .collect();
    let checkpoint = take(&mut files, CHECKPOINT)?;
    let accepted = claims
        .policy
        .check(&checkpoint)
        .map_err(Finding::Checkpoint)?;
    let records = records(&take(&mut files, RECORDS)?).ok_or_else(|| form(RECORDS))?;
    for record in &records {
        let path = proof_path(record.index);
        let text = take(&mut files, &path)?;
        let proof = std::str::from_utf8(&text).ok().and_then(Proof::parse);
        let same = proof.is_some_and(|proof| {
            proof.index == record.index && proof.checkpoint.as_bytes() == checkpoint
        });
        if !same {
            return Err(form(&path));
        }
        verify::record(&text, Some(record.leaf.as_bytes()), claims)?;
        opened(record)?;
    }
    since(&mut files, &accepted, claims)?;
    let stamps = stamps::check(&mut files, &accepted.checkpoint, &records, claims)?;
    if take(&mut files, TIMELINE)? != timeline::page(&records).as_bytes() {
        return Err(form(TIMELINE));
    }
    let stray = files
        .into_keys()
        .find(|path| ![HOWTO, POLICY, VERIFY].contains(&path.as_str()));
    match stray {
        Some(path) => Err(Finding::Stray { path }),
        None => Ok(Checked {
            accepted,
            complete: match extent {
                Extent::Whole => complete(&records)?,
                Extent::Part => None,
            },
            records,
            stamps,
        }),
    }
}

pub(super) fn take(files: &mut Files, path: &str) -> Result<Vec<u8>, Finding> {
    files.remove(path).ok_or_else(|| Finding::Missing {
        path: path.to_owned(),
    })
}

/// The records; none if they are not written as they are in packs, or not in the order of their indexes.
fn records(lines: &[u8]) -> Option<Vec<Record>> {
    let lines = std::str::from_utf8(lines).ok()?;
    let mut records: Vec<Record> = Vec::new();
    for line in lines.lines() {
        let record: Record = serde_json::from_str(line).ok()?;
        let after = records.last().is_none_or(|last| last.index < record.index);
        if !after || records.len() == MAX_RECORDS {
            return None;
        }
        records.push(record);
    }
    Some(records)
}

fn opened(record: &Record) -> Result<(), Finding> {
    let index = record.index;
    let (salt, body) = match (&record.salt, &record.body) {
        (None, None) => return Ok(()),
        (Some(salt), Some(body)) => (salt, body),
        _ => return Err(Finding::Opening { index }),
    };
    let salt: Option<Hash> = STANDARD
        .decode(salt)
        .ok()
        .and_then(|salt| salt.try_into().ok());
    let salt = salt.ok_or(Finding::Opening { index })?;
    verify::opening(index, record.leaf.as_bytes(), (&salt, body.as_bytes()))
}

fn since(files: &mut Files, accepted: &Satisfied, claims: &Claims) -> Result<(), Finding> {
    let given = files.remove(CONSISTENCY);
    let Some((before, old)) = claims.since.as_ref().map(verify::Pinned::head) else {
        return Ok(());
    };
    let (now, new) = (accepted.checkpoint.size, &accepted.checkpoint.root);
    if before > now {
        return Err(Finding::Shrunk { before, now });
    }
    let given = given.ok_or_else(|| Finding::Missing {
        path: CONSISTENCY.to_owned(),
    })?;
    let hashes = stamps::hashes_of(&given);
    let holds = hashes.is_some_and(|proof| consistency::verify((before, &old), (now, new), &proof));
    holds
        .then_some(())
        .ok_or(Finding::Rewritten { size: before })
}
