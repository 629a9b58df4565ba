//! By account, contact and reference every check is found with all its steps, in whatever order they came.

use schemas::Topic;

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
        let history = world.history();
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
