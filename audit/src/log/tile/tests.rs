//! Paths against the published vectors, and which tiles there are.

use super::*;
use crate::{
    log::{
        edge::Edge,
        inclusion,
        tree::{leaf_hash, root_at},
    },
    tests::vectors,
};

fn tile(case: &serde_json::Value, rank: Rank) -> Tile {
    let width = case["width"].as_u64().unwrap();
    let width = u16::try_from(if width == 0 { 256 } else { width }).unwrap();
    Tile {
        rank,
        index: case["index"].as_u64().unwrap(),
        width,
    }
}

#[test]
fn paths_are_those_of_the_published_vectors() {
    let Some(vectors) = vectors("tile-paths.json") else {
        return;
    };
    for (what, list) in ["tile", "entries"]
        .into_iter()
        .map(|what| (what, &vectors[what]))
    {
        for case in list.as_array().unwrap() {
            let level = case["level"]
                .as_u64()
                .map(|level| Rank::Level(u8::try_from(level).unwrap()));
            let tile = tile(case, level.unwrap_or(Rank::Entries));
            let path = case["path"].as_str().unwrap();
            assert_eq!(tile.to_string(), path, "{what}");
            assert_eq!(Tile::parse(path), Some(tile));
        }
    }
    for case in vectors["entries_for_seq"].as_array().unwrap() {
        let (seq, size) = (
            case["seq"].as_u64().unwrap(),
            case["size"].as_u64().unwrap(),
        );
        let tile = Tile::at(Rank::Entries, seq / 256, size).unwrap();
        assert_eq!(tile.to_string(), case["path"].as_str().unwrap());
    }
    let bad = vectors["bad"].as_array().unwrap();
    assert_eq!(bad.len(), 16);
    for path in bad {
        assert_eq!(Tile::parse(path.as_str().unwrap()), None, "{path}");
    }
}

#[test]
fn paths_that_are_no_path_are_none() {
    for path in [
        "",
        "tile",
        "tile/0/",
        "tile/0/000.p/1.p/2",
        "tile/0/000.p/+1",
        "tile/+0/000",
        "tile/0/x001/x000",
        "tile/0/00a",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
        "/tile/0/000",
        "tile/entries/000.p/",
        "tile/entries/000.p/256",
        "tile/0/\u{661}\u{661}\u{661}",
        "tile/0/x000",
        "tile/0/000 ",
    ] {
        assert_eq!(Tile::parse(path), None, "{path}");
    }
    let last = Tile {
        rank: Rank::Level(0),
        index: u64::MAX / 256,
        width: 255,
    };
    assert_eq!(Tile::parse(&last.to_string()), Some(last));
}

#[test]
fn the_tiles_of_70000_leaves_are_those_that_the_definition_counts() {
    let of = |level| -> Vec<Tile> { grown_at(Rank::Level(level), 0, 70_000).collect() };
    let widths = |level: u8| (of(level).len(), of(level).last().unwrap().width);
    assert_eq!(
        (widths(0), widths(1), widths(2)),
        ((274, 112), (2, 17), (1, 1))
    );
    assert!(of(3).is_empty());
    assert_eq!(
        all(256).map(|tile| tile.to_string()).collect::<Vec<_>>(),
        ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
    );
    assert_eq!(all(0).count(), 0);
}

#[test]
fn a_growth_changes_what_differs_and_nothing_else() {
    let at = |size| -> Vec<Tile> {
        all(size)
            .filter(|tile| tile.rank != Rank::Entries)
            .collect()
    };
    for (from, to) in [
        (0, 1),
        (0, 256),
        (255, 256),
        (256, 257),
        (511, 1_025),
        (65_535, 65_536),
        (700, 70_000),
    ] {
        let before = at(from);
        let differs: Vec<_> = at(to)
            .into_iter()
            .filter(|tile| !before.contains(tile))
            .collect();
        assert_eq!(grown(from, to), differs, "{from} to {to}");
    }
    assert!(grown(300, 300).is_empty());
    assert!(grown(300, 299).is_empty());
}

#[test]
fn proofs_from_the_tiles_that_they_want_are_those_from_the_leaves() {
    let leaves: Vec<Hash> = (0..1_000_u32)
        .map(|at| leaf_hash(&at.to_be_bytes()))
        .collect();
    let stored = Edge::empty().push(leaves.iter().copied());
    for (index, size) in [(0, 1_000), (999, 1_000), (511, 1_000), (300, 301), (0, 1)] {
        let mut wanted = Wanted::default();
        inclusion::build(&mut wanted, index, size).unwrap();
        let mut tiles = Tiles::default();
        for (level, at) in wanted.tiles() {
            let (tile, data) = stored
                .iter()
                .find(|(tile, _)| (tile.rank, tile.index) == (Rank::Level(level), at))
                .unwrap();
            tiles.insert(level, at, hashes(tile, data).unwrap());
        }
        let proof = inclusion::build(&mut &tiles, index, size);
        assert_eq!(
            proof,
            inclusion::build(&mut &leaves[..], index, size),
            "{index} of {size}"
        );
        assert!(proof.is_some());
    }
    let mut wanted = Wanted::default();
    root_at(&mut wanted, 1_000).unwrap();
    assert_eq!(wanted.tiles().collect::<Vec<_>>(), [(0, 3), (1, 0)]);
}
