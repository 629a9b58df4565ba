//! Batches that are sealed while the one before them is not stored yet: whatever happens meanwhile, the log is what it would
//! have been.

use stage::keep::Keep as _;

use super::{
    acts::erase,
    bodies::bodies,
    records::About,
    tiles::are_those_of_the_leaves,
    world::{World, keep},
};
use crate::{
    ahead::{Ahead, Base},
    batch::Batch,
    service::Service,
};

/// The records of the check with this number, of one account.
async fn ready(world: &World, service: &Service, number: i64) -> Batch {
    let records = About::check(&format!("R-{number}"), "A-1", (0, number)).journey(world);
    service.codec.learn(&records).await.unwrap();
    service.audit.ready(records).await
}

/// Keeps a batch; whether it was stored as it was sealed ahead.
async fn keep_as_sealed(service: &Service, batch: &Batch) -> bool {
    service.audit.keep(batch).await.unwrap();
    let view = service.audit.store.view().await.unwrap();
    let made = batch.made.as_ref().map(|made| made.append.tree.root());
    made == Some(view.tree.root())
}

/// The numbers of the account's entries, in the order of the log.
async fn numbers(world: &World) -> Vec<i64> {
    let bodies = bodies(world).await.into_iter();
    bodies.filter_map(|(_, body)| body["n"].as_i64()).collect()
}

#[tokio::test]
async fn a_batch_is_sealed_on_what_the_log_will_be() {
    let world = &World::new("SQLite").await.unwrap();
    let service = world.service().await;
    let first = ready(world, &service, 0).await;
    assert!(first.made.is_none(), "what the log is has yet to be asked");
    service.audit.keep(&first).await.unwrap();
    let second = ready(world, &service, 1).await;
    let third = ready(world, &service, 2).await;
    for batch in [&second, &third] {
        assert!(keep_as_sealed(&service, batch).await);
    }
    assert_eq!(numbers(world).await, [1, 2, 3]);
    are_those_of_the_leaves(world).await;
}

#[tokio::test]
async fn what_comes_in_between_has_batches_sealed_anew() {
    let world = &World::new("SQLite").await.unwrap();
    let service = world.service().await;
    let first = ready(world, &service, 0).await;
    service.audit.keep(&first).await.unwrap();
    let second = ready(world, &service, 1).await;
    let third = ready(world, &service, 2).await;
    service.audit.act(&[erase(7)]).await.unwrap();
    assert!(!keep_as_sealed(&service, &second).await);
    // It was ready before the second was sealed anew, and so is the fourth before this one is.
    let fourth = ready(world, &service, 3).await;
    assert!(!keep_as_sealed(&service, &third).await);
    assert!(!keep_as_sealed(&service, &fourth).await);
    let fifth = ready(world, &service, 4).await;
    let known = "what the log will be is known again";
    assert!(keep_as_sealed(&service, &fifth).await, "{known}");
    assert_eq!(numbers(world).await, [1, 2, 3, 4, 5]);
    are_those_of_the_leaves(world).await;
}

#[tokio::test]
async fn a_batch_that_waited_too_long_is_sealed_with_the_time_that_it_then_is() {
    let world = &World::new("SQLite").await.unwrap();
    let service = world.service().await;
    let first = ready(world, &service, 0).await;
    service.audit.keep(&first).await.unwrap();
    let second = ready(world, &service, 1).await;
    world.clock.advance(std::time::Duration::from_mins(10));
    let now = world.clock_seconds();
    service.audit.keep(&second).await.unwrap();
    let at = service.audit.store.view().await.unwrap().at;
    assert_eq!(at / 1_000, now);
    assert_eq!(numbers(world).await, [1, 2]);
}

#[tokio::test]
async fn what_was_sealed_before_an_erasure_is_sealed_anew() {
    let world = &World::new("SQLite").await.unwrap();
    let service = world.service().await;
    let first = ready(world, &service, 0).await;
    service.audit.keep(&first).await.unwrap();
    let second = ready(world, &service, 1).await;
    let before = second.made.as_ref().unwrap().append.tree.root();
    service.audit.keys.forget();
    service.audit.keep(&second).await.unwrap();
    let after = service.audit.store.view().await.unwrap().tree.root();
    assert_ne!(before, after);
    assert_eq!(numbers(world).await, [1, 2]);
}

#[tokio::test]
async fn a_batch_that_is_tried_again_stands_once() {
    let world = &World::new("SQLite").await.unwrap();
    let service = world.service().await;
    keep(&service, &About::check("R-0", "A-1", (0, 0)).journey(world))
        .await
        .unwrap();
    let second = ready(world, &service, 1).await;
    service.audit.keep(&second).await.unwrap();
    let again = service.audit.keep(&second).await;
    assert_eq!(again, Err(stage::keep::KeepError::Moved));
    assert_eq!(numbers(world).await, [1, 2]);
}

#[tokio::test]
async fn nothing_is_made_on_what_was_not_foreseen() {
    let world = &World::new("SQLite").await.unwrap();
    let view = world.service().await.audit.store.view().await.unwrap();
    let base = || Base {
        view: view.clone(),
        counters: Vec::new(),
    };
    let ahead = Ahead::default();
    // Something else is appended while a batch is readied.
    let taken = ahead.take();
    ahead.forget();
    ahead.readied(&taken, Some(base()));
    assert!(ahead.take().base.is_none());
    // A batch is sealed anew while the next one is ready already.
    let first = ahead.readied(&ahead.take(), None);
    let second = ahead.readied(&ahead.take(), None);
    ahead.remade(first, base());
    assert!(ahead.take().base.is_none());
    ahead.remade(second, base());
    assert!(ahead.take().base.is_some());
}

#[tokio::test]
async fn a_log_of_the_same_size_is_not_the_same_log() {
    let mut views = Vec::new();
    let mut made = None;
    for _ in 0..2 {
        let world = &World::new("SQLite").await.unwrap();
        let service = world.service().await;
        let first = ready(world, &service, 0).await;
        service.audit.keep(&first).await.unwrap();
        views.push(service.audit.store.view().await.unwrap());
        let second = ready(world, &service, 1).await;
        made = made.or(second.made.map(|made| (made, world.clock.clone())));
    }
    let (made, clock) = made.unwrap();
    assert_eq!(views[0].tree.size(), views[1].tree.size());
    assert!(made.fits(&views[0], &clock));
    assert!(!made.fits(&views[1], &clock));
}
