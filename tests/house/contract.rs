//! Every event has its Avro schema and its Rust file, and no schema stands there without an event.

use schemas::{AnyEvent, Topic};

use super::{files, hold};

const AVRO: &str = "schemas/avro/";

#[test]
fn every_event_has_its_schema_and_its_type() {
    let events: Vec<&str> =
        Topic::ALL.into_iter().filter(|topic| AnyEvent::contract(*topic).is_some()).map(Topic::as_str).collect();
    assert!(!events.contains(&Topic::Raw.as_str()), "raw is the body as it came, never Avro");
    let files = files::all();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    hold(unpaired(&events, &paths));
}

fn unpaired(events: &[&str], paths: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for event in events {
        for path in [format!("{AVRO}{event}.avsc"), format!("schemas/src/{event}.rs")] {
            if !paths.contains(&path.as_str()) {
                faults.push(format!("the event `{event}` lacks {path}: schema and type are both written by hand"));
            }
        }
    }
    for name in paths.iter().filter_map(|path| path.strip_prefix(AVRO)) {
        // An older version is kept as `checked.v1.avsc`, because records of it are still in the topics.
        let event = name.split('.').next().unwrap_or_default();
        if !events.contains(&event) {
            faults.push(format!("{AVRO}{name} belongs to no event: add it to `Topic` and `AnyEvent`, or take it away"));
        }
    }
    faults
}

#[test]
fn an_event_without_schema_and_a_schema_without_event_are_found() {
    let whole = ["schemas/avro/checked.avsc", "schemas/avro/checked.v1.avsc", "schemas/src/checked.rs"];
    assert_eq!(unpaired(&["checked"], &whole), Vec::<String>::new());
    assert_eq!(unpaired(&["checked"], &whole[1..]).len(), 1);
    assert_eq!(unpaired(&["checked"], &whole[..2]).len(), 1);
    assert_eq!(unpaired(&[], &whole).len(), 2);
}
