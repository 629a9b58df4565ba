//! Sealing, leaves and blind indexes against the vectors, and against the wrong key.

use serde_json::Value;

use super::*;
use crate::{
    leaf::{self, Kind},
    log::tree::leaf_hash,
    tests::vectors,
};

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

#[test]
fn commitment_leaf_and_ciphertext_are_those_of_the_vectors() {
    let Some(vectors) = vectors("leaf-format.json") else {
        return;
    };
    for case in vectors["cases"].as_array().unwrap() {
        let (salt, body) = (array(&case["salt_hex"]), case["body"].as_str().unwrap());
        let commit = leaf::commit(&salt, body.as_bytes());
        assert_eq!(commit.to_vec(), bytes(&case["commit_hex"]));
        let expected = case["leaf"].as_str().unwrap();
        let hash = leaf_hash(expected.as_bytes());
        assert_eq!(hash.to_vec(), bytes(&case["leaf_hash_hex"]));
        let kinds = [
            Kind::Event,
            Kind::Batch,
            Kind::Erase,
            Kind::Hold,
            Kind::Access,
            Kind::Key,
        ];
        let kind = kinds
            .into_iter()
            .find(|kind| kind.word() == case["kind"])
            .unwrap();
        let parsed: Value = serde_json::from_str(expected).unwrap();
        let number = |at: usize| parsed["o"][at].as_i64().unwrap();
        let place = (
            parsed["o"][0].as_str().unwrap(),
            i32::try_from(number(1)).unwrap(),
            number(2),
        );
        let ours = leaf::of(kind, &commit, place, parsed["t"].as_str().unwrap());
        assert_eq!(String::from_utf8(ours).unwrap(), expected);
        let key = DataKey::new(array(&case["dek_hex"]));
        let sealed = key.seal(array(&case["nonce_hex"]), &hash, (&salt, body.as_bytes()));
        assert_eq!(hex::encode(&sealed), case["stored_hex"]);
        let opened = key.open(&hash, &sealed).unwrap();
        assert_eq!(
            opened.as_slice(),
            [salt.as_slice(), body.as_bytes()].concat()
        );
    }
}

#[test]
fn blind_indexes_are_those_of_the_vectors() {
    let Some(vectors) = vectors("leaf-format.json") else {
        return;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes(&vectors["k_idx_hex"]));
    for one in vectors["blind_index"].as_array().unwrap() {
        let (kind, value) = (
            one["kind"].as_str().unwrap(),
            one["value"].as_str().unwrap(),
        );
        let Blind(index) = blind(&key, kind.as_bytes(), value.as_bytes());
        assert_eq!(hex::encode(index), one["index_hex"]);
    }
}

#[test]
fn times_in_leaves_have_milliseconds() {
    assert_eq!(
        leaf::time_text(1_795_294_316_123),
        "2026-11-21T20:51:56.123Z"
    );
    assert_eq!(leaf::time_text(0), "1970-01-01T00:00:00.000Z");
}

#[test]
fn a_topic_cannot_break_out_of_its_leaf() {
    let leaf = leaf::of(Kind::Event, &[0; 32], ("a\",3,3],\"t\":\"", 1, 2), "t");
    let parsed: Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(parsed["o"][0], "a\",3,3],\"t\":\"");
}

#[test]
fn another_key_another_leaf_or_another_subject_opens_nothing() {
    let (kek, other) = (Kek::new(&[7; 32]), Kek::new(&[8; 32]));
    let (subject, stranger) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let key = DataKey::new([9; 32]);
    let wrapped = kek.wrap(subject, &key, [1; 12]);
    assert!(kek.unwrap(subject, &wrapped).is_some());
    assert!(kek.unwrap(stranger, &wrapped).is_none());
    assert!(other.unwrap(subject, &wrapped).is_none());
    assert_ne!(kek.id(), other.id());
    let sealed = key.seal([2; 12], &[3; 32], (&[4; 32], b"body"));
    assert!(key.open(&[3; 32], &sealed).is_some());
    assert!(key.open(&[5; 32], &sealed).is_none());
    assert!(DataKey::new([6; 32]).open(&[3; 32], &sealed).is_none());
    assert!(key.open(&[3; 32], &sealed[..11]).is_none());
}
