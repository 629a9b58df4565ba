//! What an import holds, and that its examples are true.

use super::*;
use crate::demo_import;

mod refusing;

const README: &str = include_str!("../../README.md");
const DEMO: &str = include_str!("../../demo.json");

/// The one block of this language in the README.
fn example(language: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let (_, after) = README.split_once(&fence).unwrap();
    let (block, _) = after.split_once("```").unwrap();
    assert!(!block.is_empty());
    block
}

fn csv(rows: &str) -> Result<Import, ImportError> {
    Import::parse("x.csv", rows.as_bytes())
}

#[test]
fn the_examples_of_the_readme_say_the_same_and_are_the_demo() {
    let from_json = Import::parse("x.json", example("json").as_bytes()).unwrap();
    assert_eq!(csv(example("csv")).unwrap(), from_json);
    assert_eq!(from_json, demo_import());
}

#[test]
fn the_demo_has_a_client_with_an_active_owner_and_one_without() {
    let report = demo_import().report(true, String::new());
    assert_eq!(
        (report.accounts, report.accounts_without_active_owner),
        (2, 1)
    );
    assert!(demo_import().has_queue("q-admins"));
}

#[test]
fn the_name_says_what_a_file_is_and_else_its_first_character() {
    for name in ["x.json", "X.JSON", "x", "x.txt", ""] {
        assert!(Import::parse(name, DEMO.as_bytes()).is_ok(), "{name}");
    }
    for name in ["x.csv", "X.CSV", "x", "x.txt"] {
        assert!(
            Import::parse(name, example("csv").as_bytes()).is_ok(),
            "{name}"
        );
    }
    assert!(Import::parse("x.csv", DEMO.as_bytes()).is_err());
    assert!(Import::parse("x.json", example("csv").as_bytes()).is_err());
}

#[test]
fn a_file_is_read_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    std::fs::write(&path, DEMO).unwrap();
    assert_eq!(Import::from_path(&path), Ok(demo_import()));
    let missing = Import::from_path(&folder.path().join("missing.json"));
    assert_eq!(
        missing,
        Err(ImportError::File(std::io::ErrorKind::NotFound))
    );
}

#[test]
fn the_marks_that_spreadsheets_leave_do_no_harm() {
    let text = format!("\u{feff}{}", example("csv").replace('\n', "\r\n"));
    assert_eq!(csv(&text), Ok(demo_import()));
    let text = format!("\u{feff}{DEMO}");
    assert_eq!(
        Import::parse("x", text.as_bytes()),
        Ok(demo_import()),
        "JSON"
    );
}

#[test]
fn the_order_of_rows_means_nothing_but_for_owners() {
    let (header, rows) = example("csv").split_once('\n').unwrap();
    let is_owner = |row: &&str| row.starts_with("owner");
    let owners: Vec<&str> = rows.lines().filter(is_owner).collect();
    let mut others: Vec<&str> = rows.lines().filter(|row| !is_owner(row)).collect();
    others.reverse();
    let in_order =
        |owners: &[&str]| csv(&[&[header], owners, others.as_slice()].concat().join("\n"));
    assert_eq!(in_order(&owners), Ok(demo_import()));

    let turned: Vec<&str> = owners.iter().rev().copied().collect();
    let turned = in_order(&turned).unwrap();
    assert_eq!(turned.accounts[0].owners, ["u-sales-1", "u-sales-2"]);
    assert_ne!(turned.version(), demo_import().version());
}
