//! What a stop, a crash and a channel that is set up wrongly leave behind.

use std::time::Duration;

use schemas::{NoticeOutcome, Outcome};

use super::{
    fakes::Act,
    sending::telling,
    world::{World, each, until},
};
use crate::sender;

#[tokio::test]
async fn what_a_crash_cut_off_is_sent_again_with_the_same_id_and_counted() {
    each(async |world: &World| {
        world.script.next("u-1", &[Act::TakeAndHang]);
        let context = world.context();
        let service = world.service(&context).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        let crash = async {
            until(
                "the letter to be taken and the other to be recorded",
                async || {
                    world.script.told_to("u-1").len() == 1 && world.ended(&service).await.len() == 1
                },
            )
            .await;
        };
        tokio::select! {
            () = sender::run(&service.sender, &context) => panic!("it was not asked to stop"),
            () = crash => {}
        }
        // The dead process's lock goes with its connection.
        drop(service);
        let again = world.service(&world.context()).await;
        assert_eq!(
            again.notify.store.recover().await.unwrap(),
            1,
            "what is counted"
        );
        drop(again);
        telling(world, async |service| {
            until("the notice to end", async || {
                world.ended(service).await.len() == 2
            })
            .await;
            let ended = world.ended(service).await;
            assert_eq!(
                (ended[1].outcome(), ended[1].attempts()),
                (NoticeOutcome::Sent, 2)
            );
        })
        .await;
        let taken = world.script.taken.lock().unwrap().clone();
        let mut twice: Vec<_> = taken
            .into_iter()
            .filter(|one| one.to.expose().starts_with("u-1"))
            .collect();
        let (last, first) = (twice.pop().unwrap(), twice.pop().unwrap());
        assert_eq!(
            (first.id, first.at, first.text),
            (last.id, last.at, last.text)
        );
    })
    .await;
}

#[tokio::test]
async fn a_crash_before_anything_left_loses_nothing() {
    each(async |world: &World| {
        let service = world.service(&world.context()).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        drop(service);
        telling(world, async |service| {
            until("both", async || world.ended(service).await.len() == 2).await;
        })
        .await;
        assert_eq!(world.script.tries(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_channel_that_is_set_up_wrongly_stops_and_no_notice_is_given_up() {
    each(async |world: &World| {
        world.script.next("u-1", &[Act::Stopped, Act::Stopped]);
        world.script.next("q-onboarding", &[Act::Stopped]);
        let context = world.context();
        let service = world.service(&context).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        let story = async {
            until("the alarm", async || {
                let not_ready = context.health.not_ready().join("\n");
                not_ready.contains("notify-sender is retrying: 535")
            })
            .await;
            assert_eq!(world.ended(&service).await, []);
            until("the password to be mended", async || {
                world.ended(&service).await.len() == 2
            })
            .await;
            assert!(
                world
                    .ended(&service)
                    .await
                    .iter()
                    .all(|one| one.attempts() == 1)
            );
            until("the alarm to end", async || {
                context.health.not_ready().is_empty()
            })
            .await;
            context.stopper.stop();
        };
        tokio::join!(story, sender::run(&service.sender, &context));
        assert!(world.script.tries() >= 4, "{}", world.script.tries());
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_letters_on_their_way_and_lets_go_of_the_rest() {
    each(async |world: &World| {
        world
            .script
            .next("q-onboarding", &[Act::TakeAfter(300); 40]);
        world.script.next("u-1", &[Act::TakeAfter(300); 40]);
        let context = world.context();
        let service = world.service(&context).await;
        let batch: Vec<_> = (0..20)
            .map(|n| world.enriched(&format!("check-{n}"), Outcome::Passed))
            .collect();
        world.keep(&service, &batch).await;
        let story = async {
            until("letters on their way", async || {
                world.script.tries() == sender::CONCURRENT
            })
            .await;
            context.stopper.stop();
        };
        tokio::join!(story, sender::run(&service.sender, &context));
        assert_eq!(world.ended(&service).await.len(), sender::CONCURRENT);
        let outbox = &service.notify.store;
        assert_eq!(outbox.recover().await.unwrap(), 0, "no mark is left");
        let waiting = outbox.due(context.clock.now(), 100).await.unwrap();
        assert_eq!(waiting.len(), 40 - sender::CONCURRENT);
        assert!(waiting.iter().all(|one| one.attempts == 0));
    })
    .await;
}

#[tokio::test]
async fn a_second_wish_to_stop_does_not_wait() {
    each(async |world: &World| {
        world.script.next("u-1", &[Act::TakeAndHang]);
        let context = world.context();
        let service = world.service(&context).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        let story = async {
            until("the letter", async || {
                world.script.told_to("u-1").len() == 1
            })
            .await;
            until("the other letter to be done", async || {
                world.ended(&service).await.len() == 1
            })
            .await;
            context.stopper.stop();
            tokio::time::sleep(Duration::from_millis(50)).await;
            context.stopper.stop_now();
        };
        let both = async { tokio::join!(story, sender::run(&service.sender, &context)) };
        let in_time = tokio::time::timeout(Duration::from_secs(5), both).await;
        assert!(
            in_time.is_ok(),
            "it waited for a letter that never came back"
        );
        assert_eq!(service.notify.store.recover().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_one_tells_and_the_other_takes_over() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let (first, second) = (world.context(), world.context());
    let (one, other) = (world.service(&first).await, world.service(&second).await);
    let batch = |from: usize| -> Vec<_> {
        (from..from + 20)
            .map(|n| world.enriched(&format!("check-{n}"), Outcome::Passed))
            .collect()
    };
    assert!(one.sender.lead.holds().await.unwrap());
    let story = async {
        world.keep(&one, &batch(0)).await;
        until("all to be told", async || {
            world.ended(&one).await.len() == 40
        })
        .await;
        let standby = second.health.all()[sender::NAME].state;
        assert_eq!(standby, "standby");
        first.stopper.stop();
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(story, sender::run(&one.sender, &first)) } => {}
        () = sender::run(&other.sender, &second) => panic!("it was not asked to stop"),
    }
    drop(one);
    let story = async {
        // It reads where the first one left off, as the loop does when the lead comes.
        use stage::keep::Keep as _;
        other.notify.offsets().await.unwrap();
        world.keep(&other, &batch(20)).await;
        until("the other to tell", async || {
            world.ended(&other).await.len() == 80
        })
        .await;
        second.stopper.stop();
    };
    tokio::join!(story, sender::run(&other.sender, &second));
    assert_eq!(world.script.tries(), 80, "nobody was told twice");
    world.clear().await;
}
