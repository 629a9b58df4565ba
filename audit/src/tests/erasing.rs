//! Erasing by law: two people, nothing that is held, and afterwards nothing anywhere, whenever it crashed.

use std::{path::Path, sync::Arc};

use serde_json::Value;
use stage::{Chance, Clock as _, Stopper, keep::Keep as _};
use uuid::Uuid;

use super::{
    acts::own,
    records::About,
    tiles::are_those_of_the_leaves,
    world::{World, each, keep},
};
use crate::{
    Clients, ErasureError, Query, State,
    config::Job,
    erasure::{Cover, Opened, Worker},
    keys::{self, open_key},
    service::Service,
};

pub(super) const DAY: std::time::Duration = std::time::Duration::from_hours(24);

pub(super) fn clients(world: &World) -> Clients {
    let kek = Arc::new(world.config.kek().unwrap());
    let databases = (world.database(), world.key_database());
    Clients::on(Opened::on((&databases.0, &databases.1), kek))
}

pub(super) fn worker(world: &World, job: Job) -> Worker {
    Worker {
        clients: clients(world),
        backup_days: 30,
        job,
        cover: Cover::Nothing,
        stopper: Stopper::new(),
    }
}

pub(super) async fn approved(world: &World, account: &str) -> String {
    let (clients, now) = (clients(world), world.clock.now());
    let why = ("they asked", "ann", now);
    let request = clients.request(account, why, Chance::system()).await;
    let id = request.unwrap().id;
    clients.approve(&id, "bob", now).await.unwrap();
    id
}

pub(super) async fn steps(world: &World, account: &str) -> usize {
    let query = Query {
        account: Some(account.to_owned()),
        ..Query::default()
    };
    let steps = world.steps(query).await;
    assert!(steps.iter().all(|step| step.provider_reference.is_some()));
    steps.len()
}

pub(super) fn gone() -> About {
    About::check("R-MARK-1", "A-MARK-1", (0, 0))
}

pub(super) async fn two_clients(world: &World) -> Service {
    let service = world.service().await;
    let stays = About::check("R-2", "A-2", (1, 0));
    let batch = [gone().journey(world), stays.journey(world)].concat();
    keep(&service, &batch).await.unwrap();
    service
}

/// The one subject of an account, its key as it is kept, and the key.
pub(super) async fn secrets(world: &World) -> (Uuid, Vec<u8>, Vec<u8>) {
    let store = keys::open(&world.key_database());
    let kek = world.config.kek().unwrap();
    let name = kek.blind(crate::seal::Kind::Client, gone().customer().as_bytes());
    let subject = store.handles(&[name]).await.unwrap()[0].1;
    let wrapped = store.data_keys(&[subject]).await.unwrap().remove(0);
    let key = open_key(&kek, &wrapped).unwrap();
    (subject, wrapped.sealed, key.bytes().to_vec())
}

/// Whether any file of the world holds these bytes; the folder has databases, their logs and journals.
fn lies_around(folder: &Path, bytes: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap();
    files.into_iter().any(|file| {
        let held = std::fs::read(file.unwrap().path()).unwrap_or_default();
        held.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn two_people_are_needed_and_one_under_two_names_is_one() {
    each(async |world| {
        let service = two_clients(world).await;
        let (clients, now) = (clients(world), world.clock.now());
        let why = ("they asked", " Ann", now);
        let request = clients
            .request("A-MARK-1", why, Chance::system())
            .await
            .unwrap();
        for same in ["ann", "ANN ", " Ann"] {
            let refused = clients.approve(&request.id, same, now).await;
            assert!(matches!(refused, Err(ErasureError::SamePerson)), "{same:?}");
        }
        let nobody = clients.approve(&request.id, " ", now).await;
        assert!(matches!(nobody, Err(ErasureError::Nobody)));
        worker(world, Job::Report)
            .turn(&service.audit, now)
            .await
            .unwrap();
        assert_eq!(steps(world, "A-MARK-1").await, 4, "one person has erased");
        clients.approve(&request.id, "bob", now).await.unwrap();
        let again = clients.approve(&request.id, "carl", now).await;
        assert!(matches!(again, Err(ErasureError::Settled("approved"))));
        let unknown = clients.request("A-9", why, Chance::system()).await;
        assert!(matches!(unknown, Err(ErasureError::Unknown)));
    })
    .await;
}

#[tokio::test]
async fn what_is_held_is_refused_with_the_date_also_if_it_is_held_after_the_approval() {
    each(async |world| {
        let service = two_clients(world).await;
        let (clients, now) = (clients(world), world.clock.now());
        let id = approved(world, "A-MARK-1").await;
        let until = now.plus(DAY * 100);
        let why = ("money laundering act", "carl", now);
        assert_eq!(clients.hold("id-A-MARK-1", until, why).await.unwrap(), 1);
        let shorter = clients.hold("A-MARK-1", now.plus(DAY), why).await;
        assert!(matches!(shorter, Err(ErasureError::Shorter(held)) if held == until));
        let worker = worker(world, Job::Report);
        worker.turn(&service.audit, now).await.unwrap();
        let refused = clients.erasure(&id).await.unwrap().unwrap();
        assert_eq!(refused.state, State::Refused);
        assert!(refused.why.unwrap().contains(&until.to_string()));
        assert_eq!(steps(world, "A-MARK-1").await, 4);
        let ask = async |now| {
            let why = ("they asked", "ann", now);
            clients.request("A-MARK-1", why, Chance::system()).await
        };
        assert!(matches!(ask(now).await, Err(ErasureError::Held(held)) if held == until));
        ask(until).await.unwrap();
        let told = own(world, &service).await;
        let holds: Vec<&Value> = told
            .iter()
            .filter(|(kind, ..)| kind == "hold")
            .map(|(.., body)| body)
            .collect();
        assert_eq!(holds.len(), 1);
        assert_eq!(holds[0]["until"], until.micros());
        assert_eq!(
            (&holds[0]["by"], &holds[0]["basis"]),
            (&why.1.into(), &why.0.into())
        );
    })
    .await;
}

#[tokio::test]
async fn after_an_erasure_nothing_opens_or_is_found_and_every_leaf_stands() {
    each(async |world| {
        let service = two_clients(world).await;
        let (subject, sealed, key) = secrets(world).await;
        let folder = world.folder.path();
        assert!(
            world.name != "SQLite" || lies_around(folder, &sealed),
            "the search finds nothing"
        );
        let before = service.audit.store.log().leaves(0, 8).await.unwrap();
        let id = approved(world, "A-MARK-1").await;
        let now = world.clock.now();
        worker(world, Job::Report)
            .turn(&service.audit, now)
            .await
            .unwrap();
        assert_eq!(
            steps(world, "A-MARK-1").await + steps(world, "id-A-MARK-1").await,
            0
        );
        assert_eq!(
            steps(world, "A-2").await,
            4,
            "another client was erased, too"
        );
        for what in [&sealed, &key] {
            assert!(
                !lies_around(folder, what),
                "{}: a key lies around",
                world.name
            );
        }
        for marker in ["A-MARK-1", "R-MARK-1", "Agnieszka"] {
            assert!(
                !lies_around(folder, marker.as_bytes())
                    && !world.holds(&world.config.keys, marker).await
            );
        }
        let store = keys::open(&world.key_database());
        assert!(store.data_keys(&[subject]).await.unwrap().is_empty());
        for name in ["A-MARK-1", "id-A-MARK-1"] {
            let erased = clients(world).erased(name).await.unwrap().unwrap();
            assert_eq!(
                (erased.id.as_str(), erased.state),
                (id.as_str(), State::Destroyed)
            );
            assert_eq!(erased.effective_by, Some(now.plus(DAY * 31)));
            assert_eq!(erased.destroyed_at, Some(now));
        }
        assert!(clients(world).erased("A-2").await.unwrap().is_none());
        let told = own(world, &service).await;
        let (kind, _, body) = told.last().unwrap();
        assert_eq!((kind.as_str(), &body["events"]), ("erase", &4.into()));
        assert_eq!(
            (&body["requester"], &body["approver"]),
            (&"ann".into(), &"bob".into())
        );
        assert_eq!(body["subjects"], serde_json::json!([subject.to_string()]));
        assert_eq!(
            service.audit.store.log().leaves(0, 8).await.unwrap(),
            before
        );
        assert_eq!(are_those_of_the_leaves(world).await, 10);
    })
    .await;
}

#[tokio::test]
async fn what_comes_after_an_erasure_is_sealed_with_a_new_key_and_found() {
    each(async |world| {
        let service = two_clients(world).await;
        let id = approved(world, "A-MARK-1").await;
        let now = world.clock.now();
        worker(world, Job::Report)
            .turn(&service.audit, now)
            .await
            .unwrap();
        let again = About::check("R-MARK-1", "A-MARK-1", (0, 1));
        keep(&service, &again.journey(world)).await.unwrap();
        assert_eq!(steps(world, "A-MARK-1").await, 4, "{}", world.name);
        let second = approved(world, "A-MARK-1").await;
        assert_ne!(id, second);
        worker(world, Job::Report)
            .turn(&service.audit, now)
            .await
            .unwrap();
        assert_eq!(steps(world, "A-MARK-1").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_was_readied_before_an_erasure_is_sealed_with_a_new_key_and_found() {
    each(async |world| {
        let service = two_clients(world).await;
        let again = About::check("R-MARK-1", "A-MARK-1", (0, 1)).journey(world);
        let readied = service.audit.ready(again).await;
        approved(world, "A-MARK-1").await;
        worker(world, Job::Report)
            .turn(&service.audit, world.clock.now())
            .await
            .unwrap();
        service.audit.keep(&readied).await.unwrap();
        assert_eq!(steps(world, "A-MARK-1").await, 4, "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn nobody_looks_names_up_while_keys_are_destroyed() {
    each(async |world| {
        let service = two_clients(world).await;
        let again = About::check("R-MARK-1", "A-MARK-1", (0, 1)).journey(world);
        let destroying = service.audit.keys.alone().await;
        let mut ready = std::pin::pin!(service.audit.ready(again));
        tokio::select! {
            biased;
            _ready = &mut ready => panic!("{}: it did not wait", world.name),
            // Everything that the batch needs is in memory, so without the wait it would be ready at once.
            () = async { for _ in 0..1_000 { tokio::task::yield_now().await } } => {}
        }
        drop(destroying);
        service.audit.keep(&ready.await).await.unwrap();
        assert_eq!(steps(world, "A-MARK-1").await, 8, "{}", world.name);
    })
    .await;
}
