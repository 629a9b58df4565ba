//! `docs/threats.md` is made from `docs/threats.toml`, and every test that it names is there.

use std::{fmt::Write as _, path::Path, process::Command};

use serde::Deserialize;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SOURCE: &str = "docs/threats.toml";
const PAGE: &str = "docs/threats.md";
/// Rows of the list: `T01` to `T100`.
const ROWS: usize = 100;
/// Lines above a test among which its attributes stand.
const ATTRIBUTES: usize = 6;
const HEAD: &str = "# Threats

Made from [threats.toml](threats.toml); `cargo test --test world keep_the_threat_list -- --ignored` writes it. The list is
of the whole product. A date is that of the last change of the test beside it. *Open* names what is missing.

";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    threat: Vec<Threat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threat {
    id: String,
    #[serde(rename = "threat")]
    what: String,
    r#where: String,
    /// What stands against it here.
    #[serde(default)]
    stands: String,
    /// `path::name` of tests.
    #[serde(default)]
    proofs: Vec<String>,
    state: State,
    /// What is missing, or why it is not ours.
    #[serde(default)]
    note: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum State {
    Proved,
    Open,
    NotOurs,
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default()
}

fn list() -> Vec<Threat> {
    let list: List = toml::from_str(&text_of(SOURCE)).unwrap();
    list.threat
}

/// The lines of a test, counted from 1; none where the file has no such test.
fn lines_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = format!("fn {name}(");
    let first = lines.iter().position(|line| {
        let line = line.trim_start();
        line.starts_with(&begins)
            || line.starts_with(&format!("async {begins}"))
            || line.starts_with(&format!("pub(super) async {begins}"))
    })?;
    let is_attribute = |line: &&&str| line.trim_start().starts_with("#[");
    let above = &lines[first.saturating_sub(ATTRIBUTES)..first];
    let attributes = above.iter().rev().take_while(is_attribute);
    let mut attributes = attributes.map(|line| line.trim());
    let is_test = attributes.any(|line| line == "#[test]" || line.starts_with("#[tokio::test"));
    // The contract of the brokers makes tests of functions by their names.
    let is_listed = || text.contains("both!(") && text.contains(&format!("\n    {name},\n"));
    if !is_test && !is_listed() {
        return None;
    }
    let indent = lines[first].len() - lines[first].trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let length = lines[first..].iter().position(|line| *line == end)?;
    Some((first + 1, first + length + 1))
}

/// When a test was last changed, by the day.
fn date_of(proof: &str) -> String {
    let (path, name) = proof.split_once("::").unwrap();
    let (first, last) = lines_of(&text_of(path), name).unwrap();
    let output = Command::new("git")
        .args([
            "blame",
            "--line-porcelain",
            "-L",
            &format!("{first},{last}"),
            "--",
            path,
        ])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = said
        .lines()
        .filter_map(|line| line.strip_prefix("author-time ")?.parse::<i64>().ok());
    // A file that git does not know yet is as new as can be.
    let newest = seconds
        .max()
        .unwrap_or_else(|| stage::Clock::now(&stage::SystemClock).micros() / 1_000_000);
    time::OffsetDateTime::from_unix_timestamp(newest)
        .unwrap()
        .date()
        .to_string()
}

/// What is wrong with a row.
fn faults(number: usize, threat: &Threat) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(format!("{}: {what}", threat.id));
    if threat.id != format!("T{number:02}") {
        fault("the rows stand in their order, and none is missing");
    }
    if threat.what.is_empty() || threat.r#where.is_empty() {
        fault("say what the threat is, and where");
    }
    if threat.state == State::Proved && (threat.proofs.is_empty() || threat.stands.is_empty()) {
        fault("what is proved says what stands against it, and by which test");
    }
    if (threat.state == State::Proved) != threat.note.is_empty() {
        fault("`note` says what is missing, or why it is not ours, and nothing else");
    }
    for proof in &threat.proofs {
        let there = proof
            .split_once("::")
            .is_some_and(|(path, name)| lines_of(&text_of(path), name).is_some());
        if !there {
            fault(&format!("there is no test {proof}"));
        }
    }
    faults
}

fn page(list: &[Threat], date: impl Fn(&str) -> String) -> String {
    let mut page = HEAD.to_owned();
    let count = |state| list.iter().filter(|threat| threat.state == state).count();
    let (proved, open, other) = (
        count(State::Proved),
        count(State::Open),
        count(State::NotOurs),
    );
    writeln!(page, "{proved} proved, {open} open, {other} not ours.\n").unwrap();
    page.push_str("| | threat | where | what stands against it | tests | state |\n|---|---|---|---|---|---|\n");
    for threat in list {
        let tests: Vec<_> = threat
            .proofs
            .iter()
            .map(|proof| format!("`{proof}` {}", date(proof)))
            .collect();
        let state = match threat.state {
            State::Proved => "proved".to_owned(),
            State::Open => format!("open: {}", threat.note),
            State::NotOurs => format!("not ours: {}", threat.note),
        };
        let Threat {
            id,
            what,
            r#where,
            stands,
            ..
        } = threat;
        let tests = tests.join("<br>");
        writeln!(
            page,
            "| {id} | {what} | {where} | {stands} | {tests} | {state} |"
        )
        .unwrap();
    }
    page
}

/// The page without its dates: they follow from the history, which a shallow copy of it does not have.
fn undated(page: &str) -> String {
    let is_date = |word: &str| {
        word.len() == 10
            && word.bytes().filter(|byte| *byte == b'-').count() == 2
            && word
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_digit())
    };
    page.replace("<br>", " <br> ")
        .split(' ')
        .filter(|word| !is_date(word))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_threat_list_is_true() {
    let list = list();
    assert_eq!(list.len(), ROWS);
    let mut wrong: Vec<String> = list
        .iter()
        .enumerate()
        .flat_map(|(at, threat)| faults(at + 1, threat))
        .collect();
    wrong.extend(unlisted(&list));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        undated(&text_of(PAGE)),
        undated(&page(&list, |_| "2000-01-01".to_owned())),
        "{PAGE} is not that of {SOURCE}: cargo test --test world keep_the_threat_list -- --ignored"
    );
}

/// Tests named for a row that the row does not name.
fn unlisted(list: &[Threat]) -> Vec<String> {
    let mut missing = Vec::new();
    for path in files_below("tests/threats") {
        let text = text_of(&path);
        let names = text.split("fn t").skip(1);
        let names = names.filter_map(|rest| Some(format!("t{}", rest.split('(').next()?)));
        for name in names.filter(|name| lines_of(&text, name).is_some()) {
            let id = name.split('_').next().unwrap_or_default().to_uppercase();
            let proof = format!("{path}::{name}");
            let row = list.iter().find(|threat| threat.id == id);
            if row.is_some_and(|row| !row.proofs.contains(&proof)) {
                missing.push(format!("{id}: {SOURCE} does not name {proof}"));
            }
        }
    }
    missing
}

fn files_below(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap());
    paths
        .flat_map(|entry| {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
#[ignore = "writes docs/threats.md"]
fn keep_the_threat_list() {
    std::fs::write(Path::new(ROOT).join(PAGE), page(&list(), date_of)).unwrap();
}

#[test]
fn a_test_is_found_and_what_is_none_is_not() {
    let text = "#[test]\nfn one() {\n}\n\nfn two() {\n}\n    #[tokio::test]\n    async fn three() {\n        if x {\n        }\n    }\n";
    assert_eq!(lines_of(text, "one"), Some((2, 3)));
    assert_eq!(lines_of(text, "two"), None);
    assert_eq!(lines_of(text, "three"), Some((8, 11)));
    assert_eq!(lines_of(text, "thre"), None);
    assert_eq!(
        undated("`a` 2026-11-25<br>`b` 2026-01-01 |"),
        undated("`a` 2025-01-01<br>`b` 2025-01-02 |")
    );
    assert_ne!(undated("`a` 2026-11-25 |"), undated("`b` 2026-11-25 |"));
}
