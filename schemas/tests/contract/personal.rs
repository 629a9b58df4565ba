//! No type but `raw` can hold a name, a birth date, a document number, an address or an image.

use std::collections::BTreeSet;

use schemas::{CommissionOwner, Covered, Delivery, Facts, Finding, Notice, Party};

use crate::avsc;

/// Only `raw` may hold personal data, and it has no schema.
#[test]
fn no_field_can_hold_personal_data() {
    let personal = [
        "name", "birth", "address", "email", "phone", "image", "number",
    ];
    let mut found = BTreeSet::new();
    for (record, places) in avsc::definitions() {
        for field in places.iter().flat_map(avsc::fields) {
            let field = field["name"].as_str().unwrap();
            if personal.iter().any(|word| field.contains(word)) {
                found.insert(format!("{record}.{field}"));
            }
        }
    }
    // The number of an account in our own directory, which staff know it by.
    assert_eq!(found, BTreeSet::from(["Party.account_number".to_owned()]));
}

/// What makes events is taken apart to the last field: a new one does not compile until somebody has read
/// this rule, that none may hold a name, a birth date, a document number, an address or an image.
#[expect(dead_code, reason = "to compile is the test")]
fn what_events_are_made_from(
    all: (
        Facts,
        Finding,
        Party,
        CommissionOwner,
        Notice,
        Delivery,
        Covered,
    ),
) {
    let (facts, finding, party, owner, notice, delivery, covered) = all;
    let Facts {
        generation: _,
        provider_reference: _,
        provider_account: _,
        customer_reference: _,
        transaction_reference: _,
        kind: _,
        outcome: _,
        reasons: _,
        document_type: _,
        document_subtype: _,
        document_country: _,
        document_expiry: _,
        similarity: _,
        liveness: _,
        screening_hits: _,
        occurred_at: _,
        unknown_fields: _,
    } = facts;
    let Finding {
        code: _,
        provider_code: _,
        field: _,
    } = finding;
    let Party {
        account_id: _,
        account_number: _,
        contact_id: _,
        account_link: _,
        contact_link: _,
        found_by: _,
    } = party;
    let CommissionOwner {
        user_id: _,
        active: _,
        fallback_queue: _,
        found_by: _,
    } = owner;
    let Notice {
        event_id: _,
        audience: _,
        channel: _,
        recipient: _,
    } = notice;
    let Delivery {
        outcome: _,
        reason: _,
        attempts: _,
        provider_message_id: _,
        at: _,
    } = delivery;
    let Covered {
        topic: _,
        partition: _,
        offsets: _,
        leaves: _,
        records: _,
    } = covered;
}
