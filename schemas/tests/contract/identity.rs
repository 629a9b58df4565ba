//! Ids: what repeats has the same, what says something else has another.

use std::time::Duration;

use schemas::{
    Audience, Checked, Date, Delivery, Event, Facts, Finding, FindingCode, Generation, Id, Kind,
    Notice, NoticeOutcome, Notified, Outcome, Raw, RawPointer, Refusal, Rejected, Timestamp,
    header,
};

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

pub(crate) fn raw_at(
    provider: &str,
    at: &RawPointer,
    received_at: Timestamp,
    refused: Option<&str>,
) -> Raw {
    let mut headers = vec![
        (header::PROVIDER, provider.to_owned()),
        (header::KIND, "form".to_owned()),
        (header::RECEIVED_AT, received_at.to_string()),
        (header::REQUEST_ID, format!("request {}", at.offset)),
        (header::SHA256, at.sha256.clone()),
    ];
    headers.extend(refused.map(|code| (header::REFUSED, code.to_owned())));
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.into(), value.into_bytes()))
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
        "3be28e30-4d13-5fe2-87f1-21893e2717a6"
    );
    assert_eq!(
        Id::derive(&["a", "b"]).to_string(),
        "95fe5e24-8c71-5ea0-b2fb-7b89c4e4af60"
    );
}

/// A record of another place is another record, even where it tells the same again.
#[test]
fn ids_of_records_follow_their_source() {
    let at = |offset| raw("jumio", offset, Timestamp::from_micros(0), Some("empty"));
    let rejected = |offset| Rejected::of_raw(&at(offset), (Refusal::Empty, None, None));
    assert_eq!(rejected(1).ce_id(), rejected(1).ce_id());
    assert_ne!(rejected(1).ce_id(), rejected(2).ce_id());

    let notice = Notice {
        event_id: "e".to_owned(),
        audience: Audience::Sales,
        channel: "smtp".to_owned(),
        recipient: "r".to_owned(),
    };
    let delivery = Delivery {
        outcome: NoticeOutcome::Sent,
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
