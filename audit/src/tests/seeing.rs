//! No erasure ends while the transaction of somebody else keeps deleted keys in the files of a server.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool, query_as};
use stage::{Clock as _, database::Database};

use super::{
    erasing::{approved, clients, two_clients, worker},
    world::{World, variable},
};
use crate::{State, config::Job};

fn keys_of(world: &World) -> PgPool {
    let Database::Postgres(pool) = world.key_database() else {
        unreachable!()
    };
    pool
}

/// Whose transaction writes in another database of the server.
async fn writing() -> PgConnection {
    let url = variable("IDTRAIL_TEST_POSTGRES").unwrap();
    let mut writer = PgConnection::connect(&url).await.unwrap();
    for sql in ["BEGIN", "SELECT pg_current_xact_id()"] {
        sqlx::query(sql).execute(&mut writer).await.unwrap();
    }
    writer
}

/// How many keys there are, and the file that they are in.
async fn lying(pool: &PgPool) -> (i64, i64) {
    let sql = "SELECT count(*), pg_relation_filenode('data_keys')::bigint FROM data_keys";
    query_as(sql).fetch_one(pool).await.unwrap()
}

async fn state(world: &World, id: &str) -> State {
    clients(world).erasure(id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn whoever_still_sees_deleted_keys_holds_up_the_end_of_an_erasure() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let service = two_clients(&world).await;
    let mut reading = keys_of(&world)
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .unwrap();
    let seen: (i64,) = query_as("SELECT count(*) FROM handles")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    assert!(seen.0 > 0);
    let id = approved(&world, "A-MARK-1").await;
    let now = world.clock.now();
    let turn = worker(&world, Job::Report).turn(&service.audit, now).await;
    let why = turn.unwrap_err().to_string();
    assert!(why.contains("still reads the key database"), "{why}");
    assert_eq!(state(&world, &id).await, State::Destroying);
    reading.rollback().await.unwrap();
    let done = worker(&world, Job::Report).turn(&service.audit, now).await;
    done.unwrap();
    assert_eq!(state(&world, &id).await, State::Destroyed);
    world.clear().await;
}

#[tokio::test]
async fn who_writes_in_another_database_is_waited_for_and_no_key_is_written_anew_meanwhile() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let (service, keys) = (two_clients(&world).await, keys_of(&world));
    let before = lying(&keys).await;
    let mut writer = writing().await;
    let id = approved(&world, "A-MARK-1").await;
    let (worker, now) = (worker(&world, Job::Report), world.clock.now());
    let ends = async {
        while lying(&keys).await.0 == before.0 {
            tokio::task::yield_now().await;
        }
        // Long enough for the first of its looks.
        for _ in 0..100 {
            assert_eq!(lying(&keys).await.1, before.1, "written anew too early");
        }
        assert_eq!(state(&world, &id).await, State::Destroying);
        sqlx::query("COMMIT").execute(&mut writer).await.unwrap();
    };
    let both = async { tokio::join!(worker.turn(&service.audit, now), ends) };
    let both = tokio::time::timeout(Duration::from_mins(1), both).await;
    let (turn, ()) = both.expect("waited a minute for keys to go and for the end of the erasure");
    turn.unwrap();
    assert_eq!(state(&world, &id).await, State::Destroyed);
    assert_ne!(lying(&keys).await.1, before.1);
    world.clear().await;
}

#[tokio::test]
async fn a_stop_ends_the_wait_and_the_next_process_goes_on() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let service = two_clients(&world).await;
    let mut writer = writing().await;
    let id = approved(&world, "A-MARK-1").await;
    let (stopped, now) = (worker(&world, Job::Report), world.clock.now());
    stopped.stopper.stop();
    let why = stopped.turn(&service.audit, now).await.unwrap_err();
    assert!(why.to_string().contains("pg_stat_activity"), "{why}");
    assert_eq!(state(&world, &id).await, State::Destroying);
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();
    let next = worker(&world, Job::Report).turn(&service.audit, now).await;
    next.unwrap();
    assert_eq!(state(&world, &id).await, State::Destroyed);
    world.clear().await;
}
