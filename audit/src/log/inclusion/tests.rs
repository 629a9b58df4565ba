//! Inclusion proofs against the published vectors, and every proof of small trees.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::*;
use crate::{
    log::tree::{leaf_hash, root_of, sha256},
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
    let Some(vectors) = vectors("inclusion-proofs.json") else {
        return;
    };
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 98);
    for case in cases {
        let place = (
            case["leafIdx"].as_u64().unwrap(),
            case["treeSize"].as_u64().unwrap(),
        );
        // What is no SHA-256 cannot even be said.
        let said = || {
            Some((
                hash(&case["leafHash"])?,
                proof(&case["proof"])?,
                hash(&case["root"])?,
            ))
        };
        let holds = said().is_some_and(|(leaf, proof, root)| verify(&leaf, place, &proof, &root));
        assert_eq!(
            holds,
            !case["wantErr"].as_bool().unwrap(),
            "{}",
            case["file"]
        );
    }
}

/// The subtree proofs of draft-ietf-plants-merkle-tree-certs, of which the proofs of a whole tree are a part.
#[test]
fn proofs_within_every_subtree_are_those_of_the_published_vector() {
    let Some(vectors) = vectors("merkle-accumulated.json") else {
        return;
    };
    let leaves: Vec<Hash> = (0..130).map(|value: u8| leaf_hash(&[value])).collect();
    let mut lines: Vec<String> = Vec::new();
    for below in 1..=130_u64 {
        for from in (0..below).filter(|from| from % (below - from).next_power_of_two() == 0) {
            for index in from..below {
                let proof = build_between(&mut leaves.as_slice(), index, (from, below)).unwrap();
                lines.push(format!("{index} [{from}, {below})"));
                lines.extend(proof.iter().map(|hash| format!(" {}", hex::encode(hash))));
                lines.push("\n".to_owned());
            }
        }
    }
    let expected = vectors["want"]["TestSubtreeInclusionProofVectors"]
        .as_str()
        .unwrap();
    assert_eq!(hex::encode(sha256(&[lines.concat().as_bytes()])), expected);
}

#[test]
fn every_proof_of_every_tree_up_to_64_leaves_holds_for_its_own_place_only() {
    let leaves: Vec<Hash> = (0..64).map(|value: u8| leaf_hash(&[value])).collect();
    for size in 1..=64_u64 {
        let all = &leaves[..usize::try_from(size).unwrap()];
        let whole = root_of(all);
        for (leaf, index) in all.iter().zip(0..) {
            let proof = build(&mut &leaves[..], index, size).unwrap();
            assert!(
                verify(leaf, (index, size), &proof, &whole),
                "{index} of {size}"
            );
            for other in (0..size + 2).filter(|other| *other != index) {
                assert!(
                    !verify(leaf, (other, size), &proof, &whole),
                    "{index} as {other} of {size}"
                );
            }
            let mut forged = proof.clone();
            forged.push([0; 32]);
            assert!(!verify(leaf, (index, size), &forged, &whole));
            for at in 0..proof.len() {
                let mut forged = proof.clone();
                forged[at][at % 32] ^= 1;
                assert!(!verify(leaf, (index, size), &forged, &whole));
                forged.remove(at);
                assert!(!verify(leaf, (index, size), &forged, &whole));
            }
        }
        assert_eq!(build(&mut &leaves[..], size, size), None);
    }
}
