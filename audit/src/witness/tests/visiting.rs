//! The log's visits to its witnesses: what is cosigned, what is shown, and what stops signing.

use std::{sync::Arc, time::Duration};

use stage::database::Database;

use super::Running;
use crate::{
    log::{key::VerifierKey, policy::Policy},
    signer::{Refusal, Signer},
    tests::{World, each, keep, raws, refused},
    witness::{Objection, Objections, Rhythm, Witness, Witnesses},
};

/// A witness of ours that knows the log of this world.
async fn witness(world: &World, name: &str) -> Running {
    let folder = world.folder.path().join(name);
    let running = Running::start(&folder, Arc::new(world.clock.clone())).await;
    let log = world.config.log_key().unwrap().unwrap();
    let known = running.server.add_log(&log.verifier().to_string()).await;
    known.unwrap();
    running
}

fn setting(running: &Running, name: &str) -> Witness {
    Witness {
        name: name.to_owned(),
        url: running.url(),
        key: running.server.vkey(),
    }
}

/// The signer of a world and its visits to these witnesses, as a process starts them.
async fn process(world: &World, witnesses: &[Witness]) -> (Signer, Witnesses) {
    let objections = Objections::default();
    let signer = Signer {
        objections: objections.clone(),
        ..world.signer().await
    };
    let witnesses = Witnesses::of(
        (witnesses, Rhythm::default()),
        Arc::clone(&signer.store),
        Arc::clone(&signer.key),
        Arc::clone(&signer.clock),
        objections,
    );
    (signer, witnesses.unwrap())
}

fn policy(world: &World, running: &Running) -> Policy {
    let log = world.config.log_key().unwrap().unwrap();
    let text = format!(
        "log {}\nwitness w {}\nquorum w\n",
        log.verifier(),
        running.server.vkey()
    );
    Policy::parse(&text).unwrap()
}

#[tokio::test]
async fn each_checkpoint_is_cosigned_and_shown_with_its_quorum() {
    each(async |world| {
        let running = witness(world, "one").await;
        let service = world.service().await;
        let (signer, witnesses) = process(world, &[setting(&running, "one")]).await;
        witnesses.round().await;
        for at in 0..3 {
            keep(&service, &raws(at..at + 1)).await.unwrap();
            signer.sign().await.unwrap();
            witnesses.round().await;
            let shown = world.evidence().checkpoint().await.unwrap().unwrap();
            let satisfied = policy(world, &running).check(shown.note.as_bytes());
            let satisfied = satisfied.unwrap();
            let now = u64::try_from(world.clock_seconds()).unwrap();
            assert_eq!(satisfied.cosigned["w"], now);
            world.clock.advance(Duration::from_secs(7));
        }
        keep(&service, &raws(3..4)).await.unwrap();
        signer.sign().await.unwrap();
        // Signed and not yet cosigned: only who asks for no quorum sees it.
        let size = async |quorum| {
            let evidence = world.evidence().asking(quorum);
            let shown = evidence.checkpoint().await.unwrap();
            shown.map(|shown| shown.size)
        };
        assert_eq!(
            (size(0).await, size(1).await, size(2).await),
            (Some(8), Some(6), None)
        );
        // Another process goes on where this one ended, and learns from the witness where that is.
        let (_, again) = process(world, &[setting(&running, "one")]).await;
        again.round().await;
        assert_eq!(size(1).await, Some(8));
        again.round().await;
        let lines = signer.store.log().cosignatures(8).await.unwrap();
        assert_eq!(lines.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_rewritten_history_that_is_validly_signed_stops_signing() {
    each(async |world| {
        let running = witness(world, "one").await;
        let (signer, witnesses) = process(world, &[setting(&running, "one")]).await;
        keep(&world.service().await, &raws(0..5)).await.unwrap();
        signer.sign().await.unwrap();
        witnesses.round().await;
        // The same log and key with other entries, and a head store of its own that knows nothing.
        let Some(other) = World::new(world.name).await else {
            return;
        };
        let service = other.service().await;
        keep(&service, &raws(0..5)).await.unwrap();
        for (grown, size) in [(0, 6), (3, 10)] {
            if grown > 0 {
                keep(&service, &raws(5..5 + grown)).await.unwrap();
            }
            let (signer, witnesses) = process(&other, &[setting(&running, "one")]).await;
            signer.sign().await.unwrap();
            witnesses.round().await;
            let fork = Objection::Fork {
                witness: "one".to_owned(),
                size,
            };
            assert_eq!(refused(&signer).await, Refusal::Witnessed(fork));
            let told = refused(&signer).await.to_string();
            assert!(told.contains("`one`") && told.contains("restore"), "{told}");
        }
        other.clear().await;
    })
    .await;
}

#[tokio::test]
async fn a_history_older_than_what_a_witness_saw_is_not_signed_at_the_start() {
    each(async |world| {
        let running = witness(world, "one").await;
        let (signer, witnesses) = process(world, &[setting(&running, "one")]).await;
        keep(&world.service().await, &raws(0..5)).await.unwrap();
        signer.sign().await.unwrap();
        witnesses.round().await;
        // Everything was lost, the head store too; only the key is left.
        let Some(other) = World::new(world.name).await else {
            return;
        };
        let (signer, witnesses) = process(&other, &[setting(&running, "one")]).await;
        witnesses.greet(&other.context()).await;
        let behind = |size| {
            Refusal::Witnessed(Objection::Behind {
                witness: "one".to_owned(),
                seen: 6,
                size,
            })
        };
        assert_eq!(refused(&signer).await, behind(0));
        let told = refused(&signer).await.to_string();
        assert!(
            told.contains("cosigned 6") && told.contains("restore"),
            "{told}"
        );
        // It grows beyond what was seen: another history all the same.
        keep(&other.service().await, &raws(0..9)).await.unwrap();
        assert_eq!(refused(&signer).await, behind(0));
        let (signer, witnesses) = process(&other, &[setting(&running, "one")]).await;
        witnesses.greet(&other.context()).await;
        let strange = Objection::Strange {
            witness: "one".to_owned(),
            seen: 6,
        };
        assert_eq!(refused(&signer).await, Refusal::Witnessed(strange));
        assert_eq!(other.evidence().checkpoint().await.unwrap(), None);
        other.clear().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_log_and_a_new_witness_begin_together() {
    let world = World::new("SQLite").await.unwrap();
    let running = witness(&world, "one").await;
    let (signer, witnesses) = process(&world, &[setting(&running, "one")]).await;
    witnesses.greet(&world.context()).await;
    signer.sign().await.unwrap();
    witnesses.round().await;
    keep(&world.service().await, &raws(0..2)).await.unwrap();
    signer.sign().await.unwrap();
    witnesses.round().await;
    let shown = world.evidence().asking(1).checkpoint().await.unwrap();
    assert_eq!(shown.unwrap().size, 3);
}

#[tokio::test]
async fn a_witness_that_does_not_know_the_log_or_is_away_stops_nothing() {
    let world = World::new("SQLite").await.unwrap();
    let folder = world.folder.path().join("stranger");
    let stranger = Running::start(&folder, Arc::new(world.clock.clone())).await;
    let good = witness(&world, "good").await;
    let mut away = setting(&stranger, "away");
    let other =
        crate::log::key::SigningKey::new("away.test", crate::log::key::Kind::Witness, &[5; 32]);
    away.key = other.unwrap().verifier().to_string();
    away.url = "http://127.0.0.1:1".to_owned();
    let mut named = setting(&good, "good");
    let key = VerifierKey::parse(&named.key).unwrap();
    assert_eq!(key.name(), "witness.test/ours");
    named.name = "good".to_owned();
    let (signer, witnesses) = process(&world, &[away, setting(&stranger, "stranger"), named]).await;
    let service = world.service().await;
    for at in 0..2 {
        keep(&service, &raws(at..at + 1)).await.unwrap();
        signer.sign().await.unwrap();
        witnesses.round().await;
        let size = (at + 1) * 2;
        let lines = signer.store.log().cosignatures(size).await.unwrap();
        assert_eq!(lines.len(), 1, "at {size}");
    }
}

#[tokio::test]
async fn a_checkpoint_that_vanishes_while_the_process_runs_stops_signing() {
    let world = World::new("SQLite").await.unwrap();
    let running = witness(&world, "one").await;
    let (signer, witnesses) = process(&world, &[setting(&running, "one")]).await;
    let service = world.service().await;
    for at in 0..2 {
        keep(&service, &raws(at..at + 1)).await.unwrap();
        signer.sign().await.unwrap();
        witnesses.round().await;
    }
    assert_eq!(signer.objections.none(), Ok(()));
    let Database::Sqlite(pool) = world.database() else {
        unreachable!()
    };
    for sql in [
        "DROP TRIGGER checkpoints_delete",
        "DELETE FROM checkpoints WHERE size = 4",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    witnesses.round().await;
    let strange = Objection::Strange {
        witness: "one".to_owned(),
        seen: 4,
    };
    assert_eq!(signer.objections.none(), Err(strange));
}
