//! Older and newer writers: their data are read, and what they say beyond us never becomes a pass.

use std::fmt::Debug;

use apache_avro::types::Value as Datum;
use schemas::{
    Checked, Confirmation, Enriched, Event, Generation, Kind, NoticeOutcome, Notified, Outcome,
    Refusal, Rejected, Stage,
};
use serde_json::{Value, json};

use crate::{avsc, examples, for_each_event, parse, read, resolved, schema_json, written};

/// Puts the contract's default wherever a field has one.
fn with_defaults(schema: &Value, value: &mut Value) {
    match (schema["type"].as_str(), value) {
        (Some("record"), Value::Object(record)) => {
            for field in schema["fields"].as_array().unwrap() {
                let name = field["name"].as_str().unwrap();
                match field.get("default") {
                    Some(default) => record[name] = default.clone(),
                    None => with_defaults(&field["type"], &mut record[name]),
                }
            }
        }
        (Some("array"), Value::Array(items)) => {
            items
                .iter_mut()
                .for_each(|item| with_defaults(&schema["items"], item));
        }
        _ => {}
    }
}

/// The oldest writer that the rules allow: one that had no field with a default.
#[test]
fn an_older_datum_takes_the_contracts_defaults() {
    fn check<E: Event + PartialEq + Debug>() {
        let contract = E::contract();
        let schema = schema_json(contract);
        let mut older = schema.clone();
        avsc::walk(&mut older, &mut |definition| {
            if let Some(Value::Array(fields)) = definition.get_mut("fields") {
                fields.retain(|field| field.get("default").is_none());
            }
        });
        let older = parse(&older);
        for (name, mut example) in examples(E::TOPIC) {
            let ours = contract.encode(&read::<E>(&name, &example));
            let datum = written(resolved(&ours, contract.schema(), &older), &older);
            let decoded: E = contract.decode(&older, &datum).unwrap();
            with_defaults(&schema, &mut example);
            assert_eq!(crate::json(&decoded), example, "{}/{name}", E::TOPIC);
        }
    }
    for_each_event!(check);
}

fn field(name: &str, schema: Value, default: Value) -> Value {
    json!({ "name": format!("new_{name}"), "type": schema, "default": default })
}

/// Fields of every type that needs no name.
fn added() -> Vec<Value> {
    let time = json!({ "type": "long", "logicalType": "timestamp-millis" });
    vec![
        field("null", json!(["null", "string"]), Value::Null),
        field("string", json!("string"), json!("new")),
        field("bytes", json!("bytes"), json!("\u{ff}")),
        field("boolean", json!("boolean"), json!(true)),
        field("double", json!("double"), json!(1.5)),
        field("float", json!("float"), json!(1.5)),
        field("time", time, json!(1)),
        field(
            "map",
            json!({ "type": "map", "values": ["null", "int"] }),
            json!({ "k": null }),
        ),
        field(
            "list",
            json!({ "type": "array", "items": "string" }),
            json!(["x", "y"]),
        ),
    ]
}

/// Fields of types with a name, which an event can define only once.
fn added_to_the_event() -> Vec<Value> {
    let list = json!({ "type": "array", "items": "long" });
    let inner = json!([{ "name": "a", "type": "string" }, { "name": "b", "type": list }]);
    let record = json!({ "type": "record", "name": "NewRecord", "fields": inner });
    let word = json!({ "type": "enum", "name": "NewEnum", "symbols": ["x", "y"], "default": "y" });
    let fixed = json!({ "type": "fixed", "name": "NewFixed", "size": 2 });
    vec![
        field("record", record, json!({ "a": "x", "b": [1, 2] })),
        field("enum", word, json!("x")),
        field("fixed", fixed, json!("ab")),
    ]
}

#[test]
fn a_newer_datum_is_read_past_its_new_fields() {
    fn check<E: Event + PartialEq + Debug>() {
        let contract = E::contract();
        let mut newer = schema_json(contract);
        avsc::walk(&mut newer, &mut |definition| {
            if let Some(Value::Array(fields)) = definition.get_mut("fields") {
                let mut added = added();
                fields.extend(added.split_off(added.len() / 2));
                fields.splice(0..0, added);
            }
        });
        newer["fields"]
            .as_array_mut()
            .unwrap()
            .splice(0..0, added_to_the_event());
        let newer = parse(&newer);
        for (name, example) in examples(E::TOPIC) {
            let event: E = read(&name, &example);
            let datum = resolved(&contract.encode(&event), contract.schema(), &newer);
            let decoded: E = contract.decode(&newer, &written(datum, &newer)).unwrap();
            assert_eq!(decoded, event, "{}/{name}", E::TOPIC);
        }
    }
    for_each_event!(check);
}

/// A word that a later release may add to every enum; before the others, so that every index moves.
const NEW_WORD: &str = "approved_by_a_later_release";

/// Replaces every word of a datum.
fn say_new_word(datum: &mut Datum) {
    match datum {
        Datum::Enum(index, word) => (*index, *word) = (0, NEW_WORD.to_owned()),
        Datum::Record(fields) => fields.iter_mut().for_each(|(_, field)| say_new_word(field)),
        Datum::Union(_, inner) => say_new_word(inner),
        Datum::Array(items) => items.iter_mut().for_each(say_new_word),
        _ => {}
    }
}

/// An event whose every word is one of a later release, as its writer would have written it.
fn of_later_release<E: Event>(name: &str) -> E {
    let contract = E::contract();
    let mut newer = schema_json(contract);
    avsc::walk(&mut newer, &mut |definition| {
        if let Some(Value::Array(symbols)) = definition.get_mut("symbols") {
            symbols.insert(0, json!(NEW_WORD));
        }
    });
    let newer = parse(&newer);
    let (_, example) = examples(E::TOPIC)
        .into_iter()
        .find(|(found, _)| found == name)
        .unwrap();
    let ours = contract.encode(&read::<E>(name, &example));
    let mut datum = resolved(&ours, contract.schema(), &newer);
    say_new_word(&mut datum);
    contract.decode(&newer, &written(datum, &newer)).unwrap()
}

#[test]
fn a_word_of_a_newer_writer_is_the_other_one_and_never_a_pass() {
    let checked: Checked = of_later_release("failed");
    assert_eq!(checked.outcome(), Outcome::Unknown);
    assert_eq!(checked.kind(), Some(Kind::Unlisted));
    assert_eq!(checked.generation(), Generation::Unlisted);
    assert_eq!(crate::json(&checked)["reasons"][0]["code"], "other");

    let enriched: Enriched = of_later_release("confirmed");
    assert_eq!(enriched.checked().outcome(), Outcome::Unknown);
    assert_eq!(enriched.confirmation(), Confirmation::Unconfirmed);
    assert_eq!(enriched.party().found_by, schemas::FoundBy::Unlisted);

    let notified: Notified = of_later_release("sent");
    assert_eq!(notified.outcome(), NoticeOutcome::Failed);
    assert_eq!(notified.audience(), schemas::Audience::Unlisted);

    let rejected: Rejected = of_later_release("enrich");
    assert_eq!(rejected.stage(), Stage::Unlisted);
    assert_eq!(rejected.reason(), Refusal::Unlisted);
    assert_eq!(rejected.probable_cause(), schemas::ProbableCause::Unlisted);
    assert_eq!(rejected.generation(), Some(Generation::Unlisted));
}
