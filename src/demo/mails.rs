//! The messages of the story, as their recipients read them.

use std::path::Path;

use schemas::{AnyEvent, Audience, NoticeOutcome, Topic};

use super::{Failure, journey::Whole, output};

/// Shows every message; what is missing or too much comes back.
pub(super) fn show(folder: &Path, whole: &Whole) -> Result<Vec<String>, Failure> {
    let mut sent = 0;
    let mut alerts = 0;
    for event in whole.of(Topic::Notified) {
        if let AnyEvent::Notified(notified) = event
            && notified.outcome() == NoticeOutcome::Sent
        {
            sent += 1;
            alerts += usize::from(notified.audience() == Audience::Admins);
        }
    }
    let mut files: Vec<_> = std::fs::read_dir(folder.join("new"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        for line in text.lines() {
            let noise = [
                "Date:",
                "MIME-Version:",
                "Content-",
                "Auto-Submitted:",
                "Message-ID:",
                "From:",
                "X-",
                "References:",
            ];
            if !noise.iter().any(|name| line.starts_with(name)) {
                output::line(&format!("   | {line}"))?;
            }
        }
        output::line("")?;
    }
    let mut wrong = Vec::new();
    if files.len() != sent {
        wrong.push(format!(
            "{} messages are in the maildir, {sent} were recorded as sent",
            files.len()
        ));
    }
    if alerts != 2 {
        wrong.push(format!("{alerts} alerts for two kinds of refusal"));
    }
    Ok(wrong)
}
