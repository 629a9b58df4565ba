//! `schemas/README.md`, the page for consumers, says what is so.

use std::{collections::BTreeMap, fs};

use schemas::{CloudEvent, Timestamp, Topic, header};

use crate::{avsc, path};

fn page() -> String {
    fs::read_to_string(path("README.md")).unwrap()
}

/// The cells of each row of a table, as they are written.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect())
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page
        .find(heading)
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let rest = &page[start + heading.len()..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

#[test]
fn the_consumers_are_those_that_are_tried() {
    let page = page();
    for (language, file) in [("python", "consumer.py"), ("java", "Follow.java")] {
        let program = fs::read_to_string(path(&format!("../tests/readers/{file}"))).unwrap();
        assert!(
            page.contains(&format!("\n```{language}\n{program}```\n")),
            "{file} differs"
        );
    }
}

#[test]
fn every_topic_is_there_with_its_retention() {
    let page = page();
    let mut topics = Topic::ALL.into_iter();
    for row in rows(section(&page, "\n## Topics")).filter(|row| row[0].starts_with('`')) {
        let topic = topics.next().expect("no more topics");
        assert_eq!(code(row[0]), [topic.name("idtrail")]);
        assert_eq!(
            row[3],
            format!("{} days", topic.retention_days()),
            "{topic}"
        );
    }
    assert_eq!(topics.next(), None);
}

#[test]
fn every_header_is_there_in_the_order_of_writing() {
    let event = CloudEvent {
        id: String::new(),
        kind: String::new(),
        source: String::new(),
        subject: Some(String::new()),
        time: Timestamp::from_micros(0),
        content_type: "application/avro",
    };
    let headers = event.headers().into_iter();
    let mut written: Vec<String> = headers.map(|(name, _)| name.into_owned()).collect();
    // The codec adds it where a trace is known.
    written.push(header::TRACEPARENT.to_owned());
    let page = page();
    let section = section(&page, "\n## A record");
    let told: Vec<&str> = rows(section)
        .map(|row| row[0])
        .filter(|cell| cell.starts_with('`'))
        .collect();
    written.sort_unstable();
    let mut sorted: Vec<&str> = told.iter().flat_map(|cell| code(cell)).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, written);
    for name in [
        header::PROVIDER,
        header::KIND,
        header::PEER,
        header::RECEIVED_AT,
        header::REQUEST_ID,
        header::SHA256,
        header::REFUSED,
        header::REPLAY_OF,
        header::REPLAYED_BY,
    ] {
        assert!(section.contains(&format!("`{name}`")), "{name}");
    }
}

/// Field and type of each record that the page explains, under a heading or a row of its name.
fn told(page: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut told: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut record = String::new();
    for line in section(page, "\n## Fields")
        .lines()
        .take_while(|line| *line != "### Words")
    {
        if let Some(name) = line.strip_prefix("### ") {
            name.clone_into(&mut record);
        } else if let Some(name) = line.strip_prefix("| **`") {
            name.split('`').next().unwrap().clone_into(&mut record);
        } else if let Some(row) = rows(line).find(|row| row[0].starts_with('`')) {
            let (field, kind) = (code(row[0])[0].to_owned(), code(row[1])[0].to_owned());
            told.entry(record.clone()).or_default().push((field, kind));
        }
    }
    told
}

#[test]
fn fields_and_types_are_those_of_the_contracts() {
    let page = page();
    let mut told = told(&page);
    for (name, places) in avsc::definitions() {
        let fields = avsc::fields(&places[0]);
        if fields.is_empty() {
            continue;
        }
        let ours: Vec<_> = fields
            .iter()
            .map(|field| {
                (
                    field["name"].as_str().unwrap().to_owned(),
                    avsc::short(&field["type"]),
                )
            })
            .collect();
        assert_eq!(told.remove(&name), Some(ours), "{name}");
    }
    assert!(told.is_empty(), "not in any contract: {told:?}");
}

#[test]
fn words_are_those_of_the_contracts() {
    let page = page();
    let words = section(&page, "\n### Words");
    let mut told: BTreeMap<&str, Vec<&str>> = rows(words)
        .filter(|row| row[0].starts_with('`'))
        .map(|row| (code(row[0])[0], code(row[1])))
        .collect();
    for (name, places) in avsc::definitions() {
        if places[0]["type"] == "enum" {
            assert_eq!(
                told.remove(name.as_str()),
                Some(avsc::symbols(&places[0])),
                "{name}"
            );
        }
    }
    assert!(told.is_empty(), "not in any contract: {told:?}");
}
