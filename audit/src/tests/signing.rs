//! What is signed: only what is committed, and only what continues what was signed before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use stage::{
    Record,
    database::{Database, Lead},
    keep::Keep as _,
};

use super::{
    dying::DyingHeads,
    records::About,
    tiles::are_those_of_the_leaves,
    world::{World, each, keep},
};
use crate::{
    Evidence,
    log::{
        checkpoint::Checkpoint,
        policy::Policy,
        tree::{Hash, leaf_hash, root_of},
    },
    service::Service,
    signer::{
        NotSigned, Refusal, Signer,
        heads::{self, HeadStore},
    },
};

pub(crate) fn raws(offsets: std::ops::Range<i64>) -> Vec<Record> {
    offsets
        .map(|at| About::check(&format!("R-{at}"), "A-1", (0, at)).raw())
        .collect()
}

/// Why the log refuses to sign.
pub(crate) async fn refused(signer: &Signer) -> Refusal {
    match signer.sign().await {
        Err(NotSigned::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// The newest checkpoint of the history, verified against its leaves; its size.
pub(super) async fn newest(world: &World) -> Option<u64> {
    let key = world.config.log_key().unwrap().unwrap();
    let shown = world.evidence().checkpoint().await.unwrap()?;
    let (checkpoint, _) = Checkpoint::open(shown.note.as_bytes(), key.verifier()).unwrap();
    let mut hashes: Vec<Hash> = Vec::new();
    for index in 0..checkpoint.size {
        let leaf = world.evidence().leaf(index).await.unwrap();
        hashes.push(leaf_hash(
            &leaf.expect("a checkpoint is never ahead of the leaves"),
        ));
    }
    assert_eq!(checkpoint.root, root_of(&hashes));
    Some(checkpoint.size)
}

#[tokio::test]
async fn what_is_committed_is_signed_once_and_every_leaf_has_its_proof() {
    each(async |world| {
        let (service, signer) = (world.service().await, world.signer().await);
        signer.sign().await.unwrap();
        assert_eq!(newest(world).await, Some(0));
        keep(&service, &raws(0..9)).await.unwrap();
        signer.sign().await.unwrap();
        assert_eq!(newest(world).await, Some(10));
        let first = world.evidence().checkpoint().await.unwrap().unwrap();
        signer.sign().await.unwrap();
        assert_eq!(
            world.evidence().checkpoint().await.unwrap(),
            Some(first.clone())
        );
        keep(&service, &raws(9..300)).await.unwrap();
        // What is not signed yet has no proof.
        assert_eq!(world.evidence().proof(10, &first).await.unwrap(), None);
        signer.sign().await.unwrap();
        let shown = world.evidence().checkpoint().await.unwrap().unwrap();
        assert_eq!(shown.size, 302);
        let key = world.config.log_key().unwrap().unwrap();
        let policy = Policy::of_log(key.verifier().clone());
        for index in [0, 9, 10, 255, 256, 301] {
            let leaf = world.evidence().leaf(index).await.unwrap().unwrap();
            let proof = world
                .evidence()
                .proof(index, &shown)
                .await
                .unwrap()
                .unwrap();
            proof.verify(&leaf_hash(&leaf), &policy).unwrap();
        }
        let grown = world
            .evidence()
            .consistency(10, 302)
            .await
            .unwrap()
            .unwrap();
        let root = |note: &str| {
            Checkpoint::open(note.as_bytes(), key.verifier())
                .unwrap()
                .0
                .root
        };
        let (old, new) = (root(&first.note), root(&shown.note));
        assert!(crate::log::consistency::verify(
            (10, &old),
            (302, &new),
            &grown
        ));
    })
    .await;
}

#[tokio::test]
async fn cosignatures_are_shown_under_the_checkpoint_that_they_are_of() {
    each(async |world| {
        let signer = world.signer().await;
        keep(&world.service().await, &raws(0..3)).await.unwrap();
        signer.sign().await.unwrap();
        let bare = world.evidence().checkpoint().await.unwrap().unwrap();
        let body = bare.note.split_once("\n\n").unwrap().0.to_owned() + "\n";
        let key = crate::log::key::Kind::Witness;
        let witness = crate::log::key::SigningKey::new("witness.test", key, &[4; 32]).unwrap();
        for time in [1_790_000_001, 1_790_000_002] {
            let unsigned = u64::try_from(time).unwrap();
            let line = crate::log::cosignature::sign(&witness, unsigned, &body).unwrap();
            let given = (4, "witness.test", time, line.to_string());
            let log = signer.store.log();
            log.add_cosignature((given.0, given.1, given.2, &given.3))
                .await
                .unwrap();
        }
        let shown = world.evidence().checkpoint().await.unwrap().unwrap();
        let log = world.config.log_key().unwrap().unwrap();
        let text = format!(
            "log {}\nwitness w {}\nquorum w\n",
            log.verifier(),
            witness.verifier()
        );
        let satisfied = Policy::parse(&text)
            .unwrap()
            .check(shown.note.as_bytes())
            .unwrap();
        assert_eq!(satisfied.cosigned["w"], 1_790_000_002);
    })
    .await;
}

#[tokio::test]
async fn a_crash_anywhere_between_signing_and_showing_ends_with_the_same_bytes() {
    each(async |world| {
        let (service, mut signer) = (world.service().await, world.signer().await);
        let heads = Arc::clone(&signer.heads);
        let when = Arc::new(AtomicU8::new(0));
        signer.heads = Arc::new(DyingHeads {
            inner: Arc::clone(&heads),
            death: Arc::<AtomicU8>::clone(&when),
        });
        let dies = async |at: u8| {
            when.store(at, Ordering::Relaxed);
            assert!(matches!(signer.sign().await, Err(NotSigned::Retry(_))));
            when.store(0, Ordering::Relaxed);
        };
        keep(&service, &raws(0..3)).await.unwrap();
        dies(3).await;
        assert_eq!(
            (heads.read().await.unwrap(), newest(world).await),
            (None, None)
        );
        dies(4).await;
        // Stored, and not shown: the log grows before anybody looks.
        let stored = heads.read().await.unwrap().unwrap();
        assert_eq!(newest(world).await, None);
        keep(&service, &raws(3..6)).await.unwrap();
        dies(3).await;
        assert_eq!(
            newest(world).await,
            Some(4),
            "what was stored is shown first"
        );
        let shown = world.evidence().checkpoint().await.unwrap().unwrap();
        assert_eq!(shown.note, stored);
        signer.sign().await.unwrap();
        assert_eq!(newest(world).await, Some(8));
        dies_and_nothing_grows(world, &signer, (heads.as_ref(), &when)).await;
    })
    .await;
}

/// After a crash between storing and showing, a restart without new entries shows the same note.
async fn dies_and_nothing_grows(
    world: &World,
    signer: &Signer,
    (heads, when): (&dyn HeadStore, &AtomicU8),
) {
    keep(&world.service().await, &raws(6..7)).await.unwrap();
    when.store(4, Ordering::Relaxed);
    assert!(signer.sign().await.is_err());
    let stored = heads.read().await.unwrap().unwrap();
    world.signer().await.sign().await.unwrap();
    assert_eq!(
        world.evidence().checkpoint().await.unwrap().unwrap().note,
        stored
    );
    are_those_of_the_leaves(world).await;
}

#[tokio::test]
async fn of_two_signers_at_the_same_moment_one_signs_and_the_other_looks_again() {
    each(async |world| {
        let service = world.service().await;
        let (one, other) = (world.signer().await, world.signer().await);
        for round in 0..8 {
            keep(&service, &raws(round..round + 1)).await.unwrap();
            let (first, second) = tokio::join!(one.sign(), other.sign());
            for done in [&first, &second] {
                assert!(!matches!(done, Err(NotSigned::Refused(_))), "{done:?}");
            }
            one.sign().await.unwrap();
            other.sign().await.unwrap();
            assert_eq!(
                newest(world).await,
                Some(u64::try_from(round + 1).unwrap() * 2)
            );
        }
    })
    .await;
}

impl World {
    /// A service on another history with the keys of this world.
    pub(crate) async fn with_database(&self, history: &Database) -> Service {
        let kek = Arc::new(self.config.kek().unwrap());
        let service = Service::on((history, &self.key_database()), kek, &self.context());
        service.audit.offsets().await.unwrap();
        service
    }

    /// The signer as a process starts it.
    pub(crate) async fn signer(&self) -> Signer {
        let key = self.config.log_key().unwrap().unwrap();
        let origin = key.verifier().name().to_owned();
        Signer {
            store: crate::store::open(&self.database()),
            heads: heads::open(&self.config.head, &origin).await.unwrap(),
            key: Arc::new(key),
            clock: Arc::new(self.clock.clone()),
            lead: Lead::of(&self.database(), crate::signer::NAME),
            objections: crate::witness::Objections::default(),
            period: Duration::from_millis(self.config.checkpoint_ms),
        }
    }

    pub(crate) fn evidence(&self) -> Evidence {
        Evidence::on(crate::store::open(&self.database()))
    }
}
