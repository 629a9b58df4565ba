//! Consistency proofs (RFC 6962 §2.1.2): that the larger tree begins with all leaves of the smaller one.

use super::tree::{Hash, HashSource, empty_root, left_part, node, root_between};

/// The proof from the tree of `old` leaves to that of `new` leaves; empty for equal sizes and from the empty tree. None
/// if `old` is the larger one, or if the source lacks a hash.
pub fn build(source: &mut impl HashSource, old: u64, new: u64) -> Option<Vec<Hash>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut from, mut below) = (0, new);
    // Down to the smallest subtree that ends where the old tree ends.
    while below != old {
        let middle = from + left_part(below - from);
        if old <= middle {
            proof.push(root_between(source, middle, below)?);
            below = middle;
        } else {
            proof.push(root_between(source, from, middle)?);
            from = middle;
        }
    }
    // The whole old tree is known to who verifies; a part of it is not.
    if from > 0 {
        proof.push(root_between(source, from, below)?);
    }
    proof.reverse();
    Some(proof)
}

/// Whether the proof shows that the tree with the second root begins with all leaves of that with the first.
pub fn verify(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root && (old > 0 || *old_root == empty_root());
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let roots = roots((old, old_root), new, proof);
    roots == Some((*old_root, *new_root))
}

/// The two roots that follow from a proof.
fn roots((old, old_root): (u64, &Hash), new: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let mut rest = proof.iter();
    // The path begins at the subtree that ends where the old tree ends.
    let full = (old).trailing_zeros();
    let (mut at, mut last) = ((old - 1) >> full, (new - 1) >> full);
    let first = if old.is_power_of_two() {
        old_root
    } else {
        rest.next()?
    };
    let (mut old_hash, mut new_hash) = (*first, *first);
    while last > 0 {
        if at % 2 == 1 {
            let left = rest.next()?;
            old_hash = node(left, &old_hash);
            new_hash = node(left, &new_hash);
        } else if at < last {
            new_hash = node(&new_hash, rest.next()?);
        }
        (at, last) = (at / 2, last / 2);
    }
    rest.next().is_none().then_some((old_hash, new_hash))
}

#[cfg(test)]
mod tests;
