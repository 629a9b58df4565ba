//! Every collected callback is read as the expectations beside it say.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::PathBuf;

use jumio::Media;
use schemas::{Facts, Refusal};
use serde_json::{Value, json};

/// The collection stands beside the workspace, not in it; without it there is nothing to hold.
fn collection() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    path.join("expected/callbacks.jsonl")
        .is_file()
        .then_some(path)
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn cases() -> Vec<(Value, Vec<u8>)> {
    let Some(collection) = collection() else {
        eprintln!("skipped: no ../shared/fixtures beside the workspace");
        return Vec::new();
    };
    let expected = std::fs::read_to_string(collection.join("expected/callbacks.jsonl")).unwrap();
    let cases: Vec<_> = expected
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let body = std::fs::read(collection.join(line["file"].as_str().unwrap())).unwrap();
            (line, body)
        })
        .collect();
    // Fewer would mean that the collection was read wrongly.
    assert!(cases.len() >= 196, "{}", cases.len());
    cases
}

/// What was read, in the fields of the expectations; these call what is not told `null`.
fn read(body: &[u8]) -> Value {
    match jumio::parse(Media::guess(body), body) {
        Ok(facts) => checked(&facts),
        Err(refused) => json!({
            "verdict": "rejected",
            "reason": refused.reason,
            "generation": refused.generation,
        }),
    }
}

fn checked(facts: &Facts) -> Value {
    json!({
        "verdict": "checked",
        "reason": null,
        "generation": facts.generation,
        "provider_reference": facts.provider_reference,
        "customer_reference": facts.customer_reference,
        "transaction_reference": facts.transaction_reference,
        "kind": facts.kind,
        "outcome": facts.outcome,
        "final": facts.outcome.is_final(),
        "document_expiry": facts.document_expiry,
        "document_country": facts.document_country,
        "document_type": facts.document_type,
        "similarity": facts.similarity,
        "liveness": facts.liveness,
    })
}

#[test]
fn every_collected_callback_is_read_as_expected() {
    let mut wrong = Vec::new();
    for (expected, body) in cases() {
        let read = read(&body);
        for (field, found) in read.as_object().unwrap() {
            let wanted = &expected[field];
            let skipped = field == "kind" && wanted.is_null();
            if found != wanted && !skipped {
                wrong.push(format!(
                    "{}: {field} {found}, not {wanted}",
                    expected["file"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_door_turns_away_only_what_it_cannot_name() {
    for (expected, body) in cases() {
        let reason = expected["reason"].as_str().map(Refusal::from_word);
        let turned_away = jumio::identify(Media::guess(&body), &body).err();
        match reason {
            None
            | Some(Refusal::Ambiguous | Refusal::NoProviderAccount | Refusal::BadEmbeddedJson) => {
                assert_eq!(turned_away, None, "{}", expected["file"]);
            }
            Some(Refusal::UnknownCallbackType) => {}
            Some(reason) => {
                assert_eq!(turned_away.map(|refused| refused.reason), Some(reason));
            }
        }
    }
}

#[test]
fn no_documented_field_is_unknown() {
    for (expected, body) in cases() {
        let Ok(facts) = jumio::parse(Media::guess(&body), &body) else {
            continue;
        };
        let file = expected["file"].as_str().unwrap();
        let made_for_it = file.contains("unknown-parameter") || file.contains("unknown-fields");
        assert_eq!(facts.unknown_fields.is_empty(), !made_for_it, "{file}");
    }
}
