//! Every event has its Avro schema, a kept version of it, its Rust file and an example; no schema is without an event.

use schemas::{AnyEvent, Topic};

use super::{files, hold};

const AVRO: &str = "schemas/avro/";

#[test]
fn every_event_has_its_schema_and_its_type() {
    let events: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| AnyEvent::contract(*topic).is_some())
        .map(Topic::as_str)
        .collect();
    assert!(
        !events.contains(&Topic::Raw.as_str()),
        "raw is the body as it came, never Avro"
    );
    let files = files::all();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    hold(unpaired(&events, &paths));
}

fn unpaired(events: &[&str], paths: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for event in events {
        for beginning in [
            format!("{AVRO}{event}.avsc"),
            // Records of every version that was ever released are still in the topics.
            format!("{AVRO}versions/{event}.v1.avsc"),
            format!("schemas/src/{event}.rs"),
            format!("schemas/examples/{event}/"),
        ] {
            if !paths.iter().any(|path| path.starts_with(&beginning)) {
                faults.push(format!(
                    "the event `{event}` lacks {beginning}: see CONTRIBUTING.md"
                ));
            }
        }
    }
    for name in paths.iter().filter_map(|path| path.strip_prefix(AVRO)) {
        let event = name
            .trim_start_matches("versions/")
            .split('.')
            .next()
            .unwrap_or_default();
        if !events.contains(&event) {
            faults.push(format!("{AVRO}{name} belongs to no event: add it to `Topic` and `AnyEvent`, or take it away"));
        }
    }
    faults
}

#[test]
fn an_event_without_schema_and_a_schema_without_event_are_found() {
    let whole = [
        "schemas/avro/checked.avsc",
        "schemas/avro/versions/checked.v1.avsc",
        "schemas/src/checked.rs",
        "schemas/examples/checked/passed.json",
    ];
    assert_eq!(unpaired(&["checked"], &whole), Vec::<String>::new());
    for missing in 0..whole.len() {
        let rest: Vec<&str> = whole
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != missing)
            .map(|(_, path)| *path)
            .collect();
        assert_eq!(unpaired(&["checked"], &rest).len(), 1, "{rest:?}");
    }
    assert_eq!(unpaired(&[], &whole).len(), 2);
}
