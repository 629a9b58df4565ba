//! No key goes before what tells of it is signed, and cosigned where witnesses are asked; and the date it tells is kept.

use std::{sync::Arc, time::Duration};

use stage::{Clock as _, SystemClock};

use super::{
    acts::own,
    erasing::{DAY, approved, clients, gone, steps, worker},
    signing::newest,
    world::{World, each, keep},
};
use crate::{
    Erasure, State,
    config::Job,
    erasure::{Cover, Worker},
    witness::{Objections, Rhythm, Witness, Witnesses, tests::Running},
};

fn asking(world: &World, cover: Cover) -> Worker {
    Worker {
        cover,
        ..worker(world, Job::Report)
    }
}

async fn state(world: &World, id: &str) -> Erasure {
    clients(world).erasure(id).await.unwrap().unwrap()
}

/// That it waits, that its keys are there, and what for.
async fn waits(world: &World, id: &str) -> String {
    let erasure = state(world, id).await;
    assert_eq!(erasure.state, State::Destroying, "{}", world.name);
    assert_eq!(steps(world, "A-MARK-1").await, 4, "a key went too early");
    erasure.why.unwrap()
}

async fn is_erased(world: &World, id: &str) {
    let erasure = state(world, id).await;
    assert_eq!((erasure.state, erasure.why), (State::Destroyed, None));
    assert_eq!(steps(world, "A-MARK-1").await, 0);
}

#[tokio::test]
async fn no_key_goes_before_a_checkpoint_covers_what_tells_of_it() {
    each(async |world| {
        let (service, signer) = (world.service().await, world.signer().await);
        keep(&service, &gone().journey(world)).await.unwrap();
        signer.sign().await.unwrap();
        let id = approved(world, "A-MARK-1").await;
        let now = world.clock.now();
        let turn = async || {
            let worker = asking(world, Cover::Checkpoint);
            worker.turn(&service.audit, now).await.unwrap();
        };
        turn().await;
        // What is signed ends just before the entry.
        let entry = state(world, &id).await.entry.unwrap();
        let size = newest(world).await.map(i64::try_from);
        assert_eq!(size, Some(Ok(entry)));
        assert!(waits(world, &id).await.contains("no checkpoint is signed"));
        turn().await;
        waits(world, &id).await;
        signer.sign().await.unwrap();
        turn().await;
        is_erased(world, &id).await;
    })
    .await;
}

#[tokio::test]
async fn no_key_goes_while_no_witness_answers_also_after_a_restart() {
    each(async |world| {
        let (service, signer) = (world.service().await, world.signer().await);
        keep(&service, &gone().journey(world)).await.unwrap();
        let folder = world.folder.path().join("witness");
        let running = Running::start(&folder, Arc::new(SystemClock)).await;
        let witness = |url: String| Witness {
            name: "one".to_owned(),
            url,
            key: running.server.vkey(),
        };
        let visits = async |one: Witness| {
            let witnesses = Witnesses::of(
                (&[one], Rhythm::default()),
                Arc::clone(&signer.store),
                Arc::clone(&signer.key),
                Arc::new(SystemClock),
                Objections::default(),
            );
            witnesses.unwrap().round().await;
        };
        let id = approved(world, "A-MARK-1").await;
        let now = world.clock.now();
        let cover = Cover::Cosigned(1);
        let turn = asking(world, cover).turn(&service.audit, now).await;
        turn.unwrap();
        signer.sign().await.unwrap();
        visits(witness("http://127.0.0.1:1".to_owned())).await;
        drop(service);
        // The next process goes on with what it finds, and waits as well.
        let service = world.service().await;
        let next = asking(world, cover);
        next.turn(&service.audit, now).await.unwrap();
        assert!(waits(world, &id).await.contains("cosigned by 1 witnesses"));
        let log = world.config.log_key().unwrap().unwrap();
        let known = running.server.add_log(&log.verifier().to_string()).await;
        known.unwrap();
        visits(witness(running.url())).await;
        next.turn(&service.audit, now).await.unwrap();
        is_erased(world, &id).await;
        let told = own(world, &service).await.into_iter();
        let entries = told.filter(|(_, _, body)| body["id"] == id.as_str());
        assert_eq!(entries.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn keys_that_go_late_go_by_a_date_that_is_told_anew() {
    each(async |world| {
        let (service, signer) = (world.service().await, world.signer().await);
        keep(&service, &gone().journey(world)).await.unwrap();
        let id = approved(world, "A-MARK-1").await;
        let turn = async || {
            let worker = asking(world, Cover::Checkpoint);
            let now = world.clock.now();
            worker.turn(&service.audit, now).await.unwrap();
        };
        turn().await;
        let first = state(world, &id).await.effective_by.unwrap();
        // The signer is away for longer than the first date allows for.
        world.clock.advance(DAY + Duration::from_secs(1));
        signer.sign().await.unwrap();
        turn().await;
        turn().await;
        let second = state(world, &id).await.effective_by.unwrap();
        assert_eq!(second, world.clock.now().plus(DAY * 31));
        waits(world, &id).await;
        signer.sign().await.unwrap();
        turn().await;
        is_erased(world, &id).await;
        let done = state(world, &id).await;
        assert!(done.destroyed_at.unwrap().plus(DAY * 30) <= done.effective_by.unwrap());
        let told = own(world, &service).await.into_iter();
        let dates: Vec<_> = told
            .filter(|(_, _, body)| body["id"] == id.as_str())
            .map(|(_, _, body)| body["effective_by"].as_i64())
            .collect();
        assert_eq!(dates, [Some(first.micros()), Some(second.micros())]);
    })
    .await;
}
