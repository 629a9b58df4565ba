//! Each topic is read on its own: in whatever order that is, the same story is told, and what was sent again is marked.

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use stage::Record;

use super::{
    records::{About, refused, replayed},
    world::{World, each, keep},
};
use crate::{Query, Step};

fn by_account(account: &str) -> Query {
    Query {
        account: Some(account.to_owned()),
        ..Query::default()
    }
}

/// Everything that can happen to one client's check: a callback, its repeat, another result, a refusal, its replay.
/// The round is told apart by its partition and its names.
fn story(world: &World, round: i32) -> Vec<Record> {
    let (reference, account) = (format!("R-{round}"), format!("A-{round}"));
    let first = About::check(&reference, &account, (round, 0));
    let repeat = About {
        at: (round, 1),
        ..first.clone()
    };
    let result = About {
        at: (round, 2),
        outcome: schemas::Outcome::Failed,
        ..first.clone()
    };
    let unread = About {
        at: (round, 3),
        ..first.clone()
    };
    let mut records = [
        first.journey(world),
        repeat.journey(world),
        result.journey(world),
    ]
    .concat();
    let refusal = world.record(&refused(&unread), &unread, (round, 0));
    let alert = world.record(&unread.notified(&refusal, None), &unread, (round, 4));
    let act = world.record(&replayed(&unread.raw().position), &unread, (round, 0));
    let again = About {
        at: (round, 5),
        outcome: schemas::Outcome::Review,
        ..first
    };
    let replay = again.raw_with(b"unread", Some(&unread.raw().position));
    let checked = world.record(&again.checked(), &again, (round, 5));
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
        let service = world.service().await;
        let mut expected: Option<Vec<String>> = None;
        for round in 0..4 {
            let mut records = story(world, round);
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
            // One record at a time, and of each partition in the order of its offsets.
            while !records.is_empty() {
                let of = (records[0].topic, records[0].position.partition);
                let next = (0..records.len())
                    .filter(|at| (records[*at].topic, records[*at].position.partition) == of)
                    .min_by_key(|at| records[*at].position.offset)
                    .unwrap();
                keep(&service, &[records.remove(next)]).await.unwrap();
            }
            let steps = world.steps(by_account(&format!("A-{round}"))).await;
            let mut told: Vec<String> = steps
                .iter()
                .map(|step| {
                    let (at, repeat) = (step.source.offset, step.repeat);
                    format!("{} {at} {:?} {repeat}", step.step, step.outcome)
                })
                .collect();
            told.sort();
            let reference = Some(format!("R-{round}"));
            assert!(
                steps
                    .iter()
                    .all(|step| step.provider_reference == reference)
            );
            assert_eq!(told.len(), 18, "{}, round {round}: {told:#?}", world.name);
            match &expected {
                Some(expected) => assert_eq!(&told, expected, "{}, round {round}", world.name),
                None => expected = Some(told),
            }
            nothing_stands_before_its_cause(&steps);
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
        keep(&world.service().await, &story(world, 0))
            .await
            .unwrap();
        let steps = world.steps(by_account("A-0")).await;
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
