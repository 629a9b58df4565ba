//! The Merkle tree over all leaves (RFC 6962 §2.1), kept as the roots of its full subtrees: enough to append and to
//! give the root, in 32 bytes for each binary digit of the size.

use aws_lc_rs::digest::{self, SHA256};

/// A SHA-256.
pub(crate) type Hash = [u8; 32];

/// The hash of a leaf: 0x00 stands before it, so that no leaf can pass for a node.
pub(crate) fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf])
}

/// SHA-256 over parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
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
pub(crate) struct Tree {
    size: u64,
    /// The roots of the full subtrees, the largest first: one for each one in the binary form of the size.
    subtrees: Vec<Hash>,
}

impl Tree {
    /// The tree without a leaf.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self {
            size: 0,
            subtrees: Vec::new(),
        }
    }

    /// The tree that was kept; none if the parts do not belong to a tree of this size.
    pub(crate) fn of(size: u64, subtrees: &[u8]) -> Option<Self> {
        let (hashes, rest) = subtrees.as_chunks::<32>();
        let fits = rest.is_empty() && hashes.len() == usize::try_from(size.count_ones()).ok()?;
        fits.then(|| Self {
            size,
            subtrees: hashes.to_vec(),
        })
    }

    /// Appends a leaf by its hash.
    pub(crate) fn push(&mut self, leaf: Hash) {
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
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The tree head.
    pub(crate) fn root(&self) -> Hash {
        let joined = self
            .subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node(&left, &right));
        joined.unwrap_or_else(|| sha256(&[]))
    }

    /// What is kept: the roots of the full subtrees, the largest first.
    pub(crate) fn subtrees(&self) -> Vec<u8> {
        self.subtrees.concat()
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

#[cfg(test)]
mod tests;
