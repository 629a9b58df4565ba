//! What a batch leads to, and that it leads to it once.

use schemas::{Audience, NoticeOutcome, Notified, Outcome, Position, Topic};
use stage::keep::{Keep as _, KeepError};

use super::{
    events::{event, with_people},
    world::{TRACE, World, each},
};

/// Audience, outcome and reason.
fn ends(events: &[Notified]) -> Vec<(Audience, NoticeOutcome, &str)> {
    let end = |one| {
        (
            Notified::audience(one),
            one.outcome(),
            one.reason().unwrap_or(""),
        )
    };
    events.iter().map(end).collect()
}

fn sources(events: &[Notified], audience: Audience) -> Vec<Position> {
    let of = events.iter().filter(|one| one.audience() == audience);
    of.map(|one| one.source().clone()).collect()
}

#[tokio::test]
async fn every_enriched_record_ends_once_for_each_audience() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let mut batch = Vec::new();
        for (number, outcome) in Outcome::ALL.iter().enumerate() {
            batch.push(world.enriched(&format!("check-{number}"), *outcome));
            // The provider repeats itself, in the same batch.
            batch.push(world.enriched(&format!("check-{number}"), *outcome));
        }
        world.keep(&service, &batch).await;
        let ended = world.ended(&service).await;
        let positions: Vec<_> = batch.iter().map(|one| one.position.clone()).collect();
        assert_eq!(sources(&ended, Audience::Onboarding), positions);
        assert_eq!(sources(&ended, Audience::Sales), positions);
        assert_eq!(ended.len(), positions.len() * 2);
    })
    .await;
}

#[tokio::test]
async fn the_record_of_a_notice_says_what_led_to_it() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let record = world.enriched("check-1", Outcome::Passed);
        world.keep(&service, std::slice::from_ref(&record)).await;
        let all = service.notify.store.after(0, 10).await.unwrap();
        let (number, first) = &all[0];
        assert_eq!(*number, 1);
        assert_eq!(first.key, b"A-1:C-1");
        assert_eq!(first.traceparent.as_deref(), Some(TRACE));
        let notified = &first.event;
        assert_eq!(notified.source(), &record.position);
        assert_eq!(notified.check(), Some("jumio/check-1"));
        assert_eq!(notified.recipient_id(), "q-onboarding");
        assert_eq!((notified.channel(), notified.attempts()), ("discard", 1));
        let json = serde_json::to_value(notified).unwrap();
        assert_eq!(
            (&json["template"], &json["template_version"]),
            (&"onboarding".into(), &1.into())
        );
        assert_eq!(all[1].1.event.recipient_id(), "u-1");
        assert_ne!(all[1].1.event.notification_id(), notified.notification_id());
    })
    .await;
}

#[tokio::test]
async fn a_repeat_tells_nobody_twice_also_after_a_restart() {
    each(async |world: &World| {
        let told = |service| async move { ends(&world.ended(service).await).len() };
        let service = world.discarding(&world.context()).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        assert_eq!(told(&service).await, 2);
        let service = world.discarding(&world.context()).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        let ended = world.ended(&service).await;
        let suppressed = NoticeOutcome::Suppressed;
        assert_eq!(
            ends(&ended)[2..],
            [
                (Audience::Onboarding, suppressed, "repeat"),
                (Audience::Sales, suppressed, "repeat")
            ]
        );
        assert_eq!(ended[0].notification_id(), ended[2].notification_id());
    })
    .await;
}

#[tokio::test]
async fn what_was_told_within_a_batch_counts_for_the_rest_of_it() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let batch = [
            world.enriched("check-1", Outcome::Received),
            world.enriched("check-1", Outcome::Passed),
            world.enriched("check-1", Outcome::Review),
            world.enriched("check-1", Outcome::Failed),
        ];
        world.keep(&service, &batch).await;
        let (sent, suppressed) = (NoticeOutcome::Sent, NoticeOutcome::Suppressed);
        assert_eq!(
            ends(&world.ended(&service).await),
            [
                (Audience::Onboarding, sent, ""),
                (Audience::Sales, suppressed, "progress"),
                (Audience::Onboarding, sent, ""),
                (Audience::Sales, sent, ""),
                (Audience::Onboarding, suppressed, "overtaken"),
                (Audience::Sales, suppressed, "overtaken"),
                (Audience::Onboarding, sent, ""),
                (Audience::Sales, sent, ""),
                (Audience::Admins, sent, ""),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn where_nobody_active_earns_the_fallback_queue_hears() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let event = with_people("check-1", Outcome::Passed, "", |_, owner| {
            owner.user_id = None;
            owner.fallback_queue = Some("q-sales".to_owned());
        });
        world.keep(&service, &[world.record(&event)]).await;
        assert_eq!(world.ended(&service).await[1].recipient_id(), "q-sales");
    })
    .await;
}

#[tokio::test]
async fn offsets_that_another_process_moved_store_nothing() {
    each(async |world: &World| {
        let (first, second) = (
            world.discarding(&world.context()).await,
            world.discarding(&world.context()).await,
        );
        let batch = vec![world.enriched("check-1", Outcome::Passed)];
        world.keep(&first, &batch).await;
        let before = world.ended(&second).await;
        second.codec.learn(&batch).await.unwrap();
        assert_eq!(second.notify.keep(&batch).await, Err(KeepError::Moved));
        assert_eq!(world.ended(&second).await, before);
        // Reading begins again at the stored offsets, and goes on from there.
        let stored = second.notify.offsets().await.unwrap();
        assert_eq!(stored, [(Topic::Enriched, 0, 1)]);
        assert_eq!(second.notify.keep(&batch).await, Err(KeepError::Moved));
        world
            .keep(&second, &[world.enriched("check-1", Outcome::Failed)])
            .await;
        assert_eq!(first.notify.keep(&batch).await, Err(KeepError::Moved));
    })
    .await;
}

#[tokio::test]
async fn a_hole_in_the_offsets_is_no_trouble() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        let _marker = world.enriched("check-2", Outcome::Passed);
        world
            .keep(&service, &[world.enriched("check-3", Outcome::Passed)])
            .await;
        let stored = service.notify.offsets().await.unwrap();
        assert_eq!(stored, [(Topic::Enriched, 0, 3)]);
    })
    .await;
}

#[tokio::test]
async fn a_whole_batch_of_one_check_keeps_its_order() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let records: Vec<_> = (0..150)
            .map(|n| world.record(&event("check-1", Outcome::Review, &n.to_string())))
            .collect();
        world.keep(&service, &records).await;
        let positions: Vec<_> = records.iter().map(|one| one.position.clone()).collect();
        let ended = world.ended(&service).await;
        assert_eq!(sources(&ended, Audience::Onboarding), positions);
        assert!(ended.iter().all(|one| one.outcome() == NoticeOutcome::Sent));
    })
    .await;
}

#[tokio::test]
async fn whoever_has_something_to_do_is_rung_with_the_commit() {
    each(async |world: &World| {
        let rings = |bell: &tokio::sync::Notify| {
            let mut ring = std::pin::pin!(bell.notified());
            ring.as_mut().enable()
        };
        let service = world.service(&world.context()).await;
        let bells = &service.notify.bells;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        assert!(rings(&bells.sender) && !rings(&bells.relay));
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        assert!(!rings(&bells.sender) && rings(&bells.relay));
    })
    .await;
}
