//! What stands in the topics: every version that was ever written still reads, and every later one must fit it.
//!
//! `avro/versions/EVENT.vN.avsc` is a contract as it was, `EVENT.vN.hex` its examples as they were written: a name
//! and a datum a line.

use std::{collections::BTreeMap, fs};

use apache_avro::{
    Schema,
    schema_compatibility::{Compatibility, SchemaCompatibility},
};
use schemas::{AnyEvent, Event, Topic};
use serde_json::Value;

use crate::{contracts, examples, files, for_each_event, path, read, schema_json};

const FOLDER: &str = "avro/versions";

/// The kept versions of a contract, by number.
fn versions(topic: Topic) -> BTreeMap<u32, Value> {
    let prefix = format!("{topic}.v");
    let kept = files(FOLDER, ".avsc")
        .into_iter()
        .filter_map(|(stem, text)| {
            let number = stem.strip_prefix(&prefix)?.parse().unwrap();
            Some((number, serde_json::from_str(&text).unwrap()))
        });
    kept.collect()
}

/// A schema without its explanations, which may be mended at any time.
fn undocumented(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            // Not a field of the name `doc`, which would stand in a list.
            object.remove("doc");
            object
                .values_mut()
                .for_each(|value| *value = undocumented(value.take()));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = undocumented(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

/// Whether data of each can be read with the other, whatever they hold.
pub(crate) fn fully_compatible(one: &Schema, other: &Schema) -> bool {
    SchemaCompatibility::mutual_read(one, other) == Ok(Compatibility::Full)
}

#[test]
fn todays_contract_is_the_last_one_kept() {
    for (topic, contract) in contracts() {
        let versions = versions(topic);
        assert!(
            versions
                .keys()
                .copied()
                .eq(1..=u32::try_from(versions.len()).unwrap()),
            "{topic}: 1, 2, 3 …"
        );
        let (number, last) = versions.last_key_value().expect("a first version");
        assert!(
            undocumented(schema_json(contract)) == undocumented(last.clone()),
            "{topic}.avsc is not {topic}.v{number}.avsc any more: see \"Changing a contract\" in schemas/README.md"
        );
    }
}

#[test]
fn every_version_can_read_every_other() {
    for (topic, _) in contracts() {
        let versions = versions(topic);
        for (one, schema) in &versions {
            for (other, later) in versions.range(one..) {
                assert!(
                    fully_compatible(&crate::parse(schema), &crate::parse(later)),
                    "{topic}: v{one} and v{other} are not FULL_TRANSITIVE"
                );
            }
        }
    }
}

/// The datum of each example as it was written under each version.
fn kept_data(topic: Topic, number: u32) -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(path(&format!("{FOLDER}/{topic}.v{number}.hex"))).unwrap();
    let line = |line: &str| {
        let (name, datum) = line.split_once(' ').expect("a name and a datum a line");
        (name.to_owned(), hex::decode(datum).unwrap())
    };
    text.lines().map(line).collect()
}

#[test]
fn old_bytes_still_read() {
    for (topic, _) in contracts() {
        for (number, schema) in versions(topic) {
            let writer = crate::parse(&schema);
            let data = kept_data(topic, number);
            assert!(!data.is_empty());
            for (name, datum) in data {
                let event = AnyEvent::decode(topic, &writer, &datum);
                let event =
                    event.unwrap_or_else(|error| panic!("{topic}.v{number} {name}: {error}"));
                let example = examples(topic)
                    .into_iter()
                    .find(|(found, _)| *found == name);
                let (_, example) = example.expect("an example stays as long as its bytes");
                assert_eq!(
                    serde_json::to_value(event).unwrap(),
                    example,
                    "{topic}.v{number} {name}"
                );
            }
        }
    }
}

/// Keeps today's contracts and examples where they differ from the last version:
/// `cargo test -p schemas --test contract keep -- --ignored`.
#[test]
#[ignore = "writes into schemas/avro/versions"]
fn keep_todays_contracts() {
    fn keep<E: Event>() {
        let (topic, contract) = (E::TOPIC, E::contract());
        let versions = versions(topic);
        let same = |last: &Value| undocumented(last.clone()) == undocumented(schema_json(contract));
        if versions.values().next_back().is_some_and(same) {
            return;
        }
        let stem = format!("{FOLDER}/{topic}.v{}", versions.len() + 1);
        let line = |(name, example): (String, Value)| {
            let datum = contract.encode(&read::<E>(&name, &example));
            format!("{name} {}\n", hex::encode(datum))
        };
        let lines: String = examples(topic).into_iter().map(line).collect();
        fs::write(path(&format!("{stem}.avsc")), contract.text()).unwrap();
        fs::write(path(&format!("{stem}.hex")), lines).unwrap();
    }
    fs::create_dir_all(path(FOLDER)).unwrap();
    for_each_event!(keep);
}
