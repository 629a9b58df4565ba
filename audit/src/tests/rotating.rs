//! Another key-encryption key: nothing is lost on the way, and the old one is worth nothing at the end.

use std::sync::Arc;

use stage::{Chance, Clock as _, Stopper};

use super::{
    erasing::steps,
    records::About,
    world::{World, each, keep},
};
use crate::{
    Query,
    config::Job,
    erasure::{Cover, Opened, Rotation, Worker},
    history::History,
    keys,
    seal::Kek,
    service::Service,
};

/// More than two batches.
const CLIENTS: i64 = 1_100;

async fn append(world: &World, service: &Service, clients: std::ops::Range<i64>) {
    let about = |at| About::check(&format!("R-{at}"), &format!("A-{at}"), (0, at));
    let batch: Vec<_> = clients.flat_map(|at| about(at).journey(world)).collect();
    keep(service, &batch).await.unwrap();
}

#[tokio::test]
async fn a_rotation_under_appending_loses_nothing_and_leaves_the_old_key_without_use() {
    each(async |world| Box::pin(rotated_under_appending(world)).await).await;
}

async fn rotated_under_appending(world: &World) {
    let old_service = world.service().await;
    append(world, &old_service, 0..CLIENTS).await;
    let file = world.folder.path().join("next.key");
    std::fs::write(&file, "7b".repeat(32)).unwrap();
    let (old, next) = (world.config.kek().unwrap(), Kek::read(&file).unwrap());
    let database = world.key_database();
    let rotation = Rotation {
        keys: &database,
        old: &old,
        next: &next,
        chance: Chance::system(),
    };
    // It is stopped after one batch; meanwhile the service goes on with the old key.
    rotation.begin().await.unwrap();
    assert_eq!(rotation.some().await.unwrap(), 500);
    append(world, &old_service, CLIENTS..CLIENTS + 10).await;
    let resealed = crate::rotate(&world.config, &file, world.clock.now(), Chance::system()).await;
    // Each client once, and the service itself; the rest of the first batch was done before.
    assert_eq!(resealed.unwrap(), 1_110 + 1 - 500);
    let used = keys::open(&database).keks().await.unwrap();
    assert_eq!(used, [next.id().to_vec()]);

    let refused = History::open(&world.config).await.unwrap_err().to_string();
    assert!(refused.contains("audit.key_file"), "{refused}");
    let late = About::check("R-late", "A-late", (1, 0)).journey(world);
    let error = keep(&old_service, &late).await.unwrap_err().to_string();
    assert!(error.contains("not in use"), "{error}");
    drop(old_service);

    let mut config = world.config.clone();
    config.key_file = Some(file);
    let history = History::open(&config).await.unwrap();
    for at in [0, 499, 500, CLIENTS + 9] {
        let query = Query {
            account: Some(format!("A-{at}")),
            ..Query::default()
        };
        let found = history.checks(&query).await.unwrap().checks;
        let open = |check: &crate::Check| {
            check
                .steps
                .iter()
                .all(|step| step.provider_reference.is_some())
        };
        assert!(found.len() == 1 && open(&found[0]), "{}: {at}", world.name);
        assert_eq!(found[0].steps.len(), 4);
    }
    Box::pin(goes_on(world, next, &late)).await;
}

/// The service with the new key: what it appends is found with what was appended before, and it tells of the rotation.
async fn goes_on(world: &World, next: Kek, late: &[stage::Record]) {
    let (history, database) = (world.database(), world.key_database());
    let next = keys::with_index(keys::open(&database).as_ref(), next).await;
    let next = Arc::new(next.unwrap().unwrap());
    let service = Service::on((&history, &database), Arc::clone(&next), &world.context());
    service
        .codec
        .prepare(&[schemas::Topic::Audited])
        .await
        .unwrap();
    keep(&service, late).await.unwrap();
    let again = About::check("R-7b", "A-7", (2, 0)).journey(world);
    keep(&service, &again).await.unwrap();
    let opened = Opened::on((&history, &database), Arc::clone(&next));
    let worker = Worker {
        clients: crate::Clients::on(opened),
        backup_days: 30,
        job: Job::Report,
        cover: Cover::Nothing,
        stopper: Stopper::new(),
    };
    worker
        .turn(&service.audit, world.clock.now())
        .await
        .unwrap();
    let told = super::acts::own(world, &service).await;
    let (kind, _, body) = told.last().unwrap();
    assert_eq!(
        (kind.as_str(), &body["to"]),
        ("key", &hex::encode(next.id()).into())
    );
    let query = Query {
        account: Some("A-7".to_owned()),
        ..Query::default()
    };
    let reader = History::on((&history, &database), next);
    assert_eq!(reader.checks(&query).await.unwrap().checks.len(), 2);
}

#[tokio::test]
async fn before_a_rotation_the_key_in_use_is_no_new_one() {
    each(async |world| {
        let service = world.service().await;
        append(world, &service, 0..1).await;
        let file = world.config.key_file.clone().unwrap();
        let refused =
            crate::rotate(&world.config, &file, world.clock.now(), Chance::system()).await;
        assert!(refused.unwrap_err().to_string().contains("in use"));
        assert_eq!(steps(world, "A-0").await, 4);
    })
    .await;
}
