//! The tree against the published vectors, and against the definition.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::tests::vectors;

/// RFC 6962 §2.1, word for word.
fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        more => {
            let half = more.len().next_power_of_two() / 2;
            let (left, right) = more.split_at(half);
            node(&by_definition(left), &by_definition(right))
        }
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|at| leaf_hash(&at.to_be_bytes())).collect()
}

#[test]
fn roots_are_those_of_the_published_vectors() {
    let Some(vectors) = vectors("rfc6962-core.json") else {
        return;
    };
    let hex_of = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let mut tree = Tree::empty();
    let inputs = vectors["leaf_inputs_hex"].as_array().unwrap();
    for (size, root) in vectors["root_hex_by_size"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        assert_eq!(tree.root().to_vec(), hex_of(root), "size {size}");
        if let Some(input) = inputs.get(size) {
            let hash = leaf_hash(&hex_of(input));
            assert_eq!(hash.to_vec(), hex_of(&vectors["level_hashes_hex"][0][size]));
            tree.push(hash);
        }
    }
    let hasher = &vectors["hasher"];
    assert_eq!(leaf_hash(b"").to_vec(), hex_of(&hasher["leaf(empty)"]));
    assert_eq!(
        leaf_hash(b"L123456").to_vec(),
        hex_of(&hasher["leaf('L123456')"])
    );
    assert_eq!(
        sha256(&[&[1], b"N123", b"N456"]).to_vec(),
        hex_of(&hasher["node('N123','N456')"])
    );
}

#[test]
fn every_root_up_to_300_leaves_is_that_of_the_definition() {
    let all = leaves(300);
    let mut tree = Tree::empty();
    for (size, leaf) in all.iter().enumerate() {
        assert_eq!(tree.root(), by_definition(&all[..size]), "size {size}");
        tree.push(*leaf);
    }
}

#[test]
fn a_tree_is_not_made_from_parts_that_do_not_fit_its_size() {
    assert!(Tree::of(3, &[0; 64]).is_some());
    assert!(Tree::of(3, &[0; 32]).is_none());
    assert!(Tree::of(3, &[0; 65]).is_none());
}

proptest! {
    #[test]
    fn however_the_leaves_are_split_into_batches_the_root_is_the_same(
        batches in proptest::collection::vec(0_usize..40, 0..20),
    ) {
        let all = leaves(batches.iter().sum());
        let mut kept = Tree::empty();
        let mut rest = all.as_slice();
        for batch in batches {
            // Between two batches only the size and the kept bytes survive.
            let mut tree = Tree::of(kept.size(), &kept.subtrees()).unwrap();
            let (now, later) = rest.split_at(batch);
            for leaf in now {
                tree.push(*leaf);
            }
            (kept, rest) = (tree, later);
        }
        prop_assert_eq!(kept.root(), by_definition(&all));
    }
}
