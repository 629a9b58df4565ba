//! The tree made again from the entries, bundle by bundle: every tile once it is complete, and the root at any size.

use crate::log::{
    tile::{Rank, Tile, WIDTH},
    tree::{Hash, Tree, node, root_of},
};

/// What was made again so far.
#[derive(Debug, Default)]
pub(super) struct Rebuild {
    /// The hashes of each level of tiles, from the leaves upwards, that no full tile holds yet.
    levels: Vec<Vec<Hash>>,
    /// How many tiles of each level are full.
    full: Vec<u64>,
}

impl Rebuild {
    /// Takes the hashes of the next bundle, and gives every tile that is complete in a log of `size` leaves.
    pub(super) fn push(&mut self, leaves: &[Hash], size: u64) -> Vec<(Tile, Vec<u8>)> {
        let mut complete = Vec::new();
        self.extend(0, leaves, size, &mut complete);
        complete
    }

    fn extend(
        &mut self,
        level: usize,
        hashes: &[Hash],
        size: u64,
        complete: &mut Vec<(Tile, Vec<u8>)>,
    ) {
        if self.levels.len() <= level {
            self.levels.push(Vec::new());
            self.full.push(0);
        }
        self.levels[level].extend_from_slice(hashes);
        let Ok(rank) = u8::try_from(level).map(Rank::Level) else {
            return;
        };
        let Some(tile) = Tile::at(rank, self.full[level], size) else {
            return;
        };
        if self.levels[level].len() < usize::from(tile.width) {
            return;
        }
        complete.push((tile, self.levels[level].concat()));
        if tile.width == WIDTH {
            let root = root_of(&self.levels[level]);
            self.levels[level].clear();
            self.full[level] += 1;
            self.extend(level + 1, &[root], size, complete);
        }
    }

    /// The root over everything before, and these further leaves: fewer than a bundle, or a bundle.
    pub(super) fn root_with(&self, leaves: &[Hash]) -> Hash {
        let mut rest: Option<Hash> = (!leaves.is_empty()).then(|| root_of(leaves));
        for hashes in &self.levels {
            let mut tree = Tree::empty();
            for hash in hashes {
                tree.push(*hash);
            }
            let subtrees = tree.subtrees();
            let (subtrees, _) = subtrees.as_chunks::<32>();
            for left in subtrees.iter().rev() {
                rest = Some(rest.map_or(*left, |right| node(left, &right)));
            }
        }
        rest.unwrap_or_else(|| root_of(&[]))
    }
}
