//! What stands in a notice, and what can never stand there.

use schemas::{Kind, Outcome, Position, Refusal, Stage, Timestamp};

use super::*;
use crate::{
    alert::{Failing, More},
    tests::events::{event, with_all, with_people},
    view::Word,
};

fn onboarding_text(event: &schemas::Enriched) -> Text {
    View::Onboarding(OnboardingView::of(event).unwrap()).text()
}

fn sales_text(event: &schemas::Enriched) -> Text {
    View::Sales(SalesView::of(event).unwrap()).text()
}

#[test]
fn onboarding_reads_result_expiry_and_links() {
    let text = onboarding_text(&event("check-1", Outcome::Passed, ""));
    assert_eq!(text.subject, "Identity check: passed");
    assert_eq!(
        text.body,
        "Result: passed (reported by the provider, not confirmed).\n\
         Nothing more to do at the provider.\n\
         Document expiry: 2031-05-04\n\
         \n\
         Account: https://crm.example/accounts/acc1\n\
         Contact: https://crm.example/contacts/con1\n"
    );
}

#[test]
fn sales_text_is_the_same_whatever_came_out() {
    let first = sales_text(&event("check-1", Outcome::Passed, ""));
    assert_eq!(
        first.body,
        "There is news about a client of yours.\n\nAccount: https://crm.example/accounts/acc1\n"
    );
    for outcome in Outcome::ALL {
        for confirmation in Confirmation::ALL {
            let other = with_all("check-2", *outcome, |facts, all| {
                facts.kind = Some(Kind::Document);
                facts.document_expiry = None;
                all.confirmation = *confirmation;
            });
            assert_eq!(sales_text(&other), first, "{outcome} {confirmation}");
        }
    }
}

#[test]
fn each_outcome_has_words_of_its_own_and_only_a_pass_says_passed() {
    let mut bodies = std::collections::BTreeSet::new();
    for outcome in Outcome::ALL {
        let text = onboarding_text(&event("check-1", *outcome, ""));
        assert!(text.subject.ends_with(outcome.as_str()), "{}", text.subject);
        let says_passed = text.subject.contains("passed") || text.body.contains("passed");
        assert_eq!(says_passed, *outcome == Outcome::Passed, "{outcome}");
        assert!(bodies.insert(text.body));
    }
}

#[test]
fn a_pass_of_the_document_alone_does_not_read_like_a_pass_of_the_identity() {
    let document = with_all("check-1", Outcome::Passed, |facts, _| {
        facts.kind = Some(Kind::Document);
    });
    let text = onboarding_text(&document);
    assert_eq!(text.subject, "Identity check: passed, document only");
    assert!(text.body.contains("no face was compared"), "{}", text.body);
}

#[test]
fn onboarding_reads_whether_the_provider_stands_by_it() {
    for (confirmation, words) in [
        (Confirmation::Confirmed, "(confirmed by the provider)"),
        (Confirmation::Contradicted, "who says otherwise when asked"),
        (
            Confirmation::Unconfirmed,
            "(reported by the provider, not confirmed)",
        ),
    ] {
        let event = with_all("check-1", Outcome::Passed, |_, all| {
            all.confirmation = confirmation;
        });
        let text = onboarding_text(&event);
        assert!(text.body.contains(words), "{}", text.body);
    }
}

/// Every text of an event bears the marker, but for links: nothing else may reach anybody.
#[test]
fn no_other_field_of_an_event_reaches_a_notice_or_the_outbox() {
    const MARKER: &str = "CANARY";
    let event = with_all(MARKER, Outcome::Failed, |facts, all| {
        let marker = || Some(MARKER.to_owned());
        facts.provider_account = marker();
        facts.customer_reference = marker();
        facts.transaction_reference = marker();
        facts.document_type = marker();
        facts.document_subtype = marker();
        facts.document_country = marker();
        facts.similarity = marker();
        facts.liveness = marker();
        facts.unknown_fields = vec![MARKER.to_owned()];
        facts.reasons = vec![schemas::Finding {
            code: schemas::FindingCode::Fraud,
            provider_code: marker(),
            field: marker(),
        }];
        all.party.account_id = MARKER.to_owned();
        all.party.account_number = MARKER.to_owned();
        all.party.contact_id = marker();
    });
    for view in [
        View::Onboarding(OnboardingView::of(&event).unwrap()),
        View::Sales(SalesView::of(&event).unwrap()),
    ] {
        let text = view.text();
        let stored = serde_json::to_string(&view).unwrap();
        let all = format!("{}{}{stored}", text.subject, text.body);
        assert!(!all.contains(MARKER), "{all}");
    }
}

#[test]
fn a_link_that_is_none_makes_no_notice() {
    let account = with_people("check-1", Outcome::Passed, "", |party, _| {
        party.account_link = "https://crm.example/a\r\nBcc: eve@example.test".to_owned();
    });
    assert!(OnboardingView::of(&account).is_err() && SalesView::of(&account).is_err());
    let contact = with_people("check-1", Outcome::Passed, "", |party, _| {
        party.contact_link = Some("data:text/html,x".to_owned());
    });
    assert!(OnboardingView::of(&contact).is_err() && SalesView::of(&contact).is_ok());
}

fn alert(trouble: Trouble) -> AdminView {
    let source = Position {
        topic: "idtrail.rejected".to_owned(),
        partition: 3,
        offset: 4711,
    };
    AdminView::of(trouble, &source)
}

#[test]
fn admins_read_what_where_why_and_what_to_do() {
    let id = schemas::Id::derive(&["x"]);
    let view = alert(Trouble::Refused {
        stage: Stage::Validate,
        reason: Refusal::BadEmbeddedJson,
        field: Some(Word::of("idScanImage\r\nSubject: x")),
        id,
    });
    let text = View::Admins(view.clone()).text();
    assert_eq!(
        text.subject,
        "idtrail alert: validate refused: bad_embedded_json"
    );
    assert_eq!(
        text.body,
        format!(
            "Validate refused: bad_embedded_json.\n\n\
             Field: idScanImage__Subject__x\n\
             Probable cause: the provider changed what it sends\n\
             Record: idtrail.rejected/3/4711\n\
             Next: idtrail rejected show {id}\n\n\
             More of this kind are counted, and told of when the window ends.\n"
        )
    );
    let since = Timestamp::parse_rfc3339("2026-11-25T12:00:00Z").unwrap();
    let count = view.counted(More { count: 41, since });
    let text = View::Admins(count).text();
    assert_eq!(
        text.subject,
        "idtrail alert: validate refused: bad_embedded_json (41 more)"
    );
    let first = "Validate refused: bad_embedded_json, 41 more since 2026-11-25T12:00:00Z.\n";
    assert!(text.body.starts_with(first), "{}", text.body);
}

#[test]
fn every_trouble_has_a_kind_a_cause_and_a_next_step_on_plain_lines() {
    let mut kinds = std::collections::BTreeSet::new();
    let reference = Word::of("ref-1");
    let mut troubles = vec![Trouble::Contradiction { reference }];
    for reason in Refusal::ALL {
        troubles.push(Trouble::Unreadable { reason: *reason });
        troubles.push(Trouble::Refused {
            stage: Stage::Enrich,
            reason: *reason,
            field: None,
            id: schemas::Id::derive(&[]),
        });
    }
    for reason in [
        Failing::NoAddress,
        Failing::NoRecipient,
        Failing::BadAddress,
        Failing::BadLink,
        Failing::Refused,
        Failing::GivenUp,
    ] {
        let audience = Audience::Sales;
        troubles.push(Trouble::Undeliverable { audience, reason });
    }
    for trouble in troubles {
        assert!(kinds.insert(trouble.kind()), "{}", trouble.kind());
        let text = View::Admins(alert(trouble)).text();
        assert!(text.subject.is_ascii() && !text.subject.chars().any(char::is_control));
        assert!(text.subject.len() < 76, "{}", text.subject);
        for line in ["Probable cause: ", "Record: ", "Next: "] {
            assert!(text.body.contains(line), "{}", text.body);
        }
    }
}
