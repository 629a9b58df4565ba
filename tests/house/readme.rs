//! Every crate says what it is, and the services say the same things in the same order.

use super::{files, hold};

const SERVICES: [&str; 4] = ["ingest", "enrich", "notify", "audit"];
const HEADINGS: [&str; 5] = [
    "What it decides",
    "Topics",
    "What is retried",
    "What is rejected",
    "Settings",
];
/// Below this a text is a placeholder.
const MIN_WORDS: usize = 30;

#[test]
fn every_crate_has_a_readme() {
    let files = files::all();
    let manifests = files
        .iter()
        .filter_map(|file| file.path.strip_suffix("Cargo.toml"));
    hold(manifests.flat_map(|folder| {
        let path = format!("{folder}README.md");
        let name = folder
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .filter(|name| !name.is_empty())
            .unwrap_or("idtrail");
        match files.iter().find(|file| file.path == path) {
            Some(file) => empty_readme(&path, name, &file.text),
            None => vec![format!(
                "{path} is missing: write what the crate knows and what it does not"
            )],
        }
    }));
}

#[test]
fn the_services_answer_the_same_questions() {
    hold(SERVICES.iter().filter_map(|service| {
        let path = format!("{service}/README.md");
        unanswered(&path, &files::read(&path))
    }));
}

fn empty_readme(path: &str, name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.lines().next() != Some(&format!("# {name}")) {
        faults.push(format!("{path}: begin with the line `# {name}`"));
    }
    let words = text.split_whitespace().count();
    if words < MIN_WORDS {
        faults.push(format!(
            "{path} has {words} words: write what the crate knows and what it does not"
        ));
    }
    faults
}

fn unanswered(path: &str, text: &str) -> Option<String> {
    let headings: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::trim)
        .collect();
    let ours: Vec<&str> = headings
        .iter()
        .copied()
        .filter(|heading| HEADINGS.contains(heading))
        .collect();
    (ours != HEADINGS).then(|| {
        let wanted = HEADINGS.map(|heading| format!("`## {heading}`")).join(", ");
        format!("{path} has {headings:?}: it needs {wanted}, each once and in this order; others may stand between")
    })
}

#[test]
fn a_readme_without_a_word_is_found() {
    let words = "word ".repeat(MIN_WORDS);
    assert_eq!(
        empty_readme("stage/README.md", "stage", &format!("# stage\n\n{words}")),
        Vec::<String>::new()
    );
    assert_eq!(
        empty_readme("stage/README.md", "stage", &format!("# Stage\n\n{words}")).len(),
        1
    );
    assert_eq!(
        empty_readme("stage/README.md", "stage", "# stage\n\nplaceholder\n").len(),
        1
    );
}

#[test]
fn an_unanswered_question_is_found() {
    let text = HEADINGS
        .map(|heading| format!("## {heading}\n\nText.\n"))
        .join("\n");
    assert_eq!(unanswered("a/README.md", &text), None);
    assert_eq!(
        unanswered("a/README.md", &format!("{text}\n## Limits\n")),
        None
    );
    assert!(unanswered("a/README.md", &text.replace("## Topics", "### Topics")).is_some());
    assert!(unanswered("a/README.md", &text.replace("Topics", "Settings")).is_some());
    let turned =
        "## Settings\n## What is rejected\n## What is retried\n## Topics\n## What it decides\n";
    assert!(unanswered("a/README.md", turned).is_some());
}
