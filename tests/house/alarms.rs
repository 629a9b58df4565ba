//! Every number that `deploy/prometheus` names is one that the code tells, and every one that the code tells has its alarm.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, hold};

const FOLDER: &str = "deploy/prometheus/";
const RULES: &str = "deploy/prometheus/idtrail.rules.yml";
/// Numbers without an alarm, and why.
const QUIET: [(&str, &str); 11] = [
    (
        "idtrail_ingest_handshakes_failed_total",
        "scanners do it all day; where the provider does, its silence is the alarm",
    ),
    (
        "idtrail_ingest_strangers_well_formed_total",
        "three of one network are an alert of their own",
    ),
    (
        "idtrail_ingest_sources_reloaded_total",
        "it is what was wanted",
    ),
    (
        "idtrail_ingest_spool_drained_total",
        "it is what was wanted",
    ),
    (
        "idtrail_ingest_spool_set_aside_total",
        "the number that stands aside is alarmed on, which outlasts a restart",
    ),
    (
        "idtrail_ingest_spool_bytes",
        "the filled ratio is alarmed on",
    ),
    (
        "idtrail_notifications_pending",
        "the age of the oldest is alarmed on: a burst is no trouble",
    ),
    (
        "idtrail_notifications_resent_total",
        "a repeat after a crash, which does no harm",
    ),
    (
        "idtrail_notification_attempts_total",
        "the age of the oldest and what was given up are alarmed on",
    ),
    (
        "idtrail_audit_witness_failures_total",
        "one missed visit is none; the age is alarmed on",
    ),
    (
        "idtrail_audit_timestamp_failures_total",
        "one missed stamp is none; the age is alarmed on",
    ),
];

#[test]
fn every_number_of_deploy_is_told_and_every_number_that_is_told_has_its_alarm() {
    let files = files::all();
    let shipped = files
        .iter()
        .filter(|file| file.is_rust() && !file.is_test() && !file.path.starts_with("bench/"));
    let told: BTreeSet<&str> = shipped.flat_map(|file| told(&file.text)).collect();
    assert!(
        told.len() > 30,
        "the numbers of the code were not found: {told:?}"
    );
    let deployed = files.iter().filter(|file| file.path.starts_with(FOLDER));
    let named = deployed.map(|file| (file.path.as_str(), named(&file.text)));
    hold(unmatched(&told, &named.collect()));
}

#[test]
fn every_alarm_has_its_urgency_and_says_what_to_do() {
    hold(unfinished(&files::read(RULES)));
}

/// The numbers that a Rust text tells, by the macros that make them.
fn told(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for kind in ["counter!(", "gauge!(", "histogram!("] {
        for (at, _) in text.match_indices(kind) {
            let rest = text[at + kind.len()..].trim_start();
            let name = rest
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            names.extend(name.filter(|name| name.starts_with("idtrail_")));
        }
    }
    names
}

/// The numbers of ours that a text names, without what a histogram adds to its name.
fn named(text: &str) -> BTreeSet<String> {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    text.split(|letter| !is_letter(letter))
        .filter(|word| word.starts_with("idtrail_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

fn unmatched(told: &BTreeSet<&str>, named: &BTreeMap<&str, BTreeSet<String>>) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, names) in named {
        for name in names.iter().filter(|name| !told.contains(name.as_str())) {
            faults.push(format!("{path} names {name}, which no code tells"));
        }
    }
    let none = BTreeSet::new();
    let ruled = named.get(RULES).unwrap_or(&none);
    for name in told {
        let quiet = QUIET.iter().any(|(quiet, _)| quiet == name);
        if quiet == ruled.contains(*name) {
            faults.push(format!(
                "{name}: give it an alarm in {RULES}, or a reason in {}, not both",
                file!()
            ));
        }
    }
    faults
}

fn unfinished(rules: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for alarm in rules.split("- alert: ").skip(1) {
        let (name, rest) = alarm.split_once('\n').unwrap_or((alarm, ""));
        if !names.insert(name) {
            faults.push(format!("{name} stands twice"));
        }
        if !["page", "ticket", "none"]
            .iter()
            .any(|word| rest.contains(&format!("severity: {word}")))
        {
            faults.push(format!("{name} has no severity: page, ticket or none"));
        }
        // What happened, then what to do.
        let summary = rest
            .split_once("summary:")
            .map_or("", |(_, summary)| summary);
        if !summary.contains(": ") && !summary.contains(":\n") {
            faults.push(format!(
                "{name} does not say what to do: a summary is `what happened: what to do`"
            ));
        }
    }
    if names.len() < 2 {
        faults.push(format!("{RULES} holds no alarms"));
    }
    faults
}

#[test]
fn a_number_that_nobody_tells_and_one_without_an_alarm_are_found() {
    let code =
        "metrics::counter!(\n    \"idtrail_a_total\",\n); metrics::gauge!(\"idtrail_b\").set(1.0);";
    let told: BTreeSet<&str> = told(code).into_iter().collect();
    assert_eq!(told, BTreeSet::from(["idtrail_a_total", "idtrail_b"]));
    let faults = |rules: &str| unmatched(&told, &BTreeMap::from([(RULES, named(rules))])).len();
    assert_eq!(faults("idtrail_a_total > 0 and idtrail_b"), 0);
    assert_eq!(faults("idtrail_a_total_bucket and idtrail_b"), 0);
    assert_eq!(faults("idtrail_a_total"), 1, "no alarm on b");
    assert_eq!(
        faults("idtrail_a_total + idtrail_b + idtrail_c"),
        1,
        "nobody tells c"
    );
}

#[test]
fn an_alarm_without_urgency_or_advice_is_found() {
    let whole = "- alert: A\n labels: {severity: page}\n summary: >-\n x: do y\n- alert: B\n labels: {severity: none}\n summary: x: do y\n";
    assert_eq!(unfinished(whole), Vec::<String>::new());
    assert_eq!(unfinished(&whole.replacen("page", "soon", 1)).len(), 1);
    assert_eq!(unfinished(&whole.replacen("x: do y", "x", 1)).len(), 1);
    assert_eq!(unfinished(&whole.replace("alert: B", "alert: A")).len(), 2);
}
