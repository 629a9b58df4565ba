//! The check of compatibility is only worth what it would catch.

use schemas::{Checked, Event};
use serde_json::{Value, json};

use crate::{kept::fully_compatible, parse, schema_json};

type Change = fn(&mut Value);

fn list<'a>(schema: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    schema[name].as_array_mut().unwrap()
}

fn place(schema: &Value, name: &str) -> usize {
    let fields = schema["fields"].as_array().unwrap();
    fields
        .iter()
        .position(|field| field["name"] == name)
        .unwrap()
}

fn field<'a>(schema: &'a mut Value, name: &str) -> &'a mut Value {
    let place = place(schema, name);
    &mut schema["fields"][place]
}

fn remove(schema: &mut Value, name: &str) {
    let place = place(schema, name);
    list(schema, "fields").remove(place);
}

fn without_default(field: &mut Value) {
    field.as_object_mut().unwrap().remove("default").unwrap();
}

fn compatible(today: &Value, change: Change) -> bool {
    let mut changed = today.clone();
    change(&mut changed);
    assert_ne!(&changed, today);
    fully_compatible(&parse(today), &parse(&changed))
}

#[test]
fn a_breaking_change_is_caught() {
    let breaking: [(&str, Change); 8] = [
        ("a new field without a default", |schema| {
            list(schema, "fields").push(json!({ "name": "new", "type": "string" }));
        }),
        ("one deep inside", |schema| {
            let raw = &mut field(schema, "raw")["type"];
            list(raw, "fields").push(json!({ "name": "new", "type": "string" }));
        }),
        ("a field gone that has no default", |schema| {
            remove(schema, "outcome");
        }),
        ("another name", |schema| {
            field(schema, "outcome")["name"] = json!("result");
        }),
        ("another type", |schema| {
            field(schema, "rank")["type"] = json!("long");
        }),
        ("null where there was none", |schema| {
            field(schema, "provider")["type"] = json!(["null", "string"]);
        }),
        ("no longer null", |schema| {
            let field = field(schema, "document_type");
            field["type"] = json!("string");
            without_default(field);
        }),
        ("a third branch", |schema| {
            field(schema, "document_type")["type"] = json!(["null", "string", "long"]);
        }),
    ];
    let today = schema_json(Checked::contract());
    for (what, change) in breaking {
        assert!(!compatible(&today, change), "{what}");
    }
}

#[test]
fn a_new_word_where_none_stands_for_it_is_caught() {
    let mut bare = schema_json(Checked::contract());
    without_default(&mut field(&mut bare, "outcome")["type"]);
    let grow: Change =
        |schema| list(&mut field(schema, "outcome")["type"], "symbols").push(json!("new"));
    assert!(!compatible(&bare, grow));
    assert!(compatible(&schema_json(Checked::contract()), grow));
}

#[test]
fn what_the_rules_allow_passes() {
    let harmless: [Change; 5] = [
        |schema| {
            list(schema, "fields").push(json!({ "name": "new", "type": "string", "default": "" }));
        },
        |schema| list(schema, "fields").reverse(),
        |schema| drop(list(&mut field(schema, "outcome")["type"], "symbols").remove(0)),
        |schema| remove(schema, "liveness"),
        |schema| remove(schema, "unknown_fields"),
    ];
    let today = schema_json(Checked::contract());
    assert!(
        harmless
            .into_iter()
            .all(|change| compatible(&today, change))
    );
}
