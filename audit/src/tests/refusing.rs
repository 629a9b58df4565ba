//! A history that does not continue what was signed is not signed; what is appended is kept all the same.

use sqlx::AssertSqlSafe;
use stage::database::Database;

use super::{
    signing::{newest, raws, refused},
    world::{World, each, keep},
};
use crate::{
    log::tree::{leaf_hash, root_of},
    signer::{Refusal, Signer},
    store,
};

/// The signer of this world on another history.
async fn signer_on(world: &World, database: &Database) -> Signer {
    Signer {
        store: store::open(database),
        ..world.signer().await
    }
}

fn file_of(world: &World) -> String {
    world
        .config
        .database
        .url
        .trim_start_matches("sqlite:")
        .to_owned()
}

async fn copy(world: &World, to: &str) {
    let Database::Sqlite(pool) = world.database() else {
        unreachable!()
    };
    let sql = AssertSqlSafe(format!("VACUUM INTO '{}.{to}'", file_of(world)));
    sqlx::query(sql).execute(&pool).await.unwrap();
}

/// The history after its file was replaced by a copy.
async fn back(world: &World, now: &Database, from: &str) -> Database {
    let Database::Sqlite(pool) = now else {
        unreachable!()
    };
    // Waits for every connection, so that no writer may still keep one.
    pool.close().await;
    let file = file_of(world);
    for suffix in ["-wal", "-shm"] {
        let _absent = std::fs::remove_file(format!("{file}{suffix}"));
    }
    std::fs::copy(format!("{file}.{from}"), &file).unwrap();
    Database::open(&world.config.database, "test").unwrap()
}

async fn shown(signer: &Signer) -> i64 {
    let kept = signer.store.log().newest_checkpoint().await;
    kept.unwrap().unwrap().size
}

#[tokio::test]
async fn a_history_that_was_copied_back_is_refused_until_the_right_one_is_there() {
    let world = World::new("SQLite").await.unwrap();
    let service = world.service().await;
    let signer = world.signer().await;
    keep(&service, &raws(0..5)).await.unwrap();
    signer.sign().await.unwrap();
    copy(&world, "old").await;
    keep(&service, &raws(5..10)).await.unwrap();
    signer.sign().await.unwrap();
    copy(&world, "new").await;
    drop((service, signer));
    let old = back(&world, &world.database(), "old").await;
    let signer = signer_on(&world, &old).await;
    let behind = refused(&signer).await;
    assert_eq!(
        behind,
        Refusal::Behind {
            signed: 12,
            size: 6
        }
    );
    let told = behind.to_string();
    assert!(
        told.contains("audit.head") && told.contains("restore"),
        "{told}"
    );
    // Reading goes on where this history ended, and what is appended is kept; but it is another history now.
    let other = world.with_database(&old).await;
    for at in 5..10 {
        keep(&other, &raws(at..at + 1)).await.unwrap();
    }
    assert_eq!(refused(&signer).await, Refusal::Forked { signed: 12 });
    assert_eq!(shown(&signer).await, 6);
    drop((other, signer));
    let new = back(&world, &old, "new").await;
    let signer = signer_on(&world, &new).await;
    signer.sign().await.unwrap();
    let service = world.with_database(&new).await;
    keep(&service, &raws(10..11)).await.unwrap();
    signer.sign().await.unwrap();
    assert_eq!(shown(&signer).await, 14);
}

#[tokio::test]
async fn a_history_that_was_cut_off_is_refused() {
    let world = World::new("SQLite").await.unwrap();
    keep(&world.service().await, &raws(0..5)).await.unwrap();
    let signer = world.signer().await;
    signer.sign().await.unwrap();
    let mut hashes = Vec::new();
    for index in 0..3 {
        hashes.push(leaf_hash(
            &world.evidence().leaf(index).await.unwrap().unwrap(),
        ));
    }
    let Database::Sqlite(pool) = world.database() else {
        unreachable!()
    };
    let root = hex::encode(root_of(&hashes));
    for sql in [
        "DROP TRIGGER entries_delete".to_owned(),
        "DROP TRIGGER bodies_delete".to_owned(),
        "DROP TRIGGER tiles_update".to_owned(),
        "DROP TRIGGER head_update".to_owned(),
        "DELETE FROM entries WHERE seq >= 3".to_owned(),
        "DELETE FROM bodies WHERE seq >= 3".to_owned(),
        "UPDATE tiles SET data = substr(data, 1, 96)".to_owned(),
        format!("UPDATE head SET size = 3, root = x'{root}'"),
    ] {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
    }
    assert_eq!(
        refused(&signer).await,
        Refusal::Behind { signed: 6, size: 3 }
    );
}

#[tokio::test]
async fn another_history_under_the_same_head_is_refused_on_both_databases() {
    each(async |world| {
        keep(&world.service().await, &raws(0..5)).await.unwrap();
        world.signer().await.sign().await.unwrap();
        let Some(mut other) = World::new(world.name).await else {
            return;
        };
        other.config.head = world.config.head.clone();
        let (service, signer) = (other.service().await, other.signer().await);
        assert_eq!(
            refused(&signer).await,
            Refusal::Behind { signed: 6, size: 0 }
        );
        keep(&service, &raws(0..9)).await.unwrap();
        assert_eq!(refused(&signer).await, Refusal::Forked { signed: 6 });
        assert_eq!(newest(&other).await, None);
        assert_eq!(newest(world).await, Some(6));
        other.clear().await;
    })
    .await;
}

#[tokio::test]
async fn a_head_store_that_is_gone_set_back_or_of_another_key_is_refused() {
    each(async |world| {
        let (service, signer) = (world.service().await, world.signer().await);
        let file = world.folder.path().join("log.head");
        keep(&service, &raws(0..1)).await.unwrap();
        signer.sign().await.unwrap();
        let first = std::fs::read(&file).unwrap();
        keep(&service, &raws(1..2)).await.unwrap();
        signer.sign().await.unwrap();
        let newest_note = std::fs::read(&file).unwrap();
        std::fs::write(&file, &first).unwrap();
        assert_eq!(
            refused(&signer).await,
            Refusal::Older { signed: 2, kept: 4 }
        );
        std::fs::remove_file(&file).unwrap();
        assert_eq!(refused(&signer).await, Refusal::Lost);
        std::fs::write(&file, "nonsense").unwrap();
        assert_eq!(refused(&signer).await, Refusal::Foreign);
        std::fs::write(&file, &newest_note).unwrap();
        let mut config = world.config.clone();
        config.origin = "example.test/another".to_owned();
        let key = std::sync::Arc::new(config.log_key().unwrap().unwrap());
        let renamed = Signer {
            key,
            ..world.signer().await
        };
        assert_eq!(refused(&renamed).await, Refusal::Foreign);
        keep(&service, &raws(2..3)).await.unwrap();
        signer.sign().await.unwrap();
        assert_eq!(newest(world).await, Some(6));
    })
    .await;
}
