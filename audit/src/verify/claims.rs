//! What an auditor holds against a log: keys, a policy, a checkpoint of the last visit.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::{
    log::{
        checkpoint::Checkpoint,
        policy::{Policy, Satisfied},
    },
    statement::Statement,
};

/// How far the clock of a witness and that of the log may be apart, in milliseconds: what servers with NTP keep easily.
pub const SLACK: i64 = 5_000;

/// Which leaves a log must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Ours: canonical, of a known kind, in the order of time and of their sources.
    Ours,
    /// Any bytes: a log that another program keeps.
    Any,
}

/// What is held against a log.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Whose signatures count, and how many witnesses must have seen the checkpoint.
    pub policy: Policy,
    /// What the leaves must be.
    pub leaves: Leaves,
    /// The checkpoint of the last visit.
    pub since: Option<Pinned>,
}

/// A checkpoint that the auditor has kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned(Satisfied);

impl Pinned {
    /// Reads a kept checkpoint; it must satisfy the policy as it did then.
    pub fn of(note: &[u8], policy: &Policy) -> Result<Self, Finding> {
        policy.check(note).map(Self).map_err(Finding::Since)
    }

    /// The checkpoint that a signed statement names.
    pub(super) fn of_statement(statement: &Statement) -> Self {
        let (size, root) = statement.checkpoint;
        Self(Satisfied {
            checkpoint: Checkpoint {
                origin: statement.origin.clone(),
                size,
                root,
                extensions: Vec::new(),
            },
            cosigned: BTreeMap::new(),
        })
    }

    /// How many leaves it covers, and the root over them.
    pub fn head(&self) -> (u64, [u8; 32]) {
        (self.0.checkpoint.size, self.0.checkpoint.root)
    }

    /// When the first witness had seen it, in milliseconds: no leaf after it can be older.
    pub(super) fn seen(&self) -> Option<i64> {
        first_seen(&self.0)
    }
}

/// When the first witness had seen a checkpoint, in milliseconds.
pub(super) fn first_seen(satisfied: &Satisfied) -> Option<i64> {
    let first = satisfied.cosigned.values().min()?;
    i64::try_from(*first).ok()?.checked_mul(1_000)
}
