//! One record by its proof alone: a tlog-proof that carries its leaf.

use super::{
    claims::{Claims, Leaves},
    finding::Finding,
    form,
};
use crate::leaf::commit;
use crate::log::{
    policy::Satisfied,
    proof::{Proof, ProofError},
    tree::leaf_hash,
};

/// Verifies a proof. The leaf is the given one, or the one that the proof carries; the carried one counts only because
/// the proof holds for its hash. Gives the checkpoint that has it, and its index.
pub fn record(
    text: &[u8],
    leaf: Option<&[u8]>,
    claims: &Claims,
) -> Result<(Satisfied, u64), Finding> {
    let text = std::str::from_utf8(text).map_err(|_| Finding::Proof)?;
    let proof = Proof::parse(text).ok_or(Finding::Proof)?;
    let index = proof.index;
    let leaf = leaf.or(proof.extra.as_deref()).ok_or(Finding::Proof)?;
    if claims.leaves == Leaves::Ours {
        form::read(leaf).map_err(|fault| Finding::Leaf { index, fault })?;
    }
    match proof.verify(&leaf_hash(leaf), &claims.policy) {
        Ok(satisfied) => Ok((satisfied, index)),
        Err(ProofError::Policy(error)) => Err(Finding::Checkpoint(error)),
        Err(ProofError::Path) => Err(Finding::Path { index }),
    }
}

/// Whether salt and body are those that the leaf of an entry commits to.
pub fn opening(index: u64, leaf: &[u8], (salt, body): (&[u8; 32], &[u8])) -> Result<(), Finding> {
    let read = form::read(leaf).map_err(|fault| Finding::Leaf { index, fault })?;
    let opens = read.commit == commit(salt, body);
    opens.then_some(()).ok_or(Finding::Opening { index })
}

/// The time in the leaf of an entry, in milliseconds.
pub(crate) fn time(index: u64, leaf: &[u8]) -> Result<i64, Finding> {
    let read = form::read(leaf).map_err(|fault| Finding::Leaf { index, fault })?;
    Ok(read.at)
}
