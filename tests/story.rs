//! The main job: a callback comes in, the right people are told, the history is kept.

use std::{collections::BTreeMap, time::Duration};

use schemas::{AnyEvent, Topic};
use serde_json::Value;

use crate::world::{Kind, Setting, World, body_of};

const SOON: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_on_the_embedded_broker() {
    main_job(Kind::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_on_the_real_parts() {
    main_job(Kind::Real).await;
}

async fn main_job(kind: Kind) {
    let Some(mut world) = World::start(kind, Setting::default()).await else {
        return;
    };
    for (scenario, reference, customer) in [
        ("approved", "check-1", "A-1:C-1"),
        ("approved", "check-1", "A-1:C-1"), // the provider repeats itself
        ("selfie-mismatch", "check-2", "A-2:C-2"),
        ("expired-link", "check-3", "A-9:C-9"),
        ("approved", "check-4", "A-77777:C-1"), // an account that nobody knows
        ("approved", "check-5", "A-1:C-2"),     // a contact of another account
        ("kyx-processed", "check-6", "A-3:C-3"),
    ] {
        let (media, body) = body_of(scenario, reference, Some(customer));
        assert_eq!(world.post(media, body).await, 200, "{scenario}");
    }
    let (media, body) = body_of("fraud", "check-1", Some("A-1:C-1"));
    world.settle(SOON).await;
    assert_eq!(
        world.post(media, body).await,
        200,
        "a result that contradicts the one before"
    );
    let (tally, whole) = world.settle(SOON).await;
    assert_eq!(
        (tally.raw, tally.checked, tally.enriched, tally.rejected),
        (8, 8, 6, 2)
    );
    told_once_each(&whole);
    every_record_names_itself(&whole);
    the_history_shows_every_step(&world);
    the_api_answers_the_same(&world).await;
    mails_hold_no_more_than_they_may(&world);
    for name in world.processes() {
        assert_eq!(
            world.terminate(name).await,
            Some(0),
            "{name} drains on SIGTERM\n{}",
            std::fs::read_to_string(world.log(name)).unwrap()
        );
    }
}

/// check-1: told once to each, the repeat suppressed, the contradiction told again and alerted.
fn told_once_each(whole: &crate::world::Whole) {
    let mut outcomes: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (_, event) in whole.of(Topic::Notified) {
        let AnyEvent::Notified(notified) = event else {
            continue;
        };
        let key = (
            notified.check().unwrap_or("-").to_owned(),
            notified.audience().to_string(),
        );
        let mut outcome = notified.outcome().to_string();
        if let Some(reason) = notified.reason() {
            outcome = format!("{outcome}:{reason}");
        }
        outcomes.entry(key).or_default().push(outcome);
    }
    let of = |check: &str, audience: &str| {
        let mut all = outcomes
            .get(&(format!("jumio/{check}"), audience.to_owned()))
            .cloned()
            .unwrap_or_default();
        all.sort();
        all
    };
    assert_eq!(
        of("check-1", "onboarding"),
        ["sent", "sent", "suppressed:repeat"]
    );
    assert_eq!(
        of("check-1", "sales"),
        ["sent", "sent", "suppressed:repeat"]
    );
    for check in ["check-2", "check-3"] {
        assert_eq!(of(check, "onboarding"), ["sent"], "{check}");
        assert_eq!(of(check, "sales"), ["sent"], "{check}");
    }
    assert_eq!(of("check-6", "onboarding"), ["suppressed:pending"]);
    assert!(
        of("check-4", "onboarding").is_empty(),
        "nobody but admins hears of an unknown account"
    );
}

fn every_record_names_itself(whole: &crate::world::Whole) {
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Raw) {
        for (record, _) in whole.of(topic) {
            for name in [
                "ce_id",
                "ce_type",
                "ce_source",
                "ce_time",
                "ce_specversion",
                "content-type",
            ] {
                assert!(
                    record.header(name).is_some(),
                    "{}: no header {name}",
                    record.position
                );
            }
            if !matches!(topic, Topic::Audited | Topic::Operated) {
                assert!(
                    record.header("traceparent").is_some(),
                    "{}: no trace",
                    record.position
                );
            }
        }
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn the_history_shows_every_step(world: &World) {
    for (flag, value) in [
        ("--account", "A-1"),
        ("--contact", "C-1"),
        ("--reference", "check-1"),
        ("--reference", "A-1:C-1"),
    ] {
        let (code, said, error) = world.run(&["history", flag, value, "--json"]);
        assert_eq!(code, 0, "{flag} {value}: {error}");
        let steps: Vec<Value> = lines(&said)
            .into_iter()
            .filter(|step| step["provider_reference"] == "check-1")
            .collect();
        let count = |name: &str| steps.iter().filter(|step| step["step"] == name).count();
        assert_eq!(
            (count("raw"), count("checked"), count("enriched")),
            (3, 3, 3),
            "{flag} {value}: {said}"
        );
        assert!(count("notified") >= 6, "{flag} {value}: {said}");
        let repeats = steps
            .iter()
            .filter(|step| step["step"] == "checked" && step["repeat"] == true)
            .count();
        assert_eq!(repeats, 1, "{flag} {value}: {said}");
        for step in &steps {
            for name in ["seq", "at", "step", "source", "leaf_hash", "provider"] {
                assert!(!step[name].is_null(), "{name} is missing in {step}");
            }
        }
    }
    let (code, said, _) = world.run(&["history", "--account", "A-nobody", "--json"]);
    assert_eq!(
        (code, said.as_str()),
        (1, ""),
        "an unknown account has no history"
    );
    let (code, said, error) = world.run(&["rejected", "list", "--json"]);
    assert_eq!(code, 0, "{error}");
    let reasons: Vec<_> = lines(&said)
        .iter()
        .map(|one| one["reason"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        reasons.contains(&"unknown_account".to_owned())
            && reasons.contains(&"contact_not_of_account".to_owned()),
        "{reasons:?}"
    );
}

async fn the_api_answers_the_same(world: &World) {
    let base = format!("http://{}", world.api);
    let response = world
        .client
        .get(format!("{base}/v1/checks?account=A-1"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(
        text.contains("check-1") && !text.contains("check-2"),
        "{text}"
    );
    let response = world
        .client
        .get(format!("{base}/v1/checks?cursor=nonsense&account=A-1"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(
        world
            .client
            .get(format!("{base}/openapi.json"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

/// Sales mail is the same whatever came out, and names nothing but the account.
fn mails_hold_no_more_than_they_may(world: &World) {
    let mut sales = Vec::new();
    let mut onboarding = 0;
    for file in std::fs::read_dir(world.maildir().join("new")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert_eq!(
            text.matches("\nTo: ").count() + usize::from(text.starts_with("To: ")),
            1,
            "one recipient a message"
        );
        if text.contains("@sales.example.test") {
            let body = text
                .split("\r\n\r\n")
                .nth(1)
                .or_else(|| text.split("\n\n").nth(1))
                .unwrap()
                .to_owned();
            for word in [
                "passed", "failed", "C-1", "C-2", "check-", "document", "PASSPORT",
            ] {
                assert!(!body.contains(word), "a sales mail says `{word}`:\n{body}");
            }
            sales.push(
                body.replace("acc1", "ACC")
                    .replace("acc2", "ACC")
                    .replace("acc9", "ACC"),
            );
        } else if text.contains("q-onboarding@") {
            onboarding += 1;
            assert!(
                text.contains("not confirmed"),
                "onboarding must read that nobody has confirmed it:\n{text}"
            );
        }
    }
    assert!(
        onboarding >= 4 && sales.len() >= 4,
        "{onboarding} onboarding mails, {} sales mails",
        sales.len()
    );
    sales.dedup();
    assert_eq!(
        sales.len(),
        1,
        "sales mails differ by more than the account: {sales:#?}"
    );
}
