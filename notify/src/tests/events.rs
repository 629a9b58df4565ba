//! Events as `enrich` writes them.

use schemas::{
    Checked, CommissionOwner, Confirmation, Enriched, Facts, FoundBy, Generation, Kind, Outcome,
    Party, Position, Raw, Timestamp, header,
};

/// What `enrich` says of a check; another `facts` makes another event of it.
pub(super) fn event(reference: &str, outcome: Outcome, facts: &str) -> Enriched {
    with_people(reference, outcome, facts, |_, _| ())
}

pub(super) fn with_people(
    reference: &str,
    outcome: Outcome,
    facts: &str,
    change: impl FnOnce(&mut Party, &mut CommissionOwner),
) -> Enriched {
    let facts = Facts {
        generation: Generation::Netverify,
        provider_reference: reference.to_owned(),
        provider_account: None,
        customer_reference: Some("A-1:C-1".to_owned()),
        transaction_reference: None,
        kind: Some(Kind::Identity),
        outcome,
        reasons: Vec::new(),
        document_type: Some("PASSPORT".to_owned()),
        document_subtype: None,
        document_country: Some("AUT".to_owned()),
        document_expiry: schemas::Date::new(2031, 5, 4),
        similarity: None,
        liveness: None,
        screening_hits: None,
        occurred_at: None,
        unknown_fields: vec![facts.to_owned()],
    };
    let checked = Checked::new(&raw(reference, 1), facts);
    let mut party = Party {
        account_id: "acc1".to_owned(),
        account_number: "A-1".to_owned(),
        contact_id: Some("con1".to_owned()),
        account_link: "https://crm.example/accounts/acc1".to_owned(),
        contact_link: Some("https://crm.example/contacts/con1".to_owned()),
        found_by: FoundBy::Reference,
    };
    let mut owner = CommissionOwner {
        user_id: Some("u-1".to_owned()),
        active: true,
        fallback_queue: None,
        found_by: FoundBy::CommissionOrder,
    };
    change(&mut party, &mut owner);
    let people = (owner, "q-onboarding".to_owned());
    let at = Timestamp::from_micros(1_790_000_000_000_000);
    Enriched::new(checked, Confirmation::Unconfirmed, party, people, at)
}

/// A callback as the door writes it.
pub(super) fn raw(id: &str, offset: i64) -> Raw {
    let position = Position {
        topic: "idtrail.raw".to_owned(),
        partition: 0,
        offset,
    };
    let sha256 = "0".repeat(64);
    let headers: Vec<(String, Vec<u8>)> = [
        (header::PROVIDER, "jumio"),
        (header::KIND, "json"),
        (header::RECEIVED_AT, "2026-09-21T13:33:19Z"),
        (header::REQUEST_ID, id),
        (header::SHA256, sha256.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec();
    Raw::read(position, &headers, Some(b"{}".to_vec())).unwrap()
}
