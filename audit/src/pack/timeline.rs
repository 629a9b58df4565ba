//! The timeline of a pack: a page for people, made from the records and nothing else.

use std::fmt::Write as _;

use serde_json::Value;

use super::Record;

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The page.
pub(super) fn page(records: &[Record]) -> String {
    let mut rows = String::new();
    for record in records {
        let leaf: Value = serde_json::from_str(&record.leaf).unwrap_or_default();
        let body: Value = record
            .body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok())
            .unwrap_or_default();
        let step = match (&record.body, body["step"].as_str()) {
            (None, _) => "erased",
            (Some(_), step) => step.unwrap_or("entry"),
        };
        let source = leaf["o"].to_string();
        let event = ["/event/outcome", "/event/reason", "/event/event_id"]
            .iter()
            .filter_map(|pointer| body.pointer(pointer)?.as_str())
            .collect::<Vec<_>>()
            .join(" · ");
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            record.index,
            escaped(leaf["t"].as_str().unwrap_or_default()),
            escaped(step),
            escaped(&event),
            escaped(&source)
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Timeline</title>\n<style>body{{font:11pt/1.4 serif;margin:2em}}table{{border-collapse:collapse;width:100%}}th,td{{border-bottom:1px solid #999;padding:.2em .6em;text-align:left;vertical-align:top}}thead{{display:table-header-group}}tr{{break-inside:avoid}}@page{{margin:2cm}}</style></head>\n<body><h1>Timeline</h1>\n<p>{} records, oldest first. This page shows; <code>verify.html</code> beside it proves.</p>\n<table><thead><tr><th>Entry</th><th>Time (UTC)</th><th>Step</th><th>Result</th><th>Source</th></tr></thead><tbody>\n{rows}</tbody></table></body></html>\n",
        records.len()
    )
}
