//! Every example goes through its type, the wire format and back; together they show every odd case.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use schemas::{
    AnyEvent, Audience, Checked, Confirmation, Contract, Enriched, Event, FindingCode, FoundBy,
    Generation, Kind, NoticeOutcome, Notified, Outcome, Refusal, Rejected, Stage, Topic,
};
use serde_json::Value;

use crate::{examples, for_each_event, json, read};

fn survives<E: Event + PartialEq + Debug>() {
    let contract = E::contract();
    for (name, example) in examples(E::TOPIC) {
        let event: E = read(&name, &example);
        let datum = contract.encode(&event);
        let value = schemas::frame(7, &datum);
        let (id, unframed) = schemas::unframe(Some(&value)).unwrap();
        assert_eq!((id, unframed), (7, &*datum));
        let decoded: E = contract.decode(contract.schema(), unframed).unwrap();
        assert_eq!(decoded, event, "{}/{name}", E::TOPIC);
        assert_eq!(json(&decoded), example, "{}/{name}", E::TOPIC);
        let any = AnyEvent::decode(E::TOPIC, contract.schema(), unframed).unwrap();
        assert_eq!(
            serde_json::to_value(&any).unwrap(),
            example,
            "{}/{name}",
            E::TOPIC
        );
    }
}

#[test]
fn every_example_survives_the_wire() {
    for_each_event!(survives);
}

/// What the examples hold at each path of fields; elements of a list share one.
fn seen<E: Event>() -> BTreeMap<String, BTreeSet<String>> {
    fn note(path: &str, value: &Value, seen: &mut BTreeMap<String, BTreeSet<String>>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                note(&format!("{path}.{name}"), value, seen);
            }),
            Value::Array(items) => {
                seen.entry(format!("{path}#"))
                    .or_default()
                    .insert(items.len().min(2).to_string());
                for item in items {
                    note(path, item, seen);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                seen.entry(path.to_owned()).or_default().insert(text);
            }
        }
    }
    let mut all = BTreeMap::new();
    for (_, example) in examples(E::TOPIC) {
        note("", &example, &mut all);
    }
    all
}

#[test]
fn examples_show_every_word() {
    fn shown<E: Event>(path: &str, words: impl Iterator<Item = &'static str>) {
        let seen = seen::<E>();
        for word in words {
            assert!(
                seen[path].contains(word),
                "no example of {}{path} = {word}",
                E::TOPIC
            );
        }
    }
    macro_rules! words {
        ($($word:ident),+) => { ($($word::ALL.iter().map(|word| word.as_str()),)+) };
    }
    let (outcomes, kinds, generations, codes) = words!(Outcome, Kind, Generation, FindingCode);
    shown::<Checked>(".outcome", outcomes);
    shown::<Checked>(".kind", kinds.chain(["null"]));
    shown::<Checked>(".generation", generations);
    shown::<Checked>(".reasons.code", codes);
    let (confirmations, found) = words!(Confirmation, FoundBy);
    shown::<Enriched>(".confirmation", confirmations);
    shown::<Enriched>(
        ".commission_owner.found_by",
        found.filter(|word| *word != "reference"),
    );
    let (audiences, ends, stages) = words!(Audience, NoticeOutcome, Stage);
    shown::<Notified>(".audience", audiences);
    shown::<Notified>(".outcome", ends);
    shown::<Rejected>(".stage", stages);
}

#[test]
fn examples_show_what_is_null_and_what_is_not() {
    fn optional(contract: &Contract) -> usize {
        contract.text().matches("[\"null\"").count()
    }
    fn both<E: Event>() {
        let mut seen = seen::<E>();
        // What `enriched` holds of `checked` is shown there.
        seen.retain(|path, _| !path.starts_with(".checked."));
        for (path, values) in &seen {
            // A record that may be missing stands with its fields, or as null.
            let nested = seen
                .keys()
                .any(|other| other.starts_with(&format!("{path}.")));
            let null = values.contains("null");
            assert!(
                !null || nested || values.len() > 1,
                "{}{path} is null in every example",
                E::TOPIC
            );
        }
        let nullable = seen
            .values()
            .filter(|values| values.contains("null"))
            .count();
        let optional = optional(E::contract())
            - usize::from(E::TOPIC == Topic::Enriched) * optional(Checked::contract());
        assert_eq!(
            nullable,
            optional,
            "{}: a field that may be null is so in some example",
            E::TOPIC
        );
    }
    for_each_event!(both);
    assert_eq!(
        seen::<Checked>()[".reasons#"],
        BTreeSet::from(["0", "1", "2"].map(str::to_owned))
    );
}

#[test]
fn every_reason_survives_the_wire() {
    let (name, mut example) = examples(Rejected::TOPIC).swap_remove(0);
    for reason in Refusal::ALL {
        example["reason"] = reason.as_str().into();
        example["probable_cause"] = reason.probable_cause().as_str().into();
        let rejected: Rejected = read(&name, &example);
        let contract = Rejected::contract();
        let decoded: Rejected = contract
            .decode(contract.schema(), &contract.encode(&rejected))
            .unwrap();
        assert_eq!(
            (decoded.reason(), decoded.probable_cause()),
            (*reason, reason.probable_cause())
        );
    }
}
