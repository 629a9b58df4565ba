//! What admins hear: refusals, unreadable records, contradictions, and notices that nobody could be told.

use std::time::Duration;

use schemas::{Audience, NoticeOutcome, Notified, Operated, Outcome, Refusal, Timestamp, Topic};

use super::{
    events::with_people,
    world::{World, each},
};

fn reasons(events: &[Notified], audience: Audience) -> Vec<&str> {
    let of = events.iter().filter(|one| one.audience() == audience);
    of.map(|one| one.reason().unwrap_or("sent")).collect()
}

#[tokio::test]
async fn the_first_refusal_of_a_kind_is_an_alert_and_the_next_ones_are_counted() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let batch = [
            world.rejected(Refusal::Undecodable),
            world.rejected(Refusal::Undecodable),
            world.rejected(Refusal::UnknownAccount),
        ];
        world.keep(&service, &batch).await;
        world
            .keep(&service, &[world.rejected(Refusal::Undecodable)])
            .await;
        let ended = world.ended(&service).await;
        assert_eq!(
            reasons(&ended, Audience::Admins),
            ["sent", "counted", "sent", "counted"]
        );
        assert_eq!(ended[0].recipient_id(), "q-admins");
        assert_eq!(ended[0].source(), &batch[0].position);
    })
    .await;
}

#[tokio::test]
async fn after_the_window_a_refusal_is_an_alert_again_and_the_count_comes_before_it() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        for _ in 0..3 {
            world
                .keep(&service, &[world.rejected(Refusal::Undecodable)])
                .await;
        }
        world.clock.advance(Duration::from_hours(1));
        world
            .keep(&service, &[world.rejected(Refusal::Undecodable)])
            .await;
        let ended = world.ended(&service).await;
        assert_eq!(
            reasons(&ended, Audience::Admins),
            ["sent", "counted", "counted", "sent", "sent"]
        );
        let templates: Vec<_> = ended
            .iter()
            .map(|one| serde_json::to_value(one).unwrap()["template"].clone())
            .collect();
        assert_eq!(templates[3..], ["alert_count", "alert"]);
        assert_eq!(ended[3].source(), ended[0].source());
    })
    .await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_alert_and_the_next_one_is_told() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let batch = [
            world.record_of(Topic::Enriched, b"garbage".to_vec()),
            world.record_of(Topic::Rejected, Vec::new()),
            world.enriched("check-1", Outcome::Passed),
        ];
        world.keep(&service, &batch).await;
        let ended = world.ended(&service).await;
        // Both lack the framing: one kind, so one alert.
        assert_eq!(reasons(&ended, Audience::Admins), ["sent", "counted"]);
        assert_eq!(reasons(&ended, Audience::Onboarding), ["sent"]);
        assert_eq!(ended[0].source(), &batch[0].position);
    })
    .await;
}

#[tokio::test]
async fn a_contradiction_is_told_and_alerted() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Failed)])
            .await;
        let ended = world.ended(&service).await;
        assert_eq!(reasons(&ended, Audience::Onboarding), ["sent", "sent"]);
        assert_eq!(reasons(&ended, Audience::Sales), ["sent", "sent"]);
        assert_eq!(reasons(&ended, Audience::Admins), ["sent"]);
        assert_eq!(ended[4].check(), Some("jumio/check-1"));
    })
    .await;
}

#[tokio::test]
async fn a_notice_that_cannot_be_made_is_given_up_and_alerted_never_dropped() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let nobody = with_people("check-1", Outcome::Passed, "", |_, owner| {
            owner.user_id = None;
            owner.fallback_queue = None;
        });
        let misled = with_people("check-2", Outcome::Passed, "", |party, _| {
            party.account_link = "javascript:alert(1)".to_owned();
        });
        world
            .keep(&service, &[world.record(&nobody), world.record(&misled)])
            .await;
        let ended = world.ended(&service).await;
        assert_eq!(reasons(&ended, Audience::Onboarding), ["sent", "bad_link"]);
        assert_eq!(
            reasons(&ended, Audience::Sales),
            ["no_recipient", "bad_link"]
        );
        // One alert of each kind; the second bad link is counted.
        assert_eq!(
            reasons(&ended, Audience::Admins),
            ["sent", "sent", "counted"]
        );
        let failed = ended
            .iter()
            .filter(|one| one.outcome() == NoticeOutcome::Failed);
        assert_eq!(failed.count(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_stands_in_the_alert_with_its_cause_and_the_next_step() {
    each(async |world: &World| {
        let context = world.context();
        let service = world.service(&context).await;
        world
            .keep(&service, &[world.rejected(Refusal::UnknownCallbackType)])
            .await;
        let due = service
            .notify
            .store
            .due(context.clock.now(), 10)
            .await
            .unwrap();
        let text = due[0].draft.view.text();
        assert_eq!(
            text.subject,
            "idtrail alert: validate refused: unknown_callback_type"
        );
        for line in [
            "Field: transactionResult.x\n",
            "Probable cause: the provider changed what it sends\n",
            "Record: idtrail.rejected/0/0\n",
            "Next: idtrail rejected show ",
        ] {
            assert!(text.body.contains(line), "{line:?} in {}", text.body);
        }
    })
    .await;
}

fn act(action: &str, target: &str, at: i64) -> Operated {
    let target = Some(target.to_owned());
    Operated::new(action, "idtrail", "x", target, Timestamp::from_micros(at))
}

#[tokio::test]
async fn a_network_that_drifts_is_told_of_once_by_however_many_doors_and_other_acts_are_not() {
    each(async |world: &World| {
        let service = world.discarding(&world.context()).await;
        let batch = [
            world.record(&act(Operated::DRIFT, "192.0.2.0/24", 1)),
            world.record(&act("close", "door", 2)),
            world.record(&act(Operated::DRIFT, "192.0.2.0/24", 3)),
            world.record(&act(Operated::DRIFT, "2001:db8:7::/48", 4)),
            world.record(&act(Operated::DRIFT, "several networks", 5)),
        ];
        world.keep(&service, &batch).await;
        let ended = world.ended(&service).await;
        assert_eq!(
            reasons(&ended, Audience::Admins),
            ["sent", "counted", "sent", "sent"]
        );
        assert_eq!(ended[0].source(), &batch[0].position);
        assert_eq!(ended.len(), 4, "nobody else hears of an act");
    })
    .await;
}

#[tokio::test]
async fn an_alert_of_a_network_says_how_to_let_it_in() {
    each(async |world: &World| {
        let context = world.context();
        let service = world.service(&context).await;
        let drift = act(Operated::DRIFT, "2001:db8:7::/48", 1);
        world.keep(&service, &[world.record(&drift)]).await;
        let due = service.notify.store.due(context.clock.now(), 10);
        let text = due.await.unwrap()[0].draft.view.text();
        assert_eq!(
            text.subject,
            "idtrail alert: strangers post callbacks, from 2001:db8:7::/48"
        );
        let next = "idtrail sources approve 2001:db8:7::/48 --hours 24 --reason WHY --by WHO\n";
        assert!(text.body.contains(next), "{}", text.body);
    })
    .await;
}
