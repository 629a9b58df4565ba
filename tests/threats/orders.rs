//! The kill switch: closed at once, over restarts, and told in the history.

use std::time::Duration;

use crate::world::{Kind, Setting, World, approved, wait_for};

/// Waits until a good post is answered with this status.
async fn until_answered(world: &World, status: u16) {
    wait_for(
        &format!("the door to answer {status}"),
        Duration::from_secs(15),
        async || {
            let (media, body) = approved(1, "ordered");
            let answered = world.post(media, body).await;
            if answered == status {
                Ok(())
            } else {
                Err(format!("it answers {answered}"))
            }
        },
    )
    .await;
}

async fn closed_and_opened(kind: Kind) {
    let Some(mut world) = World::start(kind, Setting::default()).await else {
        return;
    };
    let door = if kind == Kind::Real { "ingest" } else { "up" };
    until_answered(&world, 200).await;
    assert_eq!(world.run(&["door", "status"]).0, 0);
    let (code, _, said) = world.run(&["door", "close", "--reason", "under attack", "--by", "ann"]);
    assert_eq!(code, 0, "{said}");
    until_answered(&world, 503).await;
    let (code, status, _) = world.run(&["door", "status", "--json"]);
    assert_eq!(code, 1);
    assert!(
        status.contains("\"by\":\"ann\"") && status.contains("under attack"),
        "{status}"
    );
    // It outlasts the process that was told.
    world.kill(door);
    world.spawn(door);
    world.ready(door).await;
    until_answered(&world, 503).await;
    let (code, _, said) = world.run(&["door", "open", "--reason", "over", "--by", "ben"]);
    assert_eq!(code, 0, "{said}");
    until_answered(&world, 200).await;
    assert_eq!(world.run(&["door", "status"]).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_closes_and_opens_the_embedded_door() {
    closed_and_opened(Kind::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_closes_and_opens_the_real_door() {
    closed_and_opened(Kind::Real).await;
}
