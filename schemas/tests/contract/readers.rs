//! The consumers of the page, with a real broker and registry: what they print of each example is the example.
//! `tests/run` starts both; without them this is skipped.

use std::process::Command;

use crate::path;

#[test]
#[expect(
    clippy::print_stderr,
    reason = "a test that was skipped must not look like one that passed"
)]
fn both_consumers_read_every_example() {
    let parts =
        ["PYTHON", "KAFKA", "REGISTRY", "JAVA_CP"].map(|part| format!("IDTRAIL_TEST_{part}"));
    if let Some(missing) = parts.iter().find(|part| std::env::var_os(part).is_none()) {
        eprintln!("skipped: the consumers of the page ({missing} is not set)");
        return;
    }
    let python = std::env::var_os(&parts[0]).unwrap();
    let tried = Command::new(python)
        .arg(path("../tests/readers/try.py"))
        .output()
        .unwrap();
    assert!(
        tried.status.success(),
        "{}",
        String::from_utf8_lossy(&tried.stderr)
    );
}
