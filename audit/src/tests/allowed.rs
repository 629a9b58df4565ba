//! The rights of the writer's role are enough to hold, to rotate and to erase.

use std::sync::Arc;

use stage::{Chance, Clock as _, database::Database};

use super::{
    append_only::plain_server,
    records::About,
    world::{World, execute, keep},
};
use crate::{
    Clients, State,
    config::Job,
    erasure::{Opened, Worker},
    service::Service,
};

#[tokio::test]
async fn the_writer_s_role_is_enough_to_hold_to_rotate_and_to_erase() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let name = format!("audit_eraser_{}", std::process::id());
    let mut config = world.config.clone();
    let owner = config.keys.url.clone();
    for sql in [
        format!("DROP ROLE IF EXISTS {name}"),
        format!("CREATE ROLE {name} LOGIN PASSWORD 'eraser-pw' IN ROLE audit_writer"),
    ] {
        execute(&owner, sql).await;
    }
    for location in [&mut config.database, &mut config.keys] {
        let (_, rest) = location.url.split_once('@').unwrap();
        location.url = format!("postgres://{name}:eraser-pw@{rest}");
    }
    let open = |location| Database::open(location, "test").unwrap();
    let (history, keys) = (open(&config.database), open(&config.keys));
    let kek = Arc::new(config.kek().unwrap());
    let used = crate::keys::open(&keys).use_kek(kek.id()).await;
    used.unwrap();
    let service = Service::on((&history, &keys), Arc::clone(&kek), &world.context());
    for (at, account) in ["A-1", "A-2"].into_iter().enumerate() {
        let about = About::check(account, account, (0, i64::try_from(at).unwrap()));
        keep(&service, &about.journey(&world)).await.unwrap();
    }
    let clients = Clients::on(Opened::on((&history, &keys), kek));
    let now = world.clock.now();
    let until = now.plus(super::erasing::DAY);
    clients
        .hold("A-2", until, ("law", "ann", now))
        .await
        .unwrap();
    clients.end("A-2", now, ("ann", now)).await.unwrap();
    let asked = clients
        .request("A-1", ("asked", "ann", now), Chance::system())
        .await;
    let id = asked.unwrap().id;
    clients.approve(&id, "bob", now).await.unwrap();
    let worker = Worker {
        clients,
        backup_days: 30,
        job: Job::Report,
    };
    worker.turn(&service.audit, now).await.unwrap();
    let erased = worker.clients.erasure(&id).await.unwrap().unwrap();
    assert_eq!(erased.state, State::Destroyed);
    let file = world.folder.path().join("next.key");
    std::fs::write(&file, "7b".repeat(32)).unwrap();
    let resealed = crate::rotate(&config, &file, now, Chance::system()).await;
    assert_eq!(resealed.unwrap(), 2, "the other client, and the service");
    drop((service, worker, history, keys));
    world.clear().await;
    execute(&plain_server(&owner), format!("DROP ROLE {name}")).await;
}
