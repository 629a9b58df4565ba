//! Inclusion proofs (RFC 6962 §2.1.1): the hashes that lead from one leaf to the root.

use super::tree::{Hash, HashSource, left_part, node, root_between};

/// The proof that a leaf stands at `index` in the tree of this size: the hash beside the leaf first, the one below the
/// root last. None if there is no such leaf, or if the source lacks a hash.
pub fn build(source: &mut impl HashSource, index: u64, size: u64) -> Option<Vec<Hash>> {
    build_between(source, index, (0, size))
}

/// The same within the subtree over the leaves `from..below`, which must be one that
/// [`root_between`] knows.
pub fn build_between(
    source: &mut impl HashSource,
    index: u64,
    (mut from, mut below): (u64, u64),
) -> Option<Vec<Hash>> {
    if !(from..below).contains(&index) {
        return None;
    }
    let mut proof = Vec::new();
    while below - from > 1 {
        let middle = from + left_part(below - from);
        if index < middle {
            proof.push(root_between(source, middle, below)?);
            below = middle;
        } else {
            proof.push(root_between(source, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The root that follows from a leaf and a proof; none if the proof has not the length that index and size call for.
pub fn root(leaf: &Hash, (index, size): (u64, u64), proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    let mut rest = proof.iter();
    // From the leaf upwards: `last` is the last node of the level. Without a right neighbour a node moves up as it is.
    while last > 0 {
        if at % 2 == 1 {
            hash = node(rest.next()?, &hash);
        } else if at < last {
            hash = node(&hash, rest.next()?);
        }
        (at, last) = (at / 2, last / 2);
    }
    rest.next().is_none().then_some(hash)
}

/// Whether the proof shows that the leaf stands at that index of the tree with this root.
pub fn verify(leaf: &Hash, place: (u64, u64), proof: &[Hash], expected: &Hash) -> bool {
    root(leaf, place, proof).is_some_and(|root| root == *expected)
}

#[cfg(test)]
mod tests;
