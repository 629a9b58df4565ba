//! Tiles (C2SP tlog-tiles): where the hashes of the tree and its entries stand, and which of them a tree of some size has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::tree::{Hash, HashSource, root_of};

/// Levels of the tree in one tile.
pub const HEIGHT: u32 = 8;
/// Hashes or entries of a full tile.
pub const WIDTH: u16 = 256;
/// Levels of tiles that a path may name.
const LEVELS: u8 = 64;
/// Digits of the greatest index, by threes: what is longer is no 64-bit number.
const GROUPS: usize = 7;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// Hashes of one level of tiles; 0 is that of the leaves.
    Level(u8),
    /// The entries themselves.
    Entries,
}

/// One tile by its place and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub rank: Rank,
    /// Its place in its level.
    pub index: u64,
    /// How many hashes or entries it has: 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The tile at this place as a tree of this size has it; none if the tree has nothing there.
    pub fn at(rank: Rank, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(WIDTH))?;
        let count = count(rank, size).checked_sub(before)?;
        let width = u16::try_from(count.min(u64::from(WIDTH))).ok()?;
        (width > 0).then_some(Self { rank, index, width })
    }

    /// Whether it has all its hashes or entries, and never changes any more.
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// Reads a path from `tile/` on. Whatever is not exactly how it is written is none.
    pub fn parse(path: &str) -> Option<Self> {
        let (rank, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let rank = match rank {
            "entries" => Rank::Entries,
            digits => Rank::Level(canonical(digits).filter(|level| *level < LEVELS)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (
                index,
                canonical(width).filter(|width| *width > 0 && *width < WIDTH)?,
            ),
            None => (rest, WIDTH),
        };
        Some(Self {
            rank,
            index: index_of(index)?,
            width,
        })
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rank {
            Rank::Level(level) => write!(f, "tile/{level}/")?,
            Rank::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// A decimal number without sign and without leading zeros.
pub(super) fn canonical<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let canonical = plain && (digits == "0" || !digits.starts_with('0'));
    canonical.then(|| digits.parse().ok()).flatten()
}

fn index_of(text: &str) -> Option<u64> {
    let groups: Vec<&str> = text.split('/').take(GROUPS + 1).collect();
    let (last, before) = groups.split_last()?;
    let mut index: u64 = 0;
    for (at, group) in before
        .iter()
        .map(|group| group.strip_prefix('x'))
        .chain([Some(*last)])
        .enumerate()
    {
        let group = group.filter(|group| {
            group.len() == 3 && group.bytes().all(|digit| digit.is_ascii_digit())
        })?;
        let value: u64 = group.parse().ok()?;
        if at == 0 && value == 0 && !before.is_empty() {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(value)?;
    }
    Some(index)
}

/// How many hashes or entries a tree of this size has there, in all tiles together.
fn count(rank: Rank, size: u64) -> u64 {
    match rank {
        Rank::Entries => size,
        Rank::Level(level) => size.checked_shr(u32::from(level) * HEIGHT).unwrap_or(0),
    }
}

/// The tiles of hashes that differ between a tree of `from` leaves and one of `to`, as the larger tree has them: level by
/// level from the leaves on, each in order.
pub fn grown(from: u64, to: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for level in 0..LEVELS {
        tiles.extend(grown_at(Rank::Level(level), from, to));
    }
    tiles
}

/// The same for one level, or for the entries.
pub fn grown_at(rank: Rank, from: u64, to: u64) -> impl Iterator<Item = Tile> {
    let (before, after) = (count(rank, from), count(rank, to));
    let width = u64::from(WIDTH);
    let indexes = if after > before {
        before / width..after.div_ceil(width)
    } else {
        0..0
    };
    indexes.filter_map(move |index| Tile::at(rank, index, to))
}

/// All tiles that a tree of this size has: those of hashes, then those of entries.
pub fn all(size: u64) -> impl Iterator<Item = Tile> {
    let ranks = (0..LEVELS).map(Rank::Level).chain([Rank::Entries]);
    ranks.flat_map(move |rank| grown_at(rank, 0, size))
}

/// The hashes of a tile; none unless there are exactly as many as its width says.
pub fn hashes(tile: &Tile, data: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = data.as_chunks::<32>();
    (rest.is_empty() && hashes.len() == usize::from(tile.width)).then(|| hashes.to_vec())
}

/// Where the full subtree stands whose root is wanted: level and index of its tile, then the hashes of it, from and below.
fn place(level: u32, index: u64) -> Option<((u8, u64), (usize, usize))> {
    let within = level % HEIGHT;
    let from = index
        .checked_shl(within)
        .filter(|from| from >> within == index)?;
    let tile = from / u64::from(WIDTH);
    let from = usize::try_from(from % u64::from(WIDTH)).ok()?;
    Some((
        (u8::try_from(level / HEIGHT).ok()?, tile),
        (from, from + (1 << within)),
    ))
}

/// Tiles of hashes in memory, to prove from.
#[derive(Clone, Debug, Default)]
pub struct Tiles(BTreeMap<(u8, u64), Vec<Hash>>);

impl Tiles {
    /// Adds the hashes of a tile. A wider one is taken in place of a narrower one.
    pub fn insert(&mut self, level: u8, index: u64, hashes: Vec<Hash>) {
        let known = self.0.entry((level, index)).or_default();
        if known.len() < hashes.len() {
            *known = hashes;
        }
    }
}

impl HashSource for &Tiles {
    fn node(&mut self, level: u32, index: u64) -> Option<Hash> {
        let (tile, (from, below)) = place(level, index)?;
        self.0.get(&tile)?.get(from..below).map(root_of)
    }
}

/// Notes which tiles a proof asks for; every hash that it gives is worthless.
#[derive(Clone, Debug, Default)]
pub struct Wanted(BTreeSet<(u8, u64)>);

impl Wanted {
    /// Level and index of each tile that was asked for, each once.
    pub fn tiles(&self) -> impl Iterator<Item = (u8, u64)> {
        self.0.iter().copied()
    }
}

impl HashSource for Wanted {
    fn node(&mut self, level: u32, index: u64) -> Option<Hash> {
        let (tile, _) = place(level, index)?;
        self.0.insert(tile);
        Some([0; 32])
    }
}

#[cfg(test)]
mod tests;
