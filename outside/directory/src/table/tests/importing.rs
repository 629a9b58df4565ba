//! An import replaces the table whole or not at all.

use std::time::Duration;

use schemas::Refusal;

use super::{World, asked, each, import_of, settings};
use crate::{
    Directory, Import, ImportError, Owner, Problem, References, Settings, Table, demo_import,
};

/// Two accounts that the same user earns on.
fn owned_by(user: &str) -> Import {
    let accounts = format!(
        r#"{{"id": "acc-1", "number": "A-1", "owners": ["{user}"], "contacts": []}},
           {{"id": "acc-2", "number": "A-2", "owners": ["{user}"], "contacts": []}}"#
    );
    import_of(&accounts, None)
}

async fn owners(table: &Table) -> (Option<String>, Option<String>) {
    let batch = [asked("A-1", None), asked("A-2", None)];
    let mut answers = table.find(&batch).await.unwrap().into_iter();
    let mut owner = || {
        let found = answers.next().unwrap().unwrap();
        found.commission_owner.user_id
    };
    (owner(), owner())
}

fn both(user: &str) -> (Option<String>, Option<String>) {
    (Some(user.to_owned()), Some(user.to_owned()))
}

async fn table(world: &World) -> Table {
    world.table_of("{account}", "").await
}

#[tokio::test]
async fn a_file_replaces_everything_that_was_there() {
    each(async |world| {
        let table = table(world).await;
        table.import(owned_by("u-1")).await.unwrap();
        table.import(demo_import()).await.unwrap();
        let answers = table
            .find(&[asked("A-1", None), asked("A-1001", None)])
            .await
            .unwrap();
        let reasons: Vec<Option<Refusal>> = answers
            .iter()
            .map(|answer| answer.as_ref().err().map(|refused| refused.reason))
            .collect();
        assert_eq!(
            reasons,
            [Some(Refusal::UnknownAccount), None],
            "{}",
            world.name
        );
        assert_eq!(table.addresses(&["u-1"]).await, Ok(vec![None]));
    })
    .await;
}

#[tokio::test]
async fn the_same_content_again_changes_nothing() {
    each(async |world| {
        let table = table(world).await;
        let first = table.import(demo_import()).await.unwrap();
        assert!(first.changed);
        assert_eq!(
            (first.users, first.queues, first.accounts, first.contacts),
            (3, 3, 2, 2)
        );
        assert_eq!(first.accounts_without_active_owner, 1);
        let again = table.import(demo_import()).await.unwrap();
        assert!(!again.changed, "{}", world.name);
        assert_eq!(again.version, first.version);
        let other = table.import(owned_by("u-1")).await.unwrap();
        assert!(other.changed);
        assert_ne!(other.version, first.version);
    })
    .await;
}

#[tokio::test]
async fn another_process_answers_from_the_new_content_with_its_next_batch() {
    each(async |world| {
        let (importing, asking) = (table(world).await, table(world).await);
        for user in ["u-1", "u-2", "u-1"] {
            importing.import(owned_by(user)).await.unwrap();
            assert_eq!(owners(&asking).await, both(user), "{}", world.name);
            assert_eq!(owners(&asking).await, both(user), "{}", world.name);
        }
    })
    .await;
}

#[tokio::test]
async fn who_reads_during_an_import_sees_the_old_or_the_new() {
    each(async |world| {
        let (importing, asking) = (table(world).await, table(world).await);
        importing.import(owned_by("u-1")).await.unwrap();
        let imports = async {
            for round in 0..20 {
                let user = if round % 2 == 0 { "u-2" } else { "u-1" };
                importing.import(owned_by(user)).await.unwrap();
            }
        };
        tokio::pin!(imports);
        loop {
            tokio::select! {
                () = &mut imports => break,
                (one, other) = owners(&asking) => assert_eq!(one, other, "{}", world.name),
            }
        }
        assert_eq!(owners(&asking).await, both("u-1"), "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn an_import_that_fails_half_way_changes_nothing() {
    each(async |world| {
        let table = table(world).await;
        table.import(owned_by("u-1")).await.unwrap();
        // Users are cleared last: without their table everything else is already deleted when it fails.
        world
            .execute("alter table directory_user rename to elsewhere")
            .await;
        let error = table.import(owned_by("u-2")).await.unwrap_err();
        assert!(matches!(error, ImportError::Unavailable(_)), "{error}");
        world
            .execute("alter table elsewhere rename to directory_user")
            .await;
        assert_eq!(owners(&table).await, both("u-1"), "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn an_import_that_is_given_up_changes_nothing() {
    each(async |world| {
        let table = table(world).await;
        table.import(owned_by("u-1")).await.unwrap();
        for micros in [200, 1_000, 3_000] {
            let import = table.import(owned_by("u-2"));
            let ended = tokio::time::timeout(Duration::from_micros(micros), import).await;
            let expected = if ended.is_ok() { "u-2" } else { "u-1" };
            let found = owners(&table).await;
            // A commit that was already under way when we gave up may still have come through, but only whole.
            let whole = found == both(expected) || found == both("u-2");
            assert!(whole, "{found:?} in {}", world.name);
            table.import(owned_by("u-1")).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_fallback_queue_that_nobody_could_reach_is_refused() {
    each(async |world| {
        table(world).await.import(owned_by("u-1")).await.unwrap();
        let table = Table::open(
            &world.location,
            References::new("{account}", "").unwrap(),
            Settings {
                fallback_queue: "q-gone".to_owned(),
                ..settings()
            },
        );
        let table = table.await.unwrap();
        let error = table.import(owned_by("u-2")).await.unwrap_err();
        let ImportError::Refused { field, problem, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(field.as_deref(), Some("fallback_queue"));
        assert_eq!(problem, Problem::NoFallbackQueue);
        assert_eq!(owners(&table).await, both("u-1"), "{}", world.name);
        // A file that names one itself needs no configured one.
        table.import(import_of("", Some("q-2"))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_list_says_who_earns_on_what() {
    each(async |world| {
        let table = table(world).await;
        table.import(demo_import()).await.unwrap();
        let rows = table.list().await.unwrap();
        let [first, second] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        assert_eq!(
            (first.account_number.as_str(), first.told.as_str()),
            ("A-1001", "u-sales-1")
        );
        assert_eq!(first.contacts, ["C-2001"]);
        let owner = |user_id: &str, active| Owner {
            user_id: user_id.to_owned(),
            active,
        };
        assert_eq!(
            first.owners,
            [owner("u-sales-2", false), owner("u-sales-1", true)]
        );
        assert_eq!(
            (second.account_number.as_str(), second.told.as_str()),
            ("A-1002", "q-sales-fallback")
        );
        assert_eq!(second.onboarding_queue, "q-onboarding");
        let json = serde_json::to_string(&rows).unwrap();
        assert!(!json.contains('@'), "no addresses in {json}");
    })
    .await;
}
