//! An erasure that a crash cut off is finished, and one that would take another account along is never begun.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use schemas::Timestamp;
use stage::{Chance, Clock as _};

use super::{
    acts::own,
    dying::Dying,
    erasing::{approved, clients, gone, steps, worker},
    records::About,
    world::{each, keep},
};
use crate::{ErasureError, State, config::Job};

#[tokio::test]
async fn a_crash_at_any_point_is_finished_at_the_next_start() {
    each(async |world| {
        for dies_after in 0..3 {
            let number = i64::from(dies_after);
            let service = world.service().await;
            let about = About::check(
                &format!("R-{dies_after}"),
                &format!("A-{dies_after}"),
                (0, number),
            );
            keep(&service, &about.journey(world)).await.unwrap();
            let id = approved(world, &about.account).await;
            let (dying, now) = (worker(world, Job::Report), world.clock.now());
            let mut erasure = clients(world).erasure(&id).await.unwrap().unwrap();
            assert!(dying.begin(&mut erasure, now).await.unwrap());
            if dies_after > 0 {
                let entry = dying.enter(&service.audit, &erasure).await.unwrap();
                if dies_after > 1 {
                    dying
                        .clients
                        .ledger
                        .entered(erasure.key, entry)
                        .await
                        .unwrap();
                }
            }
            drop(service);
            let left = clients(world).erasure(&id).await.unwrap().unwrap();
            assert_eq!(left.state, State::Destroying);
            assert_eq!(steps(world, &about.account).await, 4);
            let service = world.service().await;
            worker(world, Job::Report)
                .turn(&service.audit, now)
                .await
                .unwrap();
            let done = clients(world).erasure(&id).await.unwrap().unwrap();
            assert_eq!(done.state, State::Destroyed);
            assert_eq!(steps(world, &about.account).await, 0);
            let told = own(world, &service).await.into_iter();
            let times = told
                .filter(|(_, _, body)| body["id"] == id.as_str())
                .count();
            // Whoever dies between the entry and the note of it tells twice, under one id.
            assert_eq!(times, if dies_after == 1 { 2 } else { 1 });
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_of_two_accounts_is_not_erased_for_one_of_them() {
    each(async |world| {
        let service = world.service().await;
        let (one, other) = (gone(), About::check("R-2", "A-2", (0, 1)));
        let mut batch = one.journey(world);
        batch.extend(other.journey(world).into_iter().map(|mut record| {
            record.key = Some(one.customer().into_bytes());
            record
        }));
        keep(&service, &batch).await.unwrap();
        let why = ("they asked", "ann", Timestamp::from_micros(0));
        let refused = clients(world)
            .request("A-MARK-1", why, Chance::system())
            .await;
        assert!(
            matches!(refused, Err(ErasureError::Shared)),
            "{}",
            world.name
        );
    })
    .await;
}

#[tokio::test]
async fn no_key_goes_before_the_log_says_so() {
    each(async |world| {
        let mut service = world.service().await;
        keep(&service, &gone().journey(world)).await.unwrap();
        let when = Arc::new(AtomicU8::new(1));
        service.audit.store = Arc::new(Dying {
            inner: Arc::clone(&service.audit.store),
            death: Arc::<AtomicU8>::clone(&when),
        });
        let id = approved(world, "A-MARK-1").await;
        let (worker, now) = (worker(world, Job::Report), world.clock.now());
        assert!(worker.turn(&service.audit, now).await.is_err());
        assert_eq!(steps(world, "A-MARK-1").await, 4, "the log does not say so");
        when.store(0, Ordering::Relaxed);
        worker.turn(&service.audit, now).await.unwrap();
        let done = clients(world).erasure(&id).await.unwrap().unwrap();
        assert_eq!(done.state, State::Destroyed);
        assert_eq!(steps(world, "A-MARK-1").await, 0);
    })
    .await;
}
