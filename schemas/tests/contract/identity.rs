//! Ids: what repeats has the same, what says something else has another; and no example that no constructor makes.

use std::time::Duration;

use schemas::{
    Audited, Checked, CommissionOwner, Covered, Date, Delivery, Enriched, Event, Facts, Finding,
    FindingCode, Generation, Id, Kind, Notice, Notified, Operated, Outcome, Party, Position, Raw,
    RawPointer, Rejected, Timestamp, header,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{examples, json, read};

fn facts() -> Facts {
    Facts {
        generation: Generation::Netverify,
        provider_reference: "7d0a1c52".to_owned(),
        provider_account: None,
        customer_reference: Some("AT-100234".to_owned()),
        transaction_reference: None,
        kind: Some(Kind::Document),
        outcome: Outcome::Passed,
        reasons: vec![Finding {
            code: FindingCode::Other,
            provider_code: None,
            field: None,
        }],
        document_type: Some("PASSPORT".to_owned()),
        document_subtype: None,
        document_country: None,
        document_expiry: Date::new(2031, 4, 30),
        similarity: None,
        liveness: None,
        screening_hits: None,
        occurred_at: Some(Timestamp::from_micros(1)),
        unknown_fields: vec!["a".to_owned(), "b".to_owned()],
    }
}

fn raw(provider: &str, offset: i64, received_at: Timestamp, refused: Option<&str>) -> Raw {
    let pointer = RawPointer {
        topic: "idtrail.raw".to_owned(),
        partition: 3,
        offset,
        sha256: format!("{offset:064x}"),
    };
    raw_at(provider, &pointer, received_at, refused)
}

fn raw_at(provider: &str, at: &RawPointer, received_at: Timestamp, refused: Option<&str>) -> Raw {
    let mut headers = vec![
        (header::PROVIDER, provider.to_owned()),
        (header::KIND, "form".to_owned()),
        (header::RECEIVED_AT, received_at.to_string()),
        (header::REQUEST_ID, format!("request {}", at.offset)),
        (header::SHA256, at.sha256.clone()),
    ];
    headers.extend(refused.map(|code| (header::REFUSED, code.to_owned())));
    let headers: Vec<_> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    Raw::read(at.position(), &headers, Some(Vec::new())).unwrap()
}

fn id(facts: Facts) -> Id {
    Checked::new(&raw("jumio", 1, Timestamp::from_micros(0), None), facts).event_id()
}

#[test]
fn a_repeat_has_the_same_id_wherever_and_whenever_it_comes() {
    let later = Timestamp::from_micros(0).plus(Duration::from_hours(24));
    let mut again = facts();
    again.occurred_at = None;
    let again = Checked::new(&raw("jumio", 2, later, None), again);
    assert_eq!(again.event_id(), id(facts()));
    assert_ne!(
        again.raw(),
        Checked::new(&raw("jumio", 1, later, None), facts()).raw()
    );
}

/// One change of each thing that a callback can say, and some that only move text about.
#[test]
fn whatever_says_something_else_has_another_id() {
    let changes: [fn(&mut Facts); 26] = [
        |facts| facts.generation = Generation::Kyx,
        |facts| facts.provider_reference.push('3'),
        |facts| facts.provider_account = Some("a".to_owned()),
        |facts| facts.customer_reference = None,
        |facts| facts.customer_reference = Some(String::new()),
        |facts| facts.customer_reference = Some("null".to_owned()),
        |facts| facts.customer_reference = Some("at-100234".to_owned()),
        |facts| facts.transaction_reference = Some("AT-100234".to_owned()),
        |facts| {
            std::mem::swap(
                &mut facts.customer_reference,
                &mut facts.transaction_reference,
            );
        },
        |facts| facts.kind = None,
        |facts| facts.kind = Some(Kind::Identity),
        |facts| facts.outcome = Outcome::Failed,
        |facts| facts.reasons.clear(),
        |facts| facts.reasons[0].code = FindingCode::Fraud,
        |facts| facts.reasons[0].provider_code = Some("100".to_owned()),
        |facts| facts.reasons[0].field = Some("100".to_owned()),
        |facts| facts.reasons.push(facts.reasons[0].clone()),
        |facts| facts.document_type = None,
        |facts| std::mem::swap(&mut facts.document_type, &mut facts.document_subtype),
        |facts| facts.document_country = Some("AUT".to_owned()),
        |facts| facts.document_expiry = Date::new(2031, 5, 1),
        |facts| facts.similarity = Some("MATCH".to_owned()),
        |facts| facts.liveness = Some("MATCH".to_owned()),
        |facts| facts.screening_hits = Some(0),
        |facts| facts.unknown_fields = vec!["ab".to_owned()],
        |facts| facts.unknown_fields = vec!["a,b".to_owned()],
    ];
    let mut ids = vec![id(facts())];
    for change in changes {
        let mut other = facts();
        change(&mut other);
        ids.push(id(other));
    }
    ids.push(Checked::new(&raw("other", 1, Timestamp::from_micros(0), None), facts()).event_id());
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

/// The name space and the way in which ids are made are fixed for ever.
#[test]
fn ids_stay_what_they_were() {
    assert_eq!(
        id(facts()).to_string(),
        "a5d92a3f-ba25-539b-8143-767d73818e07"
    );
    assert_eq!(
        Id::derive(&["a", "b"]).to_string(),
        "95fe5e24-8c71-5ea0-b2fb-7b89c4e4af60"
    );
}

fn part<T: DeserializeOwned>(example: &Value, field: &str) -> T {
    serde_json::from_value(example[field].clone())
        .unwrap_or_else(|error| panic!("{field}: {error}"))
}

fn facts_of(example: &Value) -> Facts {
    Facts {
        generation: part(example, "generation"),
        provider_reference: part(example, "provider_reference"),
        provider_account: part(example, "provider_account"),
        customer_reference: part(example, "customer_reference"),
        transaction_reference: part(example, "transaction_reference"),
        kind: part(example, "kind"),
        outcome: part(example, "outcome"),
        reasons: part(example, "reasons"),
        document_type: part(example, "document_type"),
        document_subtype: part(example, "document_subtype"),
        document_country: part(example, "document_country"),
        document_expiry: part(example, "document_expiry"),
        similarity: part(example, "similarity"),
        liveness: part(example, "liveness"),
        screening_hits: part(example, "screening_hits"),
        occurred_at: part(example, "occurred_at"),
        unknown_fields: part(example, "unknown_fields"),
    }
}

#[test]
fn checked_and_enriched_examples_are_what_the_constructors_make() {
    let made = |example: &Value| {
        let provider: String = part(example, "provider");
        let raw = raw_at(
            &provider,
            &part(example, "raw"),
            part(example, "received_at"),
            None,
        );
        Checked::new(&raw, facts_of(example))
    };
    for (name, example) in examples(Checked::TOPIC) {
        assert_eq!(json(&made(&example)), example, "{name}");
    }
    for (name, example) in examples(Enriched::TOPIC) {
        let party: Party = part(&example, "party");
        let owner: CommissionOwner = part(&example, "commission_owner");
        let people = (owner, part(&example, "onboarding_queue"));
        let (confirmation, at) = (part(&example, "confirmation"), part(&example, "at"));
        let enriched = Enriched::new(made(&example["checked"]), confirmation, party, people, at);
        assert_eq!(json(&enriched), example, "{name}");
        assert_eq!(
            enriched.ce_id(),
            enriched.checked().ce_id(),
            "one event, told further"
        );
    }
}

#[test]
fn rejected_examples_are_what_the_constructors_make() {
    for (name, example) in examples(Rejected::TOPIC) {
        let expected: Rejected = read(&name, &example);
        let (reason, seen) = (expected.reason(), expected.first_seen());
        let source = expected.source().clone();
        let made = match (expected.raw(), expected.event_id()) {
            (None, _) => Rejected::of_record(expected.stage(), reason, source, seen),
            (Some(pointer), None) => {
                let refused = (example["stage"] == "door").then_some(reason.as_str());
                let raw = raw_at(expected.provider().unwrap(), pointer, seen, refused);
                let why = (
                    reason,
                    expected.field().map(str::to_owned),
                    expected.generation(),
                );
                Rejected::of_raw(&raw, why).about(expected.provider_reference().map(str::to_owned))
            }
            (Some(_), Some(event)) => {
                let checked = examples(Checked::TOPIC)
                    .into_iter()
                    .map(|(name, example)| read::<Checked>(&name, &example))
                    .find(|checked| checked.event_id() == event)
                    .expect("an example of `checked` with this id");
                Rejected::of_checked(&checked, reason, expected.field(), source)
            }
        };
        assert_eq!(made, expected, "{name}");
    }
}

#[test]
fn notified_examples_are_what_the_constructor_makes() {
    for (name, example) in examples(Notified::TOPIC) {
        let notice = Notice {
            event_id: part(&example, "event_id"),
            audience: part(&example, "audience"),
            channel: part(&example, "channel"),
            recipient: part(&example, "recipient_id"),
        };
        let delivery = Delivery {
            outcome: part(&example, "outcome"),
            reason: part(&example, "reason"),
            attempts: part(&example, "attempts"),
            provider_message_id: part(&example, "provider_message_id"),
            at: part(&example, "ended_at"),
        };
        let template: String = part(&example, "template");
        let template = (template.as_str(), part(&example, "template_version"));
        let about = (
            part(&example, "check"),
            part::<Position>(&example, "source"),
        );
        let made = Notified::new(
            &notice,
            template,
            delivery,
            about,
            part(&example, "decided_at"),
        );
        assert_eq!(json(&made), example, "{name}");
        assert_eq!(made.notification_id(), notice.id());
    }
}

#[test]
fn audited_and_operated_examples_are_what_the_constructors_make() {
    for (name, mut example) in examples(Audited::TOPIC) {
        let covered = Covered {
            topic: part(&example, "source_topic"),
            partition: part(&example, "source_partition"),
            offsets: (
                part(&example, "first_offset"),
                part(&example, "last_offset"),
            ),
            leaves: (part(&example, "first_leaf"), part(&example, "last_leaf")),
            records: part(&example, "records"),
        };
        let head = (part(&example, "tree_size"), part(&example, "root"));
        let made = Audited::new(covered, head, part(&example, "appended_at"));
        // The constructor cannot give one yet.
        example["checkpoint"] = Value::Null;
        assert_eq!(json(&made), example, "{name}");
    }
    for (name, example) in examples(Operated::TOPIC) {
        let text = |field| part::<String>(&example, field);
        let (action, operator, reason) = (text("action"), text("operator"), text("reason"));
        let subject = part(&example, "subject");
        let made = Operated::new(&action, &operator, &reason, subject, part(&example, "at"));
        assert_eq!(json(&made), example, "{name}");
    }
}

/// A record of another place is another record, even where it tells the same again.
#[test]
fn ids_of_records_follow_their_source() {
    let at = |offset| raw("jumio", offset, Timestamp::from_micros(0), Some("empty"));
    let rejected = |offset| Rejected::of_raw(&at(offset), (schemas::Refusal::Empty, None, None));
    assert_eq!(rejected(1).ce_id(), rejected(1).ce_id());
    assert_ne!(rejected(1).ce_id(), rejected(2).ce_id());

    let notice = Notice {
        event_id: "e".to_owned(),
        audience: schemas::Audience::Sales,
        channel: "smtp".to_owned(),
        recipient: "r".to_owned(),
    };
    let delivery = Delivery {
        outcome: schemas::NoticeOutcome::Sent,
        reason: None,
        attempts: 1,
        provider_message_id: None,
        at: Timestamp::from_micros(0),
    };
    let notified = |offset| {
        let about = (None, at(offset).position().clone());
        Notified::new(
            &notice,
            ("t", 1),
            delivery.clone(),
            about,
            Timestamp::from_micros(0),
        )
    };
    assert_eq!(notified(1).notification_id(), notified(2).notification_id());
    assert_ne!(notified(1).ce_id(), notified(2).ce_id());
}
