//! Events as `enrich` writes them.

use schemas::{
    Checked, CommissionOwner, Confirmation, Enriched, Facts, FoundBy, Generation, Kind, Outcome,
    Party, Position, Raw, Timestamp, header,
};

/// What `enrich` says of a check; another `facts` makes another event of it.
pub(crate) fn event(reference: &str, outcome: Outcome, facts: &str) -> Enriched {
    with_people(reference, outcome, facts, |_, _| ())
}

pub(crate) fn with_people(
    reference: &str,
    outcome: Outcome,
    facts: &str,
    change: impl FnOnce(&mut Party, &mut CommissionOwner),
) -> Enriched {
    with_all(reference, outcome, |checked, all| {
        checked.unknown_fields = vec![facts.to_owned()];
        change(&mut all.party, &mut all.owner);
    })
}

/// What `enrich` adds.
pub(crate) struct Added {
    pub(crate) confirmation: Confirmation,
    pub(crate) party: Party,
    pub(crate) owner: CommissionOwner,
}

/// What `enrich` says of a check, after any change.
pub(crate) fn with_all(
    reference: &str,
    outcome: Outcome,
    change: impl FnOnce(&mut Facts, &mut Added),
) -> Enriched {
    let mut facts = Facts {
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
        unknown_fields: Vec::new(),
    };
    let mut added = Added {
        confirmation: Confirmation::Unconfirmed,
        party: Party {
            account_id: "acc1".to_owned(),
            account_number: "A-1".to_owned(),
            contact_id: Some("con1".to_owned()),
            account_link: "https://crm.example/accounts/acc1".to_owned(),
            contact_link: Some("https://crm.example/contacts/con1".to_owned()),
            found_by: FoundBy::Reference,
        },
        owner: CommissionOwner {
            user_id: Some("u-1".to_owned()),
            active: true,
            fallback_queue: None,
            found_by: FoundBy::CommissionOrder,
        },
    };
    change(&mut facts, &mut added);
    Enriched::new(
        Checked::new(&raw(reference, 1), facts),
        added.confirmation,
        added.party,
        (added.owner, "q-onboarding".to_owned()),
        Timestamp::from_micros(1_790_000_000_000_000),
    )
}

/// A callback as the door writes it.
pub(super) fn raw(id: &str, offset: i64) -> Raw {
    let position = Position {
        topic: "idtrail.raw".to_owned(),
        partition: 0,
        offset,
    };
    let sha256 = "0".repeat(64);
    let headers = [
        (header::PROVIDER, "jumio"),
        (header::KIND, "json"),
        (header::RECEIVED_AT, "2026-09-21T13:33:19Z"),
        (header::REQUEST_ID, id),
        (header::SHA256, sha256.as_str()),
    ]
    .map(|(name, value)| (name.into(), value.as_bytes().to_vec()))
    .to_vec();
    Raw::read(position, &headers, Some(b"{}".to_vec())).unwrap()
}
