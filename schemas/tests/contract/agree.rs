//! Type = schema, both ways: the same records, fields, orders and words; and what every schema must have.

use std::collections::BTreeMap;

use schemas::{
    Audience, Audited, Checked, CommissionOwner, Confirmation, Enriched, Finding, FindingCode,
    FoundBy, Generation, Kind, NoticeOutcome, Notified, Operated, Outcome, Party, Position,
    ProbableCause, RawPointer, Refusal, Rejected, Stage,
};
use serde::de::{DeserializeOwned, Deserializer, Visitor, value::Error};
use serde_json::Value;

use crate::{avsc, contracts};

/// A deserializer that holds no data: it only hears for which names the type asks.
struct Ask<'a>(&'a mut (&'static str, &'static [&'static str]));

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("asked"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = (name, fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = (name, words);
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

fn asked<T: DeserializeOwned>() -> (String, Vec<&'static str>) {
    let mut heard = ("", &[][..]);
    assert!(T::deserialize(Ask(&mut heard)).is_err());
    (heard.0.to_owned(), heard.1.to_vec())
}

/// Our records: name and fields, as the types have them.
fn records() -> BTreeMap<String, Vec<&'static str>> {
    BTreeMap::from([
        asked::<Checked>(),
        asked::<Finding>(),
        asked::<RawPointer>(),
        asked::<Enriched>(),
        asked::<Party>(),
        asked::<CommissionOwner>(),
        asked::<Notified>(),
        asked::<Position>(),
        asked::<Audited>(),
        asked::<Rejected>(),
        asked::<Operated>(),
    ])
}

/// Our words, as the enums have them.
fn words() -> BTreeMap<String, Vec<&'static str>> {
    macro_rules! words {
        ($($word:ident),+) => {
            BTreeMap::from([$({
                let all: Vec<_> = $word::ALL.iter().map(|word| word.as_str()).collect();
                assert_eq!(asked::<$word>(), (stringify!($word).to_owned(), all.clone()), "serde and `ALL` differ");
                assert_eq!($word::default().as_str(), *all.last().unwrap());
                (stringify!($word).to_owned(), all)
            }),+])
        };
    }
    words!(
        Audience,
        Confirmation,
        FindingCode,
        FoundBy,
        Generation,
        Kind,
        NoticeOutcome,
        Outcome,
        ProbableCause,
        Refusal,
        Stage
    )
}

#[test]
fn types_and_schemas_have_the_same_names_in_the_same_order() {
    let (mut records, mut enums) = (records(), words());
    for (name, places) in avsc::definitions() {
        let ours = if places[0]["type"] == "record" {
            &mut records
        } else {
            &mut enums
        };
        let ours = ours
            .remove(&name)
            .unwrap_or_else(|| panic!("no type for {name}"));
        for definition in &places {
            let theirs: Vec<&str> = if definition["type"] == "record" {
                avsc::fields(definition)
                    .iter()
                    .map(|field| field["name"].as_str().unwrap())
                    .collect()
            } else {
                avsc::symbols(definition)
            };
            assert_eq!(ours, theirs, "{name}");
        }
    }
    assert!(
        records.is_empty() && enums.is_empty(),
        "in no schema: {records:?} {enums:?}"
    );
}

/// A consumer that makes one class of each name could not hold two definitions.
#[test]
fn a_name_means_the_same_in_every_contract() {
    for (name, places) in avsc::definitions() {
        for definition in &places {
            assert_eq!(definition, &places[0], "{name}");
        }
    }
}

#[test]
fn everything_is_explained() {
    let explained = |what: &Value| what["doc"].as_str().is_some_and(|doc| doc.ends_with('.'));
    for (name, places) in avsc::definitions() {
        for definition in places {
            assert!(
                explained(&Value::Object(definition.clone())),
                "{name}: a sentence as doc"
            );
            for field in avsc::fields(&definition) {
                assert!(
                    explained(field),
                    "{name}.{}: a sentence as doc",
                    field["name"]
                );
            }
        }
    }
}

/// Else a later version could neither drop a field nor add a word.
#[test]
fn whatever_may_be_missing_has_a_default() {
    for (name, places) in avsc::definitions() {
        for definition in places {
            if definition["type"] == "enum" {
                let last = *avsc::symbols(&definition).last().unwrap();
                assert_eq!(
                    definition["default"], last,
                    "{name}: the last word stands for unknown ones"
                );
            }
            for field in avsc::fields(&definition) {
                let Some(branches) = field["type"].as_array() else {
                    continue;
                };
                assert!(
                    branches.len() == 2 && branches[0] == "null",
                    "{name}.{}",
                    field["name"]
                );
                assert!(
                    field.get("default").is_some_and(Value::is_null),
                    "{name}.{}",
                    field["name"]
                );
            }
        }
    }
}

#[test]
fn subjects_types_and_namespaces_follow_from_the_topic() {
    for (topic, contract) in contracts() {
        let name = contract.schema().name().unwrap();
        assert_eq!(name.name().to_lowercase(), topic.as_str());
        assert_eq!(name.namespace(), Some("idtrail"));
        assert_eq!(topic.subject("p"), format!("p.{topic}-value"));
    }
}
