//! The Merkle tree over all leaves (RFC 6962 §2.1), kept as the roots of its full subtrees: enough to append and to
//! give the root, in 32 bytes for each binary digit of the size.

use aws_lc_rs::digest::{self, SHA256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of a leaf: 0x00 stands before it, so that no leaf can pass for a node.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf])
}

/// The hash of a node over its two children.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root of the tree without a leaf.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// SHA-256 over parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the full subtrees, the largest first: one for each one in the binary form of the size.
    subtrees: Vec<Hash>,
}

impl Tree {
    /// The tree without a leaf.
    pub fn empty() -> Self {
        Self {
            size: 0,
            subtrees: Vec::new(),
        }
    }

    /// The tree that was kept; none if the parts do not belong to a tree of this size.
    pub fn of(size: u64, subtrees: &[u8]) -> Option<Self> {
        let (hashes, rest) = subtrees.as_chunks::<32>();
        let fits = rest.is_empty() && hashes.len() == usize::try_from(size.count_ones()).ok()?;
        fits.then(|| Self {
            size,
            subtrees: hashes.to_vec(),
        })
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each one at the end of the binary form is a full subtree as large as the one now complete.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = node(&left, &hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree head.
    pub fn root(&self) -> Hash {
        let joined = self
            .subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node(&left, &right));
        joined.unwrap_or_else(empty_root)
    }

    /// What is kept: the roots of the full subtrees, the largest first.
    pub fn subtrees(&self) -> Vec<u8> {
        self.subtrees.concat()
    }
}

/// The root over hashes that stand in this order.
pub fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::empty();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}

/// Where proofs take the hashes of full subtrees from.
pub trait HashSource {
    /// The root of the full subtree over the leaves `index * 2^level .. (index + 1) * 2^level`; none if it is not known.
    fn node(&mut self, level: u32, index: u64) -> Option<Hash>;
}

/// The root over the leaves `from..below`, where `from` is a multiple of the smallest power of two that is not below
/// `below - from`. None if that is not so, or if the source lacks a hash.
pub fn root_between(source: &mut impl HashSource, from: u64, below: u64) -> Option<Hash> {
    let count = below.checked_sub(from).filter(|count| *count > 0)?;
    let span = count.checked_next_power_of_two()?;
    if !from.is_multiple_of(span) {
        return None;
    }
    if count == span {
        return source.node(count.trailing_zeros(), from / count);
    }
    let middle = from + span / 2;
    let left = root_between(source, from, middle)?;
    let right = root_between(source, middle, below)?;
    Some(node(&left, &right))
}

/// The root of the tree of this size.
pub fn root_at(source: &mut impl HashSource, size: u64) -> Option<Hash> {
    match size {
        0 => Some(empty_root()),
        size => root_between(source, 0, size),
    }
}

/// The number of leaves in the left part of a tree or subtree of more than one leaf: the largest power of two below.
pub(super) fn left_part(count: u64) -> u64 {
    debug_assert!(count > 1);
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// All leaf hashes in memory: a source for small trees, and for tests.
impl HashSource for &[Hash] {
    fn node(&mut self, level: u32, index: u64) -> Option<Hash> {
        let span = 1_u64.checked_shl(level)?;
        let from = usize::try_from(index.checked_mul(span)?).ok()?;
        let below = from.checked_add(usize::try_from(span).ok()?)?;
        self.get(from..below).map(root_of)
    }
}

#[cfg(test)]
mod tests;
