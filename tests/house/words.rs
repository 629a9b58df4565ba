//! Words and names that stand nowhere.

use super::{files, hold};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 10] = [
    "common", "util", "utils", "core", "helper", "helpers", "misc", "types", "prelude", "base",
];
/// Words of what is not done yet.
const UNDONE: [&str; 4] = ["TODO", "FIXME", "todo!", "unimplemented!"];
/// Folders that only one machine has.
const MACHINES: [&str; 4] = ["/work/", "/root/", "/home/", "/Users/"];

#[test]
fn files_and_folders_are_named_for_what_they_hold() {
    hold(
        files::all()
            .iter()
            .filter_map(|file| empty_names(&file.path)),
    );
}

#[test]
fn nothing_is_left_undone() {
    hold(lines(undone));
}

#[test]
fn no_path_of_one_machine_is_committed() {
    hold(lines(machine_paths));
}

#[test]
fn no_lint_is_silenced_without_notice() {
    hold(lines(silenced));
}

/// What a checker says of each line of each file.
fn lines(check: fn(&str) -> Option<&'static str>) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files::all().iter().filter(|file| !file.is_rule()) {
        for (number, line) in file.text.lines().enumerate() {
            faults
                .extend(check(line).map(|fault| format!("{}:{}: {fault}", file.path, number + 1)));
        }
    }
    faults
}

fn empty_names(path: &str) -> Option<String> {
    let stem = |part: &str| {
        part.split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    if path.rsplit('/').next() == Some("mod.rs") {
        return Some(format!(
            "{path}: name the module file after its folder, `foo.rs` beside `foo/`"
        ));
    }
    let empty = path
        .split('/')
        .map(stem)
        .find(|stem| EMPTY_NAMES.contains(&stem.as_str()))?;
    Some(format!(
        "{path}: `{empty}` says nothing; name it for a thing that one can point at"
    ))
}

fn undone(line: &str) -> Option<&'static str> {
    let found = UNDONE.iter().any(|word| stands_alone(line, word));
    found.then_some("do it now, or leave it out and say so in an issue")
}

fn machine_paths(line: &str) -> Option<&'static str> {
    let begins = |at: usize| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-~}*".contains(before))
    };
    let found = MACHINES
        .iter()
        .any(|folder| line.match_indices(folder).any(|(at, _)| begins(at)));
    found.then_some("this path is that of one machine; make it relative, or a setting")
}

fn silenced(line: &str) -> Option<&'static str> {
    let found = line.contains("#[allow(") || line.contains("#![allow(");
    found.then_some(
        "write `#[expect(…, reason = \"…\")]`, which complains once it is no longer needed",
    )
}

fn stands_alone(line: &str, word: &str) -> bool {
    let joins = |character: char| character.is_ascii_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let after = &line[at + word.len()..];
        !line[..at].ends_with(joins) && (word.ends_with('!') || !after.starts_with(joins))
    })
}

#[test]
fn an_empty_name_is_found() {
    let bad = [
        "stage/src/util.rs",
        "stage/src/common/keys.rs",
        "core/Cargo.toml",
        "src/helpers.py",
        "stage/src/broker/mod.rs",
    ];
    for path in bad {
        assert!(empty_names(path).is_some(), "{path}");
    }
    for path in [
        "stage/src/utility_bill.rs",
        "notify/src/model.rs",
        "schemas/src/word.rs",
    ] {
        assert_eq!(empty_names(path), None);
    }
}

#[test]
fn an_undone_word_is_found() {
    for line in [
        "// TODO: later",
        "    todo!()",
        "FIXME",
        "unimplemented!(\"x\")",
    ] {
        assert!(undone(line).is_some(), "{line}");
    }
    for line in ["todo = \"warn\"", "mktemp TODOS", "a to-do"] {
        assert_eq!(undone(line), None, "{line}");
    }
}

#[test]
fn a_path_of_one_machine_is_found() {
    for line in [
        "cd /work/project",
        "\"/root/.cargo\"",
        "see (/home/me/x)",
        "file:///home/me",
    ] {
        assert!(machine_paths(line).is_some(), "{line}");
    }
    for line in [
        "https://crm.example/home/1",
        "$DIR/work/x",
        "homework/",
        "/workspace",
    ] {
        assert_eq!(machine_paths(line), None, "{line}");
    }
}

#[test]
fn a_silenced_lint_is_found() {
    assert!(silenced("#![allow(dead_code)]").is_some());
    assert!(silenced("    #[allow(clippy::all)]").is_some());
    assert_eq!(silenced("#[expect(dead_code, reason = \"shown\")]"), None);
}
