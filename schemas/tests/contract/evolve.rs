//! Older and newer writers: their data are read, and what they say beyond us never becomes a pass.

use std::fmt::Debug;

use apache_avro::types::Value as Datum;
use schemas::{
    Audience, Checked, Confirmation, Enriched, Event, FoundBy, Generation, Kind, NoticeOutcome,
    Notified, Outcome, ProbableCause, Refusal, Rejected, Stage,
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
            for item in items {
                with_defaults(&schema["items"], item);
            }
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
        // The second one had something that we have dropped since, so that it takes the slow way.
        for older in [parse(&older), parse(&with_new_fields(older))] {
            for (name, mut example) in examples(E::TOPIC) {
                let ours = contract.encode(&read::<E>(&name, &example));
                let datum = written(resolved(&ours, contract.schema(), &older), &older);
                let decoded: E = contract.decode(&older, &datum).unwrap();
                with_defaults(&schema, &mut example);
                assert_eq!(crate::json(&decoded), example, "{}/{name}", E::TOPIC);
            }
        }
    }
    for_each_event!(check);
}

/// Fields of every type that needs no name.
fn added() -> Value {
    json!([
        { "name": "new_null", "type": ["null", "string"], "default": null },
        { "name": "new_string", "type": "string", "default": "new" },
        { "name": "new_bytes", "type": "bytes", "default": "\u{ff}" },
        { "name": "new_boolean", "type": "boolean", "default": true },
        { "name": "new_double", "type": "double", "default": 1.5 },
        { "name": "new_float", "type": "float", "default": 1.5 },
        { "name": "new_time", "type": { "type": "long", "logicalType": "timestamp-millis" }, "default": 1 },
        { "name": "new_map", "type": { "type": "map", "values": ["null", "int"] }, "default": { "k": null } },
        { "name": "new_list", "type": { "type": "array", "items": "string" }, "default": ["x", "y"] }
    ])
}

/// Fields of types with a name, which an event can define only once. The fast way of decoding cannot skip an enum.
fn added_to_the_event() -> Value {
    let list = json!({ "type": "array", "items": "long" });
    let inner = json!([{ "name": "a", "type": "string" }, { "name": "b", "type": list }]);
    let record = json!({ "type": "record", "name": "NewRecord", "fields": inner });
    let word = json!({ "type": "enum", "name": "NewEnum", "symbols": ["x", "y"], "default": "y" });
    let fixed = json!({ "type": "fixed", "name": "NewFixed", "size": 2 });
    json!([
        { "name": "new_record", "type": record, "default": { "a": "x", "b": [1, 2] } },
        { "name": "new_enum", "type": word, "default": "x" },
        { "name": "new_fixed", "type": fixed, "default": "ab" }
    ])
}

/// The schema of a later release: fields everywhere.
pub(crate) fn with_new_fields(mut schema: Value) -> Value {
    let put = |fields: &mut Value, new: Value| {
        let (fields, Value::Array(mut new)) = (fields.as_array_mut().unwrap(), new) else {
            unreachable!("a list of fields")
        };
        fields.extend(new.split_off(new.len() / 2));
        fields.splice(0..0, new);
    };
    avsc::walk(&mut schema, &mut |definition| {
        if let Some(fields) = definition.get_mut("fields") {
            put(fields, added());
        }
    });
    put(&mut schema["fields"], added_to_the_event());
    schema
}

#[test]
fn a_newer_datum_is_read_past_its_new_fields() {
    fn check<E: Event + PartialEq + Debug>() {
        let contract = E::contract();
        let newer = parse(&with_new_fields(schema_json(contract)));
        for (name, example) in examples(E::TOPIC) {
            let event: E = read(&name, &example);
            let datum = resolved(&contract.encode(&event), contract.schema(), &newer);
            let decoded: E = contract.decode(&newer, &written(datum, &newer)).unwrap();
            assert_eq!(decoded, event, "{}/{name}", E::TOPIC);
        }
    }
    for_each_event!(check);
}

/// A word that a later release may add.
const NEW_WORD: &str = "approved_by_a_later_release";

/// Replaces every word of a datum.
fn say_new_word(datum: &mut Datum) {
    if let Datum::Enum(index, word) = datum {
        (*index, *word) = (0, NEW_WORD.to_owned());
    } else if let Datum::Record(fields) = datum {
        for (_, field) in fields {
            say_new_word(field);
        }
    } else if let Datum::Union(_, inner) = datum {
        say_new_word(inner);
    } else if let Datum::Array(items) = datum {
        items.iter_mut().for_each(say_new_word);
    }
}

/// The schema of a later release: a new word in every enum, before the others, so that every index moves.
fn with_new_words(mut schema: Value) -> Value {
    avsc::walk(&mut schema, &mut |definition| {
        if let Some(Value::Array(symbols)) = definition.get_mut("symbols") {
            symbols.insert(0, json!(NEW_WORD));
        }
    });
    schema
}

/// An example with every word replaced by one of a later release, as its writer would have written it.
fn of_later_release<E: Event>(name: &str, newer: &Value) -> E {
    let (contract, newer) = (E::contract(), parse(newer));
    let (_, example) = examples(E::TOPIC)
        .into_iter()
        .find(|(found, _)| found == name)
        .unwrap();
    let ours = contract.encode(&read::<E>(name, &example));
    let mut datum = resolved(&ours, contract.schema(), &newer);
    say_new_word(&mut datum);
    contract.decode(&newer, &written(datum, &newer)).unwrap()
}

/// Both ways of decoding: that of a release with new words alone, and of one with new fields too.
fn of_later_releases<E: Event>(name: &str) -> [E; 2] {
    let words = with_new_words(schema_json(E::contract()));
    [
        of_later_release(name, &words),
        of_later_release(
            name,
            &with_new_words(with_new_fields(schema_json(E::contract()))),
        ),
    ]
}

#[test]
fn a_word_of_a_newer_writer_is_the_other_one_and_never_a_pass() {
    for checked in of_later_releases::<Checked>("failed") {
        assert_eq!(checked.outcome(), Outcome::Unknown);
        assert_eq!(checked.kind(), Some(Kind::Unlisted));
        assert_eq!(checked.generation(), Generation::Unlisted);
        assert_eq!(crate::json(&checked)["reasons"][0]["code"], "other");
    }
    for enriched in of_later_releases::<Enriched>("confirmed") {
        assert_eq!(enriched.checked().outcome(), Outcome::Unknown);
        assert_eq!(enriched.confirmation(), Confirmation::Unconfirmed);
        assert_eq!(enriched.party().found_by, FoundBy::Unlisted);
        assert_eq!(enriched.commission_owner().found_by, FoundBy::Unlisted);
    }
    for notified in of_later_releases::<Notified>("sent") {
        assert_eq!(notified.outcome(), NoticeOutcome::Failed);
        assert_eq!(notified.audience(), Audience::Unlisted);
    }
    for rejected in of_later_releases::<Rejected>("enrich") {
        assert_eq!(rejected.stage(), Stage::Unlisted);
        assert_eq!(rejected.reason(), Refusal::Unlisted);
        assert_eq!(rejected.probable_cause(), ProbableCause::Unlisted);
        assert_eq!(rejected.generation(), Some(Generation::Unlisted));
    }
}
