//! The contracts: that types, schemas, examples, kept versions and the page for consumers agree.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{fs, path::PathBuf};

use apache_avro::{
    Schema, reader::datum::GenericDatumReader, types::Value as Datum,
    writer::datum::GenericDatumWriter,
};
use schemas::{AnyEvent, Contract, Event, Topic};
use serde_json::Value;

mod agree;
mod avsc;
mod breaking;
mod constructors;
mod doubt;
mod evolve;
mod examples;
mod identity;
mod kept;
mod page;
mod personal;
mod readers;

/// Runs a generic check once for every Avro event.
macro_rules! for_each_event {
    ($check:ident $(, $with:expr)?) => {{
        $check::<schemas::Checked>($($with)?);
        $check::<schemas::Enriched>($($with)?);
        $check::<schemas::Notified>($($with)?);
        $check::<schemas::Audited>($($with)?);
        $check::<schemas::Rejected>($($with)?);
        $check::<schemas::Operated>($($with)?);
    }};
}
pub(crate) use for_each_event;

/// The topics that hold Avro, with their contracts.
fn contracts() -> impl Iterator<Item = (Topic, &'static Contract)> {
    Topic::ALL
        .into_iter()
        .filter_map(|topic| Some((topic, AnyEvent::contract(topic)?)))
}

/// A path below `schemas/`.
fn path(below: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), below].iter().collect()
}

/// The files of a folder below `schemas/` that end like this, by name: stem and text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(path(folder))
        .unwrap_or_else(|error| panic!("schemas/{folder}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let stem = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            Some((stem, fs::read_to_string(&path).unwrap()))
        })
        .collect();
    files.sort();
    files
}

/// The examples of an event: name and JSON.
fn examples(topic: Topic) -> Vec<(String, Value)> {
    let parse = |(name, text): (String, String)| {
        let json =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{topic}/{name}: {error}"));
        (name, json)
    };
    files(&format!("examples/{topic}"), ".json")
        .into_iter()
        .map(parse)
        .collect()
}

/// An example as its event.
fn read<E: Event>(name: &str, json: &Value) -> E {
    serde_json::from_value(json.clone())
        .unwrap_or_else(|error| panic!("{}/{name}.json: {error}", E::TOPIC))
}

/// An event as JSON.
fn json<E: Event>(event: &E) -> Value {
    serde_json::to_value(event).unwrap()
}

/// The schema of a contract as JSON, to be changed.
fn schema_json(contract: &Contract) -> Value {
    serde_json::from_str(contract.text()).unwrap()
}

fn parse(schema: &Value) -> Schema {
    Schema::parse_str(&schema.to_string()).unwrap()
}

/// What a datum holds when it is read with another schema than it was written with, as Avro libraries resolve it.
fn resolved(datum: &[u8], writer: &Schema, reader: &Schema) -> Datum {
    GenericDatumReader::builder(writer)
        .reader_schema(reader)
        .build()
        .unwrap()
        .read_value(&mut &*datum)
        .unwrap()
}

fn written(value: Datum, schema: &Schema) -> Vec<u8> {
    GenericDatumWriter::builder(schema)
        .build()
        .unwrap()
        .write_value_to_vec(value)
        .unwrap()
}
