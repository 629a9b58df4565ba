//! The made-up callbacks get the verdicts that they state, and nothing personal comes out of them.

use std::collections::BTreeSet;

use jumio::{
    Media,
    scenarios::{self, Fill, Must, PersonalFill},
};
use schemas::{Generation, Refusal, Timestamp};

#[test]
fn every_scenario_gets_the_verdict_that_it_states() {
    let fill = Fill::default();
    for scenario in scenarios::all() {
        let name = scenario.name;
        let body = scenario.body(&fill);
        let read = jumio::parse(scenario.media, body.as_bytes());
        let generation = match &read {
            Ok(facts) => Some(facts.generation),
            Err(refused) => refused.generation,
        };
        assert_eq!(generation, scenario.generation, "{name}");
        let verdict = match &read {
            Ok(facts) => Must::Check {
                outcome: facts.outcome,
                kind: facts.kind,
            },
            Err(refused) => Must::Refuse(refused.reason),
        };
        assert_eq!(verdict, scenario.must, "{name}");
    }
}

#[test]
fn the_first_sign_of_every_scenario_tells_its_media() {
    for scenario in scenarios::all() {
        let body = scenario.body(&Fill::default());
        assert_eq!(
            Media::guess(body.as_bytes()),
            scenario.media,
            "{}",
            scenario.name
        );
    }
}

#[test]
fn what_is_filled_in_comes_out() {
    let fill = Fill {
        provider_reference: "ref.1_x-Y".to_owned(),
        customer_reference: Some("a/ß+&=%41 \"7\"".to_owned()),
        transaction_reference: Some("t:{1}".to_owned()),
        ..Fill::default()
    };
    for scenario in scenarios::all() {
        let body = scenario.body(&fill);
        let Ok(facts) = jumio::parse(scenario.media, body.as_bytes()) else {
            continue;
        };
        let name = scenario.name;
        assert_eq!(facts.provider_reference, fill.provider_reference, "{name}");
        assert_eq!(facts.customer_reference, fill.customer_reference, "{name}");
        let has_transaction = !matches!(
            facts.generation,
            Generation::Authentication | Generation::Kyx
        );
        let transaction = fill
            .transaction_reference
            .clone()
            .filter(|_| has_transaction);
        assert_eq!(facts.transaction_reference, transaction, "{name}");
        let dated = facts.generation != Generation::Multidocument;
        let time = Timestamp::parse_rfc3339(&fill.occurred_at).filter(|_| dated);
        assert_eq!(facts.occurred_at, time, "{name}");

        let identity = jumio::identify(scenario.media, body.as_bytes()).unwrap();
        assert_eq!(
            identity.provider_reference, facts.provider_reference,
            "{name}"
        );
        assert_eq!(
            identity.customer_reference, facts.customer_reference,
            "{name}"
        );
        assert_eq!(identity.transaction_reference, transaction, "{name}");
    }
}

#[test]
fn only_what_is_new_is_unknown() {
    let fill = Fill {
        personal: PersonalFill::every(|_| "x".to_owned()),
        ..Fill::default()
    };
    for scenario in scenarios::all() {
        if let Ok(facts) = jumio::parse(scenario.media, scenario.body(&fill).as_bytes()) {
            let new = scenario.name == "approved-new-field";
            assert_eq!(!facts.unknown_fields.is_empty(), new, "{}", scenario.name);
        }
    }
}

#[test]
fn every_refusal_that_a_body_can_cause_has_a_scenario() {
    let shown: BTreeSet<_> = scenarios::all()
        .iter()
        .filter_map(|scenario| match scenario.must {
            Must::Refuse(refusal) => Some(refusal),
            Must::Check { .. } => None,
        })
        .collect();
    let causes = [
        Refusal::Empty,
        Refusal::Undecodable,
        Refusal::Ambiguous,
        Refusal::UnknownCallbackType,
        Refusal::NoProviderReference,
        Refusal::BadProviderReference,
        Refusal::NoProviderAccount,
        Refusal::BadEmbeddedJson,
    ];
    assert_eq!(shown, BTreeSet::from(causes));
}

/// A marker that would pass as a symbol, one that looks like text, and one made for parsers.
const MARKERS: [&str; 3] = ["PRIVATE", "Erika Müßtermann", "\"},{\"&=%41+\\u0041\n"];

#[test]
fn nothing_personal_leaves_this_crate() {
    let mut planted = BTreeSet::new();
    for marker in MARKERS {
        let fill = Fill {
            personal: PersonalFill::every(|path| format!("{marker}{path}{marker}")),
            ..Fill::default()
        };
        for scenario in scenarios::all() {
            let body = scenario.body(&fill);
            if marker == "PRIVATE" {
                planted.extend(PersonalFill::fields().filter(|path| {
                    body.contains(*path)
                        || path
                            .rsplit('.')
                            .next()
                            .is_some_and(|last| body.contains(last))
                }));
            }
            for media in [Media::Form, Media::Json] {
                let said = [
                    format!("{:?}", jumio::parse(media, body.as_bytes())),
                    format!("{:?}", jumio::identify(media, body.as_bytes())),
                ];
                for said in said {
                    assert!(!said.contains("PRIVATE"), "{}: {said}", scenario.name);
                    assert!(!said.contains("Erika"), "{}: {said}", scenario.name);
                    assert!(!said.contains("},{"), "{}: {said}", scenario.name);
                }
            }
        }
    }
    assert_eq!(planted, PersonalFill::fields().collect());
}
