//! By account, contact and reference every check is found with all its steps, in whatever order they came.

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use schemas::Topic;
use stage::Record;

use super::{
    records::{About, position, refused, replayed},
    world::{World, each, keep},
};
use crate::{Query, Step};

fn names(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.step.as_str()).collect()
}

fn by_account(account: &str) -> Query {
    Query {
        account: Some(account.to_owned()),
        ..Query::default()
    }
}

fn by_reference(reference: &str) -> Query {
    Query {
        reference: Some(reference.to_owned()),
        ..Query::default()
    }
}

#[tokio::test]
async fn a_check_is_found_by_everything_that_is_known_of_it() {
    each(async |world| {
        let service = world.service().await;
        let (one, other) = (
            About::check("R-1", "A-1", (0, 0)),
            About::check("R-2", "A-2", (1, 0)),
        );
        keep(
            &service,
            &[one.journey(world), other.journey(world)].concat(),
        )
        .await
        .unwrap();
        let contact = Query {
            contact: Some("CON-A-1".to_owned()),
            ..Query::default()
        };
        let questions = [
            by_account("A-1"),
            by_account("id-A-1"),
            contact,
            by_reference("R-1"),
            by_reference("A-1:CON-A-1"),
            by_reference("T-R-1"),
        ];
        for question in questions {
            let steps = world.steps(question.clone()).await;
            assert_eq!(
                names(&steps),
                ["raw", "checked", "enriched", "notified"],
                "{question:?}"
            );
            for step in &steps {
                assert_eq!(step.provider.as_deref(), Some("jumio"));
                assert_eq!(step.provider_reference.as_deref(), Some("R-1"));
                assert!(!step.repeat);
            }
            let enriched = &steps[2];
            assert_eq!(enriched.account.as_deref(), Some("A-1"));
            assert_eq!(enriched.contact.as_deref(), Some("CON-A-1"));
            assert_eq!(enriched.customer_reference.as_deref(), Some("A-1:CON-A-1"));
            assert_eq!(enriched.transaction_reference.as_deref(), Some("T-R-1"));
            assert_eq!(enriched.outcome.as_deref(), Some("passed"));
            assert_eq!(enriched.event_id, steps[1].event_id);
            assert_eq!(steps[0].event_id, None);
            assert_eq!(steps[3].outcome.as_deref(), Some("sent"));
        }
        let both = Query {
            reference: Some("R-2".to_owned()),
            ..by_account("A-1")
        };
        assert!(
            world.steps(both).await.is_empty(),
            "what is given narrows together"
        );
        for nothing in [
            by_account("A-3"),
            by_account("R-1"),
            by_account(""),
            by_reference("A-1"),
        ] {
            assert!(world.steps(nothing).await.is_empty());
        }
        assert_eq!(
            world.steps(Query::default()).await.len(),
            8,
            "without a name all checks are told"
        );
    })
    .await;
}

/// Everything that can happen to one client's check: a callback, its repeat, another result, a refusal, its replay.
fn story(world: &World) -> Vec<Record> {
    let first = About::check("R-1", "A-1", (0, 0));
    let repeat = About {
        at: (0, 1),
        ..first.clone()
    };
    let result = About {
        at: (0, 2),
        outcome: schemas::Outcome::Failed,
        ..first.clone()
    };
    let unread = About {
        at: (0, 3),
        ..first.clone()
    };
    let mut records = [
        first.journey(world),
        repeat.journey(world),
        result.journey(world),
    ]
    .concat();
    let refusal = world.record(&refused(&unread), &unread, (0, 0));
    let alert = world.record(&unread.notified(&refusal, None), &unread, (0, 4));
    let act = world.record(&replayed(&unread.raw().position), &unread, (0, 0));
    let again = About {
        at: (0, 5),
        outcome: schemas::Outcome::Review,
        ..first
    };
    let replay = again.raw_with(b"unread", Some(&unread.raw().position));
    let checked = world.record(&again.checked(), &again, (0, 5));
    records.extend([
        unread.raw_with(b"unread", None),
        refusal,
        alert,
        act,
        replay,
        checked,
    ]);
    records
}

#[tokio::test]
async fn in_whatever_order_the_topics_are_read_the_same_steps_are_found() {
    let runner = TestRunner::deterministic();
    each(async |world| {
        let mut expected: Option<Vec<String>> = None;
        for round in 0..6 {
            // A history of its own for each order; the topics are the same.
            let fresh = World::new(world.name).await.unwrap();
            let mut records = story(&fresh);
            if round > 0 {
                let mut runner = runner.clone();
                for _ in 0..round {
                    let shuffled = Just(records.clone())
                        .prop_shuffle()
                        .new_tree(&mut runner)
                        .unwrap();
                    records = shuffled.current();
                }
            }
            let service = fresh.service().await;
            // One record at a time, and of each partition in the order of its offsets.
            while !records.is_empty() {
                let of = (records[0].topic, records[0].position.partition);
                let next = (0..records.len())
                    .filter(|at| (records[*at].topic, records[*at].position.partition) == of)
                    .min_by_key(|at| records[*at].position.offset)
                    .unwrap();
                keep(&service, &[records.remove(next)]).await.unwrap();
            }
            let steps = fresh.steps(by_account("A-1")).await;
            let mut told: Vec<String> = steps
                .iter()
                .map(|step| {
                    let (at, repeat) = (step.source.offset, step.repeat);
                    format!(
                        "{} {at} {:?} {:?} {repeat}",
                        step.step, step.outcome, step.provider_reference
                    )
                })
                .collect();
            told.sort();
            assert_eq!(told.len(), 18, "{}, round {round}: {told:#?}", fresh.name);
            match &expected {
                Some(expected) => assert_eq!(&told, expected, "{}, round {round}", fresh.name),
                None => expected = Some(told),
            }
            nothing_stands_before_its_cause(&steps);
            fresh.clear().await;
        }
    })
    .await;
}

fn nothing_stands_before_its_cause(steps: &[Step]) {
    let place = |name: &str, offset: i64| {
        steps
            .iter()
            .position(|step| step.step == name && step.source.offset == offset)
            .unwrap()
    };
    for offset in 0..3 {
        let places = ["raw", "checked", "enriched", "notified"].map(|name| place(name, offset));
        assert!(places.is_sorted(), "{places:?}");
    }
    assert!(place("raw", 3) < place("rejected", 0) && place("rejected", 0) < place("notified", 4));
    assert!(place("raw", 5) < place("checked", 5));
}

#[tokio::test]
async fn what_the_provider_sent_again_is_marked_and_what_an_operator_sent_again_is_not() {
    each(async |world| {
        keep(&world.service().await, &story(world)).await.unwrap();
        let steps = world.steps(by_reference("R-1")).await;
        let repeats: Vec<_> = steps.iter().filter(|step| step.repeat).collect();
        assert_eq!(
            repeats.len(),
            4,
            "the callback, and what came of it: {repeats:?}"
        );
        assert!(repeats.iter().all(|step| step.source.offset == 1));
        assert_eq!(steps.iter().filter(|step| step.step == "raw").count(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_callback_without_reference_is_a_check_of_its_own() {
    each(async |world| {
        let unread = About::check("R-1", "A-1", (2, 7));
        let refusal = world.record(&refused(&unread), &unread, (0, 0));
        let alert = world.record(&unread.notified(&refusal, None), &unread, (0, 0));
        let act = world.record(&replayed(&unread.raw().position), &unread, (0, 0));
        keep(&world.service().await, &[unread.raw(), refusal, alert, act])
            .await
            .unwrap();
        let steps = world.steps(Query::default()).await;
        assert_eq!(names(&steps), ["raw", "rejected", "notified", "operated"]);
        assert_eq!(steps[1].outcome.as_deref(), Some("undecodable"));
        assert_eq!(steps[3].outcome.as_deref(), Some("replay"));
        assert!(steps.iter().all(|step| step.provider_reference.is_none()));
        assert_eq!(steps[0].provider.as_deref(), Some("jumio"));
        assert!(world.steps(by_account("A-1")).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn refusals_are_listed_and_found_by_their_ids() {
    each(async |world| {
        let mut batch = Vec::new();
        for offset in 0..5 {
            let about = About::check(&format!("R-{offset}"), "A-1", (0, offset));
            batch.extend([
                about.raw(),
                world.record(&refused(&about), &about, (0, offset)),
            ]);
        }
        keep(&world.service().await, &batch).await.unwrap();
        let history = world.history().await;
        let first = history.rejected(-1, 3).await.unwrap();
        let rest = history.rejected(first[2].seq, 3).await.unwrap();
        assert_eq!((first.len(), rest.len()), (3, 2));
        assert!(history.rejected(rest[1].seq, 3).await.unwrap().is_empty());
        let wanted = refused(&About::check("R-3", "A-1", (0, 3)));
        let found = history
            .rejected_by_id(&wanted.id().to_string())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.raw.as_ref(), wanted.raw());
        assert_eq!(found.source.as_ref().map(|source| source.offset), Some(3));
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["id"], wanted.id().to_string());
        assert_eq!(json["stage"], "validate");
        assert_eq!(json["reason"], "undecodable");
        assert_eq!(json["probable_cause"], "provider_changed_its_contract");
        let mut keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        let expected = [
            "at",
            "field",
            "id",
            "probable_cause",
            "provider",
            "provider_reference",
            "reason",
            "source",
            "stage",
        ];
        assert_eq!(keys, expected);
        assert!(history.rejected_by_id("nobody").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_step_has_the_fields_of_the_contract_and_no_others() {
    let world = World::new("SQLite").await.unwrap();
    let about = About::check("R-1", "A-1", (0, 0));
    keep(&world.service().await, &about.journey(&world))
        .await
        .unwrap();
    let steps = world.steps(Query::default()).await;
    let json = serde_json::to_value(&steps[2]).unwrap();
    let mut keys: Vec<_> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    let mut contract = [
        "seq",
        "at",
        "step",
        "provider",
        "provider_reference",
        "customer_reference",
        "transaction_reference",
        "account",
        "contact",
        "event_id",
        "outcome",
        "repeat",
        "source",
        "leaf_hash",
    ];
    contract.sort_unstable();
    assert_eq!(keys, contract);
    assert_eq!(
        json["source"],
        serde_json::json!({"topic": "idtrail.enriched", "partition": 0, "offset": 0})
    );
    assert_eq!(json["at"], "2026-09-21T14:13:20Z");
    let _same = position(Topic::Raw, (0, 0));
}
