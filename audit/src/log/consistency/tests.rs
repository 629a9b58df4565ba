//! Consistency proofs against the published vectors, and every proof of small trees.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::*;
use crate::{
    log::tree::{leaf_hash, root_at},
    tests::vectors,
};

fn hash(value: &Value) -> Option<Hash> {
    STANDARD
        .decode(value.as_str().unwrap())
        .unwrap()
        .try_into()
        .ok()
}

fn proof(value: &Value) -> Option<Vec<Hash>> {
    value
        .as_array()
        .map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash).collect())
}

#[test]
fn verdicts_are_those_of_the_published_vectors() {
    let Some(vectors) = vectors("consistency-proofs.json") else {
        return;
    };
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 98);
    let mut unsayable = 0;
    for case in cases {
        let (old, new) = (
            case["size1"].as_u64().unwrap(),
            case["size2"].as_u64().unwrap(),
        );
        let said = || {
            Some((
                hash(&case["root1"])?,
                hash(&case["root2"])?,
                proof(&case["proof"])?,
            ))
        };
        let expected = !case["wantErr"].as_bool().unwrap();
        let Some((old_root, new_root, proof)) = said() else {
            // What is no SHA-256 cannot even be said; one such case is accepted by those who compare bytes.
            unsayable += usize::from(expected);
            continue;
        };
        let holds = verify((old, &old_root), (new, &new_root), &proof);
        assert_eq!(holds, expected, "{}", case["file"]);
    }
    assert_eq!(unsayable, 1);
}

#[test]
fn every_proof_between_trees_up_to_64_leaves_holds_for_its_own_sizes_only() {
    let leaves: Vec<Hash> = (0..64).map(|value: u8| leaf_hash(&[value])).collect();
    let root = |size| root_at(&mut &leaves[..], size).unwrap();
    for new in 1..=64 {
        for old in 0..=new {
            let proof = build(&mut &leaves[..], old, new).unwrap();
            let (first, second) = (root(old), root(new));
            assert!(
                verify((old, &first), (new, &second), &proof),
                "{old} to {new}"
            );
            for other in (0..=new).filter(|other| *other != old) {
                assert!(
                    !verify((other, &first), (new, &second), &proof),
                    "{old} as {other} to {new}"
                );
            }
            assert!(!verify((old, &[1; 32]), (new, &second), &proof));
            // The empty tree stands at the beginning of every tree.
            assert!(old == 0 || !verify((old, &first), (new, &[1; 32]), &proof));
            for at in 0..proof.len() {
                let mut forged = proof.clone();
                forged[at][at % 32] ^= 1;
                assert!(!verify((old, &first), (new, &second), &forged));
                forged.remove(at);
                assert!(!verify((old, &first), (new, &second), &forged));
            }
            let longer = [proof, vec![[0; 32]]].concat();
            assert!(!verify((old, &first), (new, &second), &longer));
        }
        assert_eq!(build(&mut &leaves[..], new + 1, new), None);
    }
}
