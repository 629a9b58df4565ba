//! The rights of the writer's role are enough to hold, to rotate and to erase, and those of the reader's to look.

use std::sync::Arc;

use stage::{Chance, Clock as _, Stopper, database::Database};

use super::{
    append_only::plain_server,
    records::About,
    world::{World, execute, keep},
};
use crate::{
    Asked, Clients, Query, State, Viewer, Viewing,
    config::Job,
    erasure::{Cover, Opened, Worker},
    looks::Noted,
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
        cover: Cover::Nothing,
        stopper: Stopper::new(),
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

#[tokio::test]
async fn who_may_only_look_notes_that_they_did_and_takes_no_note_back() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let service = world.service().await;
    let about = About::check("R-1", "A-1", (0, 0));
    keep(&service, &about.journey(&world)).await.unwrap();
    let name = format!("audit_onlooker_{}", std::process::id());
    let mut config = world.config.clone();
    let owner = config.keys.url.clone();
    for sql in [
        format!("DROP ROLE IF EXISTS {name}"),
        format!("CREATE ROLE {name} LOGIN PASSWORD 'onlooker-pw' IN ROLE audit_reader"),
    ] {
        execute(&owner, sql).await;
    }
    for location in [&mut config.database, &mut config.keys] {
        let (_, rest) = location.url.split_once('@').unwrap();
        location.url = format!("postgres://{name}:onlooker-pw@{rest}");
    }
    let clock = Arc::new(world.clock.clone());
    let viewing = Viewing::open(&config, clock, Chance::system()).await;
    let viewing = viewing.unwrap();
    let viewer = Viewer::of_command("ann", Asked::History, None);
    let page = viewing.checks(&viewer, &Query::default()).await.unwrap();
    assert_eq!(page.checks.len(), 1);
    let Database::Postgres(pool) = Database::open(&config.keys, "test").unwrap() else {
        panic!("another database");
    };
    for sql in [
        "DELETE FROM looks",
        "UPDATE looks SET body = ''",
        "TRUNCATE looks",
    ] {
        let refused = sqlx::query(sql).execute(&pool).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{sql}");
    }
    let noted = Noted(world.key_database()).waiting().await.unwrap();
    assert_eq!(noted.len(), 1);
    drop((service, viewing));
    pool.close().await;
    world.clear().await;
    execute(&plain_server(&owner), format!("DROP ROLE {name}")).await;
}
