//! Who is told when: order, retries, giving up, and what is asked at the moment of telling.

use std::{sync::atomic::Ordering, time::Duration};

use schemas::{Audience, NoticeOutcome, Notified, Outcome, Refusal};

use super::{
    events::event,
    fakes::Act,
    world::{World, each, until},
};
use crate::{Service, sender};

/// Tells while a story goes on.
pub(super) async fn telling(world: &World, story: impl AsyncFn(&Service)) {
    let context = world.context();
    let service = world.service(&context).await;
    let told = async {
        story(&service).await;
        context.stopper.stop();
    };
    tokio::join!(told, sender::run(&service.sender, &context));
}

/// Notices of an audience that have ended.
async fn ended(world: &World, service: &Service, audience: Audience) -> Vec<Notified> {
    let all = world.ended(service).await.into_iter();
    all.filter(|one| one.audience() == audience).collect()
}

async fn until_ended(world: &World, service: &Service, count: usize) {
    until("the notices to end", async || {
        world.ended(service).await.len() == count
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_told_and_ends_as_sent() {
    each(async |world: &World| {
        telling(world, async |service| {
            world
                .keep(service, &[world.enriched("check-1", Outcome::Passed)])
                .await;
            until_ended(world, service, 2).await;
            let onboarding = &ended(world, service, Audience::Onboarding).await[0];
            assert_eq!(onboarding.outcome(), NoticeOutcome::Sent);
            assert_eq!((onboarding.channel(), onboarding.attempts()), ("script", 1));
            let letters = world.script.taken.lock().unwrap().clone();
            let ids: Vec<_> = letters.iter().map(|letter| letter.id).collect();
            assert!(ids.contains(&onboarding.notification_id()));
        })
        .await;
        assert_eq!(
            world.script.told_to("q-onboarding"),
            ["Identity check: passed"]
        );
        assert_eq!(world.script.told_to("u-1"), ["News about a client"]);
    })
    .await;
}

#[tokio::test]
async fn notices_of_one_check_go_in_order_and_hold_up_no_other_check() {
    each(async |world: &World| {
        world.script.next("q-onboarding", &[Act::Later]);
        telling(world, async |service| {
            world
                .keep(service, &[world.enriched("check-1", Outcome::Review)])
                .await;
            until("the first try", async || world.script.tries() == 2).await;
            let later = [
                world.enriched("check-1", Outcome::Passed),
                world.enriched("check-2", Outcome::Failed),
            ];
            world.keep(service, &later).await;
            until("the other check", async || {
                world.script.told_to("q-onboarding") == ["Identity check: failed"]
            })
            .await;
            world.clock.advance(Duration::from_secs(6));
            service.notify.bells.sender.notify_one();
            until_ended(world, service, 6).await;
        })
        .await;
        assert_eq!(
            world.script.told_to("q-onboarding"),
            [
                "Identity check: failed",
                "Identity check: review",
                "Identity check: passed"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_tried_by_the_schedule_then_given_up_and_alerted() {
    each(async |world: &World| {
        world
            .script
            .next("u-1", &[Act::Later, Act::Later, Act::Later]);
        telling(world, async |service| {
            let tries = |count| async move {
                service.notify.bells.sender.notify_one();
                until("the next try", async || world.script.tries() >= count).await;
            };
            world
                .keep(service, &[world.enriched("check-1", Outcome::Passed)])
                .await;
            tries(2).await;
            // Chance says all zeros here: a tenth less than 5 s, and than 60 s.
            for (pause, count) in [(4_500, 3), (54_000, 4)] {
                until("the end of the try", async || {
                    let due = service.notify.store.backlog().await.unwrap().0;
                    let started = service
                        .notify
                        .store
                        .due(schemas::Timestamp::from_micros(i64::MAX), 10);
                    due == 1 && started.await.unwrap().len() == 1
                })
                .await;
                world.clock.advance(Duration::from_millis(pause - 1));
                service.notify.bells.sender.notify_one();
                tokio::time::sleep(Duration::from_millis(60)).await;
                assert_eq!(world.script.tries(), count - 1, "too early");
                world.clock.advance(Duration::from_millis(1));
                tries(count).await;
            }
            // The alert is the fifth letter.
            tries(5).await;
            until_ended(world, service, 3).await;
            let sales = &ended(world, service, Audience::Sales).await[0];
            assert_eq!(sales.outcome(), NoticeOutcome::Failed);
            assert_eq!((sales.reason(), sales.attempts()), (Some("given_up"), 3));
        })
        .await;
        assert_eq!(
            world.script.told_to("q-admins"),
            ["idtrail alert: sales not told: given_up"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_refusal_for_good_is_not_tried_again_and_alerts_are_counted() {
    each(async |world: &World| {
        world.script.next("u-1", &[Act::Never, Act::Never]);
        telling(world, async |service| {
            let batch = [
                world.enriched("check-1", Outcome::Passed),
                world.enriched("check-2", Outcome::Passed),
            ];
            world.keep(service, &batch).await;
            until_ended(world, service, 6).await;
            let sales = ended(world, service, Audience::Sales).await;
            assert!(sales.iter().all(|one| one.reason() == Some("refused")));
            let admins = ended(world, service, Audience::Admins).await;
            let mut reasons: Vec<_> = admins.iter().map(Notified::reason).collect();
            reasons.sort_unstable();
            assert_eq!(reasons, [None, Some("counted")]);
        })
        .await;
        assert_eq!(world.script.tries(), 5);
    })
    .await;
}

#[tokio::test]
async fn an_alert_that_cannot_be_delivered_leads_to_no_other_alert() {
    each(async |world: &World| {
        world.script.next("q-admins", &[Act::Never]);
        telling(world, async |service| {
            world
                .keep(service, &[world.rejected(Refusal::Undecodable)])
                .await;
            until_ended(world, service, 1).await;
            let alert = &ended(world, service, Audience::Admins).await[0];
            assert_eq!(alert.outcome(), NoticeOutcome::Failed);
            assert_eq!(service.notify.store.backlog().await.unwrap().0, 0);
        })
        .await;
        assert_eq!(world.script.tries(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_has_left_is_not_told_and_admins_hear_of_it() {
    each(async |world: &World| {
        telling(world, async |service| {
            world.phonebook.left.lock().unwrap().push("u-1".to_owned());
            world
                .keep(service, &[world.enriched("check-1", Outcome::Passed)])
                .await;
            until_ended(world, service, 3).await;
            let sales = &ended(world, service, Audience::Sales).await[0];
            assert_eq!(
                (sales.outcome(), sales.reason(), sales.attempts()),
                (NoticeOutcome::Failed, Some("no_address"), 0)
            );
        })
        .await;
        assert_eq!(
            world.script.told_to("q-admins"),
            ["idtrail alert: sales not told: no_address"]
        );
        assert_eq!(world.script.told_to("u-1"), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn while_the_directory_is_down_nothing_is_sent_and_no_try_counts() {
    each(async |world: &World| {
        world.phonebook.down.store(true, Ordering::Relaxed);
        telling(world, async |service| {
            world
                .keep(service, &[world.enriched("check-1", Outcome::Passed)])
                .await;
            tokio::time::sleep(Duration::from_millis(150)).await;
            assert_eq!(world.script.tries(), 0);
            world.phonebook.down.store(false, Ordering::Relaxed);
            until_ended(world, service, 2).await;
            assert_eq!(
                ended(world, service, Audience::Sales).await[0].attempts(),
                1
            );
        })
        .await;
        assert_eq!(
            *world.phonebook.questions.lock().unwrap(),
            [2],
            "one question for all"
        );
    })
    .await;
}

#[tokio::test]
async fn at_the_end_of_a_window_admins_read_how_many_more_there_were() {
    each(async |world: &World| {
        telling(world, async |service| {
            let refused: Vec<_> = (0..3)
                .map(|_| world.rejected(Refusal::Undecodable))
                .collect();
            world.keep(service, &refused).await;
            until_ended(world, service, 3).await;
            world.clock.advance(Duration::from_hours(1));
            until_ended(world, service, 4).await;
        })
        .await;
        assert_eq!(
            world.script.told_to("q-admins"),
            [
                "idtrail alert: validate refused: undecodable",
                "idtrail alert: validate refused: undecodable (2 more)"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_batch_larger_than_one_taking_is_told_whole() {
    each(async |world: &World| {
        telling(world, async |service| {
            let batch: Vec<_> = (0..100)
                .map(|n| world.record(&event(&format!("check-{n}"), Outcome::Passed, "")))
                .collect();
            world.keep(service, &batch).await;
            until_ended(world, service, 200).await;
        })
        .await;
        assert_eq!(world.script.told().len(), 200);
    })
    .await;
}
