//! Tables for people, one JSON object a line for programs.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Failure;

/// Whether text may be coloured: only on a terminal, and never where `NO_COLOR` is set.
#[expect(
    clippy::disallowed_methods,
    reason = "NO_COLOR is a convention of terminals, not a setting"
)]
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

/// Writes one line; the error is a reader that has gone away.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

/// Writes one JSON object as a line.
pub(crate) fn json(value: &impl serde::Serialize) -> std::io::Result<()> {
    let text = serde_json::to_string(value).map_err(std::io::Error::other)?;
    line(&text)
}

/// Writes a text as it is.
pub(crate) fn text(text: &str) -> std::io::Result<()> {
    write!(std::io::stdout().lock(), "{text}")
}

/// How far long work has come, on a terminal only.
pub(crate) fn progress(what: &str) -> Result<ProgressBar, Failure> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let template = format!("{{bar:40}} {{pos}}/{{len}} {what} {{per_sec}} {{eta}}");
    let style = ProgressStyle::with_template(&template).map_err(Failure::usage)?;
    Ok(ProgressBar::new(0).with_style(style))
}

/// Writes a note for people to stderr.
pub(crate) fn note(text: &str) {
    // Where stderr is closed there is nobody left to tell.
    let _unheard = writeln!(std::io::stderr().lock(), "{text}");
}

/// A table whose columns are as wide as they need to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let (bold, plain) = if colour() {
        ("\u{1b}[1m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    line(&format!("{bold}{}{plain}", padded(&head, &widths)))?;
    for row in rows {
        line(&padded(row, &widths))?;
    }
    Ok(())
}

fn padded(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}", width = *width))
        .collect();
    cells.join("  ").trim_end().to_owned()
}
