//! Walking over the text of a schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{contracts, schema_json};

/// Calls `visit` for every record and enum of a schema, what is nested first.
pub(crate) fn walk(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Array(branches) => branches.iter_mut().for_each(|branch| walk(branch, visit)),
        Value::Object(definition) => match definition["type"].as_str() {
            Some("record") => {
                for field in definition["fields"].as_array_mut().unwrap() {
                    walk(&mut field["type"], visit);
                }
                visit(definition);
            }
            Some("enum") => visit(definition),
            Some("array") => walk(&mut definition["items"], visit),
            _ => {}
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every record and enum of all contracts, by name, with each place's definition of it.
pub(crate) fn definitions() -> BTreeMap<String, Vec<Map<String, Value>>> {
    let mut all: BTreeMap<String, Vec<Map<String, Value>>> = BTreeMap::new();
    for (_, contract) in contracts() {
        walk(&mut schema_json(contract), &mut |definition| {
            // Only the outermost record says the namespace; the others inherit it.
            let mut definition = definition.clone();
            definition.remove("namespace");
            let name = definition["name"].as_str().unwrap().to_owned();
            all.entry(name).or_default().push(definition);
        });
    }
    for definition in all.values_mut().flatten() {
        if let Some(Value::Array(fields)) = definition.get_mut("fields") {
            for field in fields {
                walk(&mut field["type"], &mut |nested| {
                    nested.remove("namespace");
                });
            }
        }
    }
    all
}

/// The fields of a record.
pub(crate) fn fields(record: &Map<String, Value>) -> &[Value] {
    record
        .get("fields")
        .map_or(&[], |fields| fields.as_array().unwrap())
}

/// The words of an enum.
pub(crate) fn symbols(definition: &Map<String, Value>) -> Vec<&str> {
    let symbols = definition["symbols"].as_array().unwrap();
    symbols
        .iter()
        .map(|symbol| symbol.as_str().unwrap())
        .collect()
}

/// A type as the page for consumers writes it: `string?`, `[Finding]`, `time`.
pub(crate) fn short(schema: &Value) -> String {
    if let Some(name) = schema.as_str() {
        return name.to_owned();
    }
    if let Some(branches) = schema.as_array() {
        return format!("{}?", short(&branches[1]));
    }
    let text = |key: &str| schema[key].as_str();
    match (text("type"), text("logicalType")) {
        (_, Some("timestamp-micros")) => "time".to_owned(),
        (_, Some(logical)) => logical.to_owned(),
        (Some("array"), None) => format!("[{}]", short(&schema["items"])),
        _ => text("name").unwrap().to_owned(),
    }
}
