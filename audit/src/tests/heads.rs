//! The head store: of several that swap the same note one succeeds, and it never goes back.

use std::sync::Arc;

use stage::database::{Database, Location};

use super::world::each;
use crate::signer::heads::{self, HeadStore};

/// Ends with the note "two".
async fn swaps_once(heads: &Arc<dyn HeadStore>) {
    assert_eq!(heads.read().await.unwrap(), None);
    assert!(!heads.swap(Some("x"), (1, "one")).await.unwrap());
    assert!(heads.swap(None, (1, "one")).await.unwrap());
    assert!(!heads.swap(None, (2, "two")).await.unwrap());
    assert!(!heads.swap(Some("other"), (2, "two")).await.unwrap());
    assert_eq!(heads.read().await.unwrap().as_deref(), Some("one"));
    let swaps = (0..8).map(|_| heads.swap(Some("one"), (2, "two")));
    let done = futures_of(swaps).await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    assert_eq!(heads.read().await.unwrap().as_deref(), Some("two"));
}

/// What several give that run at the same time.
async fn futures_of(
    swaps: impl Iterator<Item = impl Future<Output = Result<bool, stage::Retry>>>,
) -> Vec<bool> {
    let mut running: Vec<_> = swaps.map(Box::pin).collect();
    let mut done: Vec<Option<bool>> = vec![None; running.len()];
    std::future::poll_fn(|context| {
        for (swap, done) in running.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(answer) = swap.as_mut().poll(context)
            {
                *done = Some(answer.unwrap());
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_head_store_in_a_file_swaps_once_and_survives_a_torn_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.head");
    let location = Location {
        url: format!("file:{}", file.display()),
        password_file: None,
    };
    let heads = heads::open(&location, "example.test/log").await.unwrap();
    // What a process wrote beside it when it was killed.
    std::fs::write(folder.path().join("log.head.new"), "half a no").unwrap();
    swaps_once(&heads).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "two");
}

#[tokio::test]
async fn a_head_store_in_a_database_swaps_once_and_never_goes_back() {
    each(async |world| {
        let url = match world.database() {
            Database::Sqlite(_) => {
                format!("sqlite:{}", world.folder.path().join("heads.db").display())
            }
            // The table may stand beside others: there is one server in these tests.
            Database::Postgres(_) => world.config.keys.url.clone(),
        };
        let location = Location {
            url,
            password_file: None,
        };
        let database = Database::open(&location, "test").unwrap();
        if let Database::Postgres(pool) = &database {
            // A database of its own would have its own list of migrations.
            sqlx::query("ALTER TABLE _sqlx_migrations RENAME TO keys_migrations")
                .execute(pool)
                .await
                .unwrap();
        }
        database
            .migrate("test", &crate::HEAD_MIGRATIONS)
            .await
            .unwrap();
        let heads = heads::open(&location, "example.test/log").await.unwrap();
        swaps_once(&heads).await;
        assert!(
            heads.swap(Some("two"), (1, "one")).await.is_err(),
            "it went back"
        );
        assert_eq!(heads.read().await.unwrap().as_deref(), Some("two"));
        let elsewhere = heads::open(&location, "example.test/other").await.unwrap();
        assert_eq!(elsewhere.read().await.unwrap(), None);
        for sql in ["DELETE FROM heads", "UPDATE heads SET size = 1"] {
            let refused = match &database {
                Database::Sqlite(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
                Database::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
            };
            assert!(
                refused
                    .unwrap_err()
                    .to_string()
                    .contains("does not go back")
            );
        }
    })
    .await;
}
