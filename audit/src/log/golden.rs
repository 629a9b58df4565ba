//! A whole log that another implementation made: every checkpoint, tile, bundle and proof of it, from its leaves on.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::{
    bundle,
    checkpoint::Checkpoint,
    consistency,
    edge::Edge,
    inclusion,
    key::{SigningKey, VerifierKey},
    policy::Policy,
    proof::{Proof, ProofError},
    tile::{self, Rank, Tile, Tiles},
    tree::{Hash, Tree, leaf_hash},
};
use crate::tests::vectors;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hash(value: &Value) -> Hash {
    hex::decode(text(value)).unwrap().try_into().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

fn size(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

/// Tiles of all 70,000 leaves; those of a smaller tree are their beginnings.
fn tiles() -> (Tiles, BTreeMap<(Rank, u64), Vec<u8>>) {
    let (mut tiles, mut data) = (Tiles::default(), BTreeMap::new());
    for (tile, bytes) in Edge::empty().push((0..70_000).map(|at| leaf_hash(&entry(at)))) {
        if let Rank::Level(level) = tile.rank {
            tiles.insert(level, tile.index, tile::hashes(&tile, &bytes).unwrap());
        }
        data.insert((tile.rank, tile.index), bytes);
    }
    (tiles, data)
}

#[test]
fn every_checkpoint_is_signed_byte_for_byte_as_it_was() {
    let Some(vectors) = vectors("golden-log.json") else {
        return;
    };
    let key = SigningKey::parse(text(&vectors["skey"])).unwrap();
    assert_eq!(key.verifier().to_string(), text(&vectors["vkey"]));
    let mut tree = Tree::empty();
    for case in vectors["checkpoints"].as_array().unwrap() {
        while tree.size() < size(&case["size"]) {
            tree.push(leaf_hash(&entry(tree.size())));
        }
        assert_eq!(tree.root(), hash(&case["root_hex"]), "size {}", tree.size());
        let (origin, root) = (text(&vectors["origin"]).to_owned(), tree.root());
        let ours = Checkpoint {
            origin,
            size: tree.size(),
            root,
            extensions: Vec::new(),
        };
        assert_eq!(
            ours.sign(&key).unwrap().to_string(),
            text(&case["checkpoint"])
        );
        let (opened, _) =
            Checkpoint::open(text(&case["checkpoint"]).as_bytes(), key.verifier()).unwrap();
        assert_eq!(opened, ours);
    }
    assert_eq!(tree.size(), 70_000);
}

#[test]
fn every_proof_is_made_byte_for_byte_as_it_was_and_holds() {
    let Some(vectors) = vectors("golden-log.json") else {
        return;
    };
    let (tiles, _) = tiles();
    let policy = Policy::of_log(VerifierKey::parse(text(&vectors["vkey"])).unwrap());
    for case in vectors["inclusion"].as_array().unwrap() {
        let proof = Proof::parse(text(&case["tlog_proof"])).unwrap();
        let built =
            inclusion::build(&mut &tiles, size(&case["index"]), size(&case["size"])).unwrap();
        assert_eq!(built, hashes(&case["proof_hex"]));
        assert_eq!((proof.index, &proof.hashes), (size(&case["index"]), &built));
        assert_eq!(proof.to_string(), text(&case["tlog_proof"]));
        let leaf = hash(&case["leaf_hash_hex"]);
        assert_eq!(
            proof.verify(&leaf, &policy).unwrap().checkpoint.size,
            size(&case["size"])
        );
        assert_eq!(proof.verify(&[0; 32], &policy), Err(ProofError::Path));
        let with = Proof {
            extra: Some(b"salt and body".to_vec()),
            ..proof
        };
        assert_eq!(Proof::parse(&with.to_string()), Some(with));
    }
    for case in vectors["consistency"].as_array().unwrap() {
        let (old, new) = (size(&case["old"]), size(&case["new"]));
        let built = consistency::build(&mut &tiles, old, new).unwrap();
        assert_eq!(built, hashes(&case["proof_hex"]), "{old} to {new}");
        let (first, second) = (hash(&case["old_root_hex"]), hash(&case["new_root_hex"]));
        assert!(consistency::verify((old, &first), (new, &second), &built));
        assert!(!consistency::verify(
            (old, &[0; 32]),
            (new, &second),
            &built
        ));
    }
}

#[test]
fn proofs_in_another_form_are_no_proofs() {
    let Some(vectors) = vectors("golden-log.json") else {
        return;
    };
    let good = text(&vectors["inclusion"][5]["tlog_proof"]);
    assert!(Proof::parse(good).is_some());
    for (what, instead) in [
        ("proof@v1", "proof@v2"),
        ("index ", "index 0"),
        ("index ", "index +"),
        ("index ", "extra !\nindex "),
        ("index", "index 1\nindex"),
        ("\n\n", "\n"),
        ("\n\n", "\nAAAA\n\n"),
        ("\n", "\r\n"),
    ] {
        assert_eq!(
            Proof::parse(&good.replacen(what, instead, 1)),
            None,
            "{what} as {instead}"
        );
    }
}

#[test]
fn every_file_of_a_log_of_1000_entries_is_made_byte_for_byte_as_it_was() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/audit/tlog-log-1000");
    if vectors("tamper-log-1000.json").is_none() {
        return;
    }
    let (_, data) = tiles();
    for tile in tile::all(1_000) {
        let entries: Vec<_> = (0..1_000)
            .map(entry)
            .skip(usize::try_from(tile.index).unwrap() * 256)
            .take(usize::from(tile.width))
            .collect();
        let ours = match tile.rank {
            Rank::Entries => bundle::encode(entries.iter().map(Vec::as_slice)).unwrap(),
            Rank::Level(_) => {
                data[&(tile.rank, tile.index)][..usize::from(tile.width) * 32].to_vec()
            }
        };
        let theirs = std::fs::read(folder.join(tile.to_string())).unwrap();
        assert_eq!(ours, theirs, "{tile}");
        assert_eq!(Tile::parse(&tile.to_string()), Some(tile));
    }
}
