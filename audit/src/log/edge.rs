//! The right edge of the tree: the tile of each level that is still growing. With it leaves become tiles without
//! reading what is full already.

use super::{
    tile::{self, Rank, Tile, WIDTH},
    tree::{Hash, Tree, root_of},
};

/// The growing tiles, from the leaves upwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// For each level of tiles the hashes that do not fill a tile yet: fewer than 256.
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the tree without a leaf.
    pub fn empty() -> Self {
        Self {
            size: 0,
            levels: Vec::new(),
        }
    }

    /// The growing tiles of a tree of this size: level and index of each, from the leaves upwards.
    pub fn tiles(size: u64) -> impl Iterator<Item = Tile> {
        let levels = u64::BITS.div_ceil(tile::HEIGHT);
        (0..levels).filter_map(move |level| {
            let count = size >> (level * tile::HEIGHT);
            let rank = Rank::Level(u8::try_from(level).ok()?);
            Tile::at(rank, count / u64::from(WIDTH), size)
        })
    }

    /// The edge that was kept: the data of the tiles of [`tiles`](Self::tiles), in that order. None if these are not
    /// the growing tiles of this tree.
    pub fn of(tree: &Tree, data: &[Vec<u8>]) -> Option<Self> {
        let mut levels = Vec::new();
        let mut given = data.iter();
        for tile in Self::tiles(tree.size()) {
            let Rank::Level(level) = tile.rank else {
                continue;
            };
            // A level whose tiles are all full has no growing one.
            levels.resize(usize::from(level), Vec::new());
            levels.push(tile::hashes(&tile, given.next()?)?);
        }
        let edge = Self {
            size: tree.size(),
            levels,
        };
        let fits = given.next().is_none() && edge.subtrees() == tree.subtrees();
        fits.then_some(edge)
    }

    /// The roots of the full subtrees as [`Tree`] keeps them, from the tiles.
    fn subtrees(&self) -> Vec<u8> {
        let mut subtrees = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut edge = Tree::empty();
            for hash in hashes {
                edge.push(*hash);
            }
            subtrees.extend(edge.subtrees());
        }
        subtrees
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends leaves by their hashes, and gives every tile that has changed, as it is afterwards: in the order of
    /// [`grown`](tile::grown).
    pub fn push(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Vec<(Tile, Vec<u8>)> {
        let before = self.size;
        let mut filled: Vec<Vec<Hash>> = Vec::new();
        for leaf in leaves {
            self.push_at(0, leaf, &mut filled);
            self.size += 1;
        }
        let mut changed = Vec::new();
        for level in 0..self.levels.len() {
            let full = filled
                .get_mut(level)
                .map(std::mem::take)
                .unwrap_or_default();
            let hashes = full.iter().chain(&self.levels[level]).flatten().copied();
            let rank = u8::try_from(level).map_or(Rank::Entries, Rank::Level);
            let mut hashes = hashes.collect::<Vec<u8>>().into_iter();
            for tile in tile::grown_at(rank, before, self.size) {
                changed.push((
                    tile,
                    hashes.by_ref().take(usize::from(tile.width) * 32).collect(),
                ));
            }
        }
        changed
    }

    fn push_at(&mut self, level: usize, hash: Hash, filled: &mut Vec<Vec<Hash>>) {
        if self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(hash);
        if self.levels[level].len() == usize::from(WIDTH) {
            let full = std::mem::take(&mut self.levels[level]);
            filled.resize(filled.len().max(level + 1), Vec::new());
            filled[level].extend(&full);
            self.push_at(level + 1, root_of(&full), filled);
        }
    }
}

#[cfg(test)]
mod tests {
    //! The edge against tiles that are computed from all leaves.

    use proptest::prelude::*;

    use super::*;
    use crate::log::tree::leaf_hash;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|at| leaf_hash(&at.to_be_bytes())).collect()
    }

    /// A tile by the definition: each hash is the root over its own leaves.
    fn by_definition(tile: &Tile, all: &[Hash]) -> Vec<u8> {
        let Rank::Level(level) = tile.rank else {
            unreachable!()
        };
        let span = 256_usize.pow(u32::from(level));
        let first = usize::try_from(tile.index).unwrap() * 256;
        let roots = (first..first + usize::from(tile.width))
            .map(|at| root_of(&all[at * span..(at + 1) * span]));
        roots.collect::<Vec<_>>().concat()
    }

    fn grow(batches: &[usize]) {
        let all = leaves(batches.iter().sum());
        let mut kept: std::collections::BTreeMap<(Rank, u64), Vec<u8>> =
            std::collections::BTreeMap::new();
        let (mut tree, mut size) = (Tree::empty(), 0);
        for batch in batches {
            // Between two batches only the tree and the tiles survive.
            let data: Vec<_> = Edge::tiles(tree.size())
                .map(|tile| kept[&(tile.rank, tile.index)].clone())
                .collect();
            let mut edge = Edge::of(&tree, &data).unwrap();
            let new = &all[size..size + batch];
            let changed = edge.push(new.iter().copied());
            for leaf in new {
                tree.push(*leaf);
            }
            size += batch;
            assert_eq!(
                changed.iter().map(|(tile, _)| *tile).collect::<Vec<_>>(),
                tile::grown(u64::try_from(size - batch).unwrap(), edge.size())
            );
            for (tile, data) in changed {
                assert_eq!(data, by_definition(&tile, &all), "{tile}");
                let known = kept
                    .insert((tile.rank, tile.index), data.clone())
                    .unwrap_or_default();
                assert!(data.starts_with(&known), "{tile} changed what it had");
            }
        }
    }

    #[test]
    fn tiles_are_those_of_the_definition_where_levels_begin_and_end() {
        grow(&[255, 1, 1, 254, 1, 256, 65_024, 1]);
        grow(&[65_535, 1]);
        grow(&[65_536]);
    }

    #[test]
    fn an_edge_is_not_made_of_tiles_of_another_tree() {
        let mut tree = Tree::empty();
        for leaf in leaves(300) {
            tree.push(leaf);
        }
        let mut edge = Edge::empty();
        let data: Vec<_> = edge
            .push(leaves(300))
            .into_iter()
            .map(|(_, data)| data)
            .collect();
        // Of the three tiles the first is full.
        assert!(Edge::of(&tree, &data[1..]).is_some());
        assert!(Edge::of(&tree, &data).is_none());
        assert!(Edge::of(&tree, &data[2..]).is_none());
        let mut other = data[1..].to_vec();
        other[0][5] ^= 1;
        assert!(Edge::of(&tree, &other).is_none());
        other[0].pop();
        assert!(Edge::of(&tree, &other).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn however_leaves_are_split_into_batches_the_tiles_are_the_same(
            batches in proptest::collection::vec(0_usize..400, 0..8),
        ) {
            grow(&batches);
        }
    }
}
