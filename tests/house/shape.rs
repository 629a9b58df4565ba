//! How long a file may be, and how it begins.

use super::{files, hold};

/// What one reads in a sitting; the healthiest models of this field stay below it.
const MAX_LINES: usize = 300;

#[test]
fn every_file_of_rust_is_short_and_says_what_it_is() {
    let files = files::all();
    hold(
        files
            .iter()
            .filter(|file| file.is_rust())
            .flat_map(|file| misshapen(&file.path, &file.text)),
    );
}

fn misshapen(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!(
            "{path} has {lines} lines, {MAX_LINES} at most: move out what can be named"
        ));
    }
    let first = text.lines().next().unwrap_or_default();
    if !["//! ", "#![doc = "]
        .iter()
        .any(|beginning| first.starts_with(beginning))
    {
        faults.push(format!(
            "{path}: begin the first line with `//! ` and one sentence on what is decided here"
        ));
    }
    faults
}

#[test]
fn a_long_or_silent_file_is_found() {
    assert_eq!(
        misshapen("a.rs", &format!("//! A.\n{}", "\n".repeat(299))),
        Vec::<String>::new()
    );
    assert_eq!(
        misshapen("a.rs", &format!("//! A.\n{}", "\n".repeat(300))).len(),
        1
    );
    assert_eq!(
        misshapen("lib.rs", "#![doc = include_str!(\"../README.md\")]\n"),
        Vec::<String>::new()
    );
    for silent in ["use std::fs;\n", "\n//! A.\n", "// A.\n", ""] {
        assert_eq!(misshapen("a.rs", silent).len(), 1, "{silent:?}");
    }
}
