//! The rules of the house, each held by a test that says what to do. `CONTRIBUTING.md` has them in short.
//!
//! A checker is a function of text, and beside it stands the small bad sample that it must not let through. The files
//! of this folder name what they forbid, so the rules about words pass them by.

mod alarms;
mod contract;
mod dependencies;
mod files;
mod mentions;
mod readme;
mod release;
mod shape;
mod words;

/// Fails with everything that was found, so that one run shows it all.
fn hold(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(
        faults.is_empty(),
        "{} broken:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
