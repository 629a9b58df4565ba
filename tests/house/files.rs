//! The files that are, or are about to be, committed.

use std::{path::Path, process::Command};

/// The folder of the workspace.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One file; what is no UTF-8 has an empty text.
pub(super) struct File {
    /// Its path from the root, with `/`.
    pub(super) path: String,
    /// What it holds.
    pub(super) text: String,
}

impl File {
    /// Whether it is Rust.
    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// Whether it names what is forbidden because it forbids it.
    pub(super) fn is_rule(&self) -> bool {
        self.path == "tests/house.rs" || self.path.starts_with("tests/house/")
    }

    /// Whether it holds tests only.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }
}

/// Every file that git knows or would take.
pub(super) fn all() -> Vec<File> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(ROOT)
        .output()
        .expect("the rules are about committed files, so this test needs git");
    assert!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = String::from_utf8(output.stdout).expect("every path of ours is UTF-8");
    let mut paths: Vec<&str> = listed.split_terminator('\0').collect();
    paths.sort_unstable();
    // In a merge a path stands there once for each side.
    paths.dedup();
    paths.into_iter().filter_map(file).collect()
}

/// The text of a file; empty where it is missing, which every checker takes for a fault.
pub(super) fn read(path: &str) -> String {
    file(path).map(|file| file.text).unwrap_or_default()
}

// Git still lists what was deleted and not yet committed.
fn file(path: &str) -> Option<File> {
    let bytes = std::fs::read(Path::new(ROOT).join(path)).ok()?;
    Some(File {
        path: path.to_owned(),
        text: String::from_utf8(bytes).unwrap_or_default(),
    })
}
