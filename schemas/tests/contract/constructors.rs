//! Every example is what the constructors make: none shows what cannot be.

use schemas::{
    Audited, Checked, CommissionOwner, Covered, Delivery, Enriched, Event, Facts, Notice, Notified,
    Operated, Party, Position, Rejected,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{examples, identity::raw_at, json, read};

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
