//! The whole pipeline: told callbacks a second from POST to audited, and where the CPU goes.

use std::time::{Duration, Instant};

use crate::{load, system::System};

/// Entries that one told callback leaves in the history: raw, checked, enriched and two notices.
const ENTRIES: usize = 5;
const SERVICES: [&str; 5] = ["ingest", "validate", "enrich", "notify", "audit"];

/// Measures both kinds.
pub(crate) async fn run(posts: usize, kind: Option<&str>) {
    for (name, real) in [("real", true), ("embedded", false)] {
        if kind.is_none_or(|kind| kind == name) {
            measure(name, real, posts).await;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn measure(name: &str, real: bool, posts: usize) {
    let Some(system) = System::start(real, &SERVICES, &[("NOTIFY__CHANNEL", "discard")]).await
    else {
        return;
    };
    // A fresh broker takes twice as much for each record, until its code is compiled.
    println!("pipeline {name}: warming with {posts} callbacks");
    load::flood(system.door, "warm", 48, posts, Duration::from_mins(5)).await;
    let warm = posts * ENTRIES;
    settle(&system, warm).await;
    let before = system.cpu();
    let begun = Instant::now();
    let outcome = load::flood(system.door, "run", 48, posts, Duration::from_mins(5)).await;
    let posted = begun.elapsed();
    settle(&system, warm + outcome.accepted * ENTRIES).await;
    let took = begun.elapsed();
    // What is left to it is work that the figures do not have in them.
    let (reconciled, entries) = system.reconciled().await;
    println!("pipeline {name}: the reconciler has counted {reconciled} of {entries} entries");
    println!(
        "pipeline {name}: {} told callbacks in {:.1} s from first POST to last audited = {:.0}/s (posted in {:.1} s, {} refused)",
        outcome.accepted,
        took.as_secs_f64(),
        outcome.accepted as f64 / took.as_secs_f64(),
        posted.as_secs_f64(),
        outcome.refused,
    );
    let after = system.cpu();
    for (process, seconds) in &after {
        let spent = seconds - before.get(process).copied().unwrap_or(0.0);
        println!(
            "pipeline {name}:   {process:<15} {:>6.1} µs CPU per callback",
            spent * 1e6 / outcome.accepted.max(1) as f64
        );
    }
}

/// Waits until the history holds so many entries.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn settle(system: &System, entries: usize) {
    let begun = Instant::now();
    let mut told = 0;
    loop {
        let have = system.metric("audit", "idtrail_audit_appends_total").await;
        if have >= entries as f64 {
            return;
        }
        if begun.elapsed() > Duration::from_mins(5) {
            println!("the history holds {have} of {entries} entries after 5 minutes");
            return;
        }
        let seconds = begun.elapsed().as_secs();
        if seconds > told {
            told = seconds;
            println!("pipeline:   {}", progress(system).await);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many records each stage has finished, so that a tail shows who is behind.
async fn progress(system: &System) -> String {
    let mut parts = Vec::new();
    for service in ["validate", "enrich", "notify", "audit"] {
        let label = format!("stage=\"{service}\"");
        let done = system
            .labelled(service, "idtrail_records_processed_total", &label)
            .await;
        parts.push(format!("{service} {done:.0}"));
    }
    parts.join(", ")
}
