//! Signed notes and keys against the published vectors.

use serde_json::Value;

use super::*;
use crate::tests::vectors;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn verdicts_are_those_of_the_published_vectors() {
    let Some(vectors) = vectors("signed-notes.json") else {
        return;
    };
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 19);
    for case in cases {
        let keys = case["vkeys"].as_array().unwrap().iter();
        let keys: Vec<_> = keys
            .map(|key| VerifierKey::parse(text(key)).unwrap())
            .collect();
        let note = Note::parse(text(&case["note"]).as_bytes());
        let verified = note.and_then(|note| {
            let verified = note.verify(&keys)?;
            Ok((note.to_string(), verified))
        });
        assert_eq!(
            verified.is_ok(),
            case["ok"].as_bool().unwrap(),
            "{}",
            case["desc"]
        );
        if let Ok((written, verified)) = verified {
            assert_eq!(written, text(&case["note"]));
            let names: Vec<_> = verified.iter().map(|key| key.name()).collect();
            let expected: Vec<_> = case["verified"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect();
            assert_eq!(names, expected, "{}", case["desc"]);
        }
    }
}

#[test]
fn keys_are_those_of_the_published_vectors() {
    let Some(vectors) = vectors("signed-notes.json") else {
        return;
    };
    for case in vectors["keygen"].as_array().unwrap() {
        let key = SigningKey::parse(text(&case["skey"])).unwrap();
        assert_eq!(key.verifier().to_string(), text(&case["vkey"]));
        if let Some(body) = case["text"].as_str() {
            let mut note = Note::new(body).unwrap();
            note.sign(&key);
            assert_eq!(note.to_string(), text(&case["signed"]));
        }
    }
    for key in vectors["bad_vkeys"].as_array().unwrap() {
        assert_eq!(VerifierKey::parse(text(key)), None, "{key}");
    }
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::new(name, Kind::Log, &[seed; 32]).unwrap()
}

#[test]
fn a_note_is_read_as_it_is_written_and_signed_once_by_each_key() {
    let (first, second) = (key("example.test/a", 1), key("example.test/b", 2));
    let mut note = Note::new("one\n\ntwo\n").unwrap();
    for key in [&first, &second, &first] {
        note.sign(key);
    }
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(Note::parse(note.to_string().as_bytes()).as_ref(), Ok(&note));
    let keys = [first.verifier().clone(), second.verifier().clone()];
    assert_eq!(note.verify(&keys).unwrap().len(), 2);
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
    // One false line of a known key spoils a note that another known key has signed.
    let mut bytes = note.signatures()[0].bytes().to_vec();
    bytes[9] ^= 1;
    note.add(Signature::new("example.test/b", second.verifier().id(), bytes).unwrap());
    assert_eq!(note.verify(&keys), Err(NoteError::Signature));
}

#[test]
fn a_key_is_known_by_name_and_id_and_its_text_holds_no_secret() {
    let key = key("example.test/a", 1);
    let shown = format!("{key:?}");
    assert!(!shown.contains(&STANDARD.encode([1; 32])) && shown.contains("example.test/a"));
    assert_eq!(
        VerifierKey::parse(&key.verifier().to_string()).as_ref(),
        Some(key.verifier())
    );
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb"] {
        assert!(
            SigningKey::new(name, Kind::Log, &[1; 32]).is_none(),
            "{name:?}"
        );
    }
    let upper = key.verifier().to_string().replace(
        &hex::encode(key.verifier().id()),
        &hex::encode_upper(key.verifier().id()),
    );
    assert!(upper == key.verifier().to_string() || VerifierKey::parse(&upper).is_none());
}

#[test]
fn what_is_beyond_a_limit_is_refused() {
    let long = format!("{}\n", "x".repeat(MAX_NOTE));
    assert_eq!(Note::parse(long.as_bytes()), Err(NoteError::TooLarge));
    let line = "\u{2014} a AAAAAAAA\n";
    assert!(Note::parse(format!("t\n\n{}", line.repeat(MAX_SIGNATURES)).as_bytes()).is_ok());
    let refused = Note::parse(format!("t\n\n{}", line.repeat(MAX_SIGNATURES + 1)).as_bytes());
    assert_eq!(refused, Err(NoteError::TooLarge));
}
