//! What stands in the databases tells nothing without the key, and a destroyed key is destroyed.

use std::sync::Arc;

use sqlx::{Connection as _, query};
use stage::{Record, database::Database};

use super::{
    records::{About, SECRET, position, refused, replayed},
    world::{World, each, keep},
};
use crate::{Query, history::History};

/// What was planted: the body, its parts, who it is about, and every name that a check is found by.
const MARKERS: [&str; 12] = [
    SECRET,
    "Agnieszka",
    "X9-SECRET-77",
    "A-MARK-1",
    "id-A-MARK-1",
    "CON-A-MARK-1",
    "A-MARK-1:CON-A-MARK-1",
    "R-MARK-1",
    "T-R-MARK-1",
    "jumio/R-MARK-1",
    "192.0.2.7",
    "garbage-MARK",
];

fn marked() -> About {
    About::check("R-MARK-1", "A-MARK-1", (0, 0))
}

async fn planted(world: &World) {
    let about = marked();
    let mut batch = about.journey(world);
    batch.push(world.record(&refused(&about), &about, (0, 0)));
    batch.push(world.record(
        &replayed(&position(schemas::Topic::Raw, (0, 0))),
        &about,
        (0, 0),
    ));
    batch.push(Record {
        value: Some(b"garbage-MARK".to_vec()),
        position: position(schemas::Topic::Checked, (1, 0)),
        topic: schemas::Topic::Checked,
        ..about.raw()
    });
    keep(&world.service().await, &batch).await.unwrap();
}

#[tokio::test]
async fn no_table_and_no_file_holds_what_was_sealed_or_by_what_it_is_found() {
    each(async |world| {
        planted(world).await;
        for location in [&world.config.database, &world.config.keys] {
            for marker in MARKERS {
                assert!(
                    !world.holds(location, marker).await,
                    "{}: {marker} in {}",
                    world.name,
                    location.url
                );
            }
        }
        // The search finds what is there.
        assert!(world.holds(&world.config.database, "idtrail.checked").await);
    })
    .await;
}

#[tokio::test]
async fn another_key_file_is_refused_and_opens_nothing() {
    each(async |world| {
        planted(world).await;
        let mut config = world.config.clone();
        let file = world.folder.path().join("other.key");
        std::fs::write(&file, [0xa5; 32]).unwrap();
        config.key_file = Some(file);
        let error = History::open(&config).await.unwrap_err().to_string();
        assert!(error.contains("audit.key_file"), "{error}");
        let error = crate::start(config.clone(), world.context())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("audit.key_file"), "{error}");
        // If the note of the first key is gone, the history is refused; and even past that no body opens.
        execute(&world.key_database(), "DELETE FROM key_encryption_keys").await;
        let error = History::open(&config).await.unwrap_err().to_string();
        assert!(error.contains("restore the key database"), "{error}");
        let (database, keys) = config.open().await.unwrap();
        let kek = Arc::new(config.kek().unwrap());
        let history = History::on((&database, &keys), kek);
        let error = history
            .checks(&Query::default())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sealed by the key-encryption key"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_client_whose_key_was_destroyed_has_steps_without_content() {
    each(async |world| {
        let service = world.service().await;
        let (gone, stays) = (marked(), About::check("R-2", "A-2", (1, 0)));
        keep(
            &service,
            &[gone.journey(world), stays.journey(world)].concat(),
        )
        .await
        .unwrap();
        let erased = subject_of(world, 0).await;
        let keys = world.key_database();
        match &keys {
            Database::Sqlite(pool) => query("DELETE FROM data_keys WHERE subject = ?")
                .bind(erased)
                .execute(pool)
                .await
                .map(|_| ()),
            Database::Postgres(pool) => query("DELETE FROM data_keys WHERE subject = $1")
                .bind(erased)
                .execute(pool)
                .await
                .map(|_| ()),
        }
        .unwrap();
        let steps = world.steps(Query::default()).await;
        let (sealed, open): (Vec<_>, Vec<_>) = steps
            .into_iter()
            .partition(|step| step.source.partition == 0);
        // The callback is found by what points to it, which is sealed now.
        assert_eq!((sealed.len(), open.len()), (3, 4), "{}", world.name);
        for step in sealed {
            let known = [
                step.provider,
                step.provider_reference,
                step.account,
                step.event_id,
                step.outcome,
            ];
            assert!(known.iter().all(Option::is_none), "{known:?}");
            assert_eq!(step.leaf_hash.len(), 64);
        }
        assert!(
            open.iter()
                .all(|step| step.provider_reference.as_deref() == Some("R-2"))
        );
    })
    .await;
}

async fn subject_of(world: &World, seq: i64) -> uuid::Uuid {
    let (subject,): (uuid::Uuid,) = match world.database() {
        Database::Sqlite(pool) => {
            sqlx::query_as("SELECT subject FROM bodies WHERE seq = ?")
                .bind(seq)
                .fetch_one(&pool)
                .await
        }
        Database::Postgres(pool) => {
            sqlx::query_as("SELECT subject FROM bodies WHERE seq = $1")
                .bind(seq)
                .fetch_one(&pool)
                .await
        }
    }
    .unwrap();
    subject
}

pub(super) async fn execute(database: &Database, sql: &'static str) {
    match database {
        Database::Sqlite(pool) => query(sql).execute(pool).await.map(|_| ()),
        Database::Postgres(pool) => query(sql).execute(pool).await.map(|_| ()),
    }
    .unwrap();
}

#[tokio::test]
async fn every_leaf_commits_to_its_body_and_every_root_to_the_leaves() {
    each(async |world| {
        planted(world).await;
        let service = world.service().await;
        let view = service.receipts.store.view().await.unwrap();
        let mut tree = crate::log::tree::Tree::empty();
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = match world.database() {
            Database::Sqlite(pool) => {
                sqlx::query_as("SELECT seq, leaf, leaf_hash FROM entries ORDER BY seq")
                    .fetch_all(&pool)
                    .await
            }
            Database::Postgres(pool) => {
                let mut connection =
                    sqlx::PgConnection::connect_with(pool.connect_options().as_ref())
                        .await
                        .unwrap();
                sqlx::query_as("SELECT seq, leaf, leaf_hash FROM entries ORDER BY seq")
                    .fetch_all(&mut connection)
                    .await
            }
        }
        .unwrap();
        for (seq, leaf, hash) in rows {
            let ours = crate::log::tree::leaf_hash(&leaf);
            assert_eq!(ours.as_slice(), hash);
            tree.push(ours);
            let leaf: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
            assert_eq!(
                (leaf["k"].as_str(), leaf["v"].as_i64()),
                (Some(if seq == 7 { "batch" } else { "event" }), Some(1)),
                "{seq}"
            );
        }
        assert_eq!(tree, view.tree);
    })
    .await;
}

#[tokio::test]
async fn the_key_that_a_program_prints_opens_what_was_sealed_with_that_of_a_file() {
    let world = World::new("SQLite").await.unwrap();
    let service = world.service().await;
    let about = About::check("R-1", "A-1", (0, 0));
    keep(&service, &about.journey(&world)).await.unwrap();
    let mut config = world.config.clone();
    let file = config.key_file.take().unwrap();
    config.key_command = vec!["cat".to_owned(), file.display().to_string()];
    config.check().unwrap();
    let kek = Arc::new(config.kek().unwrap());
    let history = History::on((&world.database(), &world.key_database()), kek);
    let found = history.checks(&Query::default()).await.unwrap();
    let account = found.checks[0]
        .steps
        .iter()
        .find_map(|step| step.account.as_deref());
    assert_eq!(account, Some("A-1"));
}
