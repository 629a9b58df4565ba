//! Which tables fit, and which command mends those that do not.

use schemas::Refusal;

use super::{World, asked, each, import_of, settings};
use crate::{Directory, Fit, Location, OpenError, References, Table, Unavailable};

async fn open(location: &Location) -> Result<Table, OpenError> {
    Table::open(
        location,
        References::new("{account}", "").unwrap(),
        settings(),
    )
    .await
}

#[tokio::test]
async fn a_database_that_was_never_migrated_names_the_command_that_mends_it() {
    for name in ["SQLite", "PostgreSQL"] {
        let Some(world) = World::new(name, 0).await else {
            continue;
        };
        let location = &world.location;
        assert_eq!(Table::check(location).await, Ok(Fit::Missing), "{name}");
        // Looking has made nothing.
        assert_eq!(Table::check(location).await, Ok(Fit::Missing), "{name}");
        let error = open(location).await.unwrap_err();
        assert_eq!(error, OpenError::Unfit(Fit::Missing));
        assert!(error.to_string().contains("`idtrail database migrate`"));
        Table::migrate(location).await.unwrap();
        assert_eq!(
            Table::check(location).await,
            Ok(Fit::Fits { version: 1 }),
            "{name}"
        );
        world.clear().await;
    }
}

#[tokio::test]
async fn migrating_again_keeps_what_is_there() {
    each(async |world| {
        let account = r#"{"id": "acc-1", "number": "A-1", "owners": [], "contacts": []}"#;
        let table = world.table().await;
        table.import(import_of(account, None)).await.unwrap();
        Table::migrate(&world.location).await.unwrap();
        assert_eq!(table.list().await.unwrap().len(), 1, "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn those_that_migrate_at_once_do_not_disturb_each_other() {
    // Two that make a new file meet in one of ten pairs; a server has them wait in a row.
    for (name, rounds) in [("SQLite", 10), ("PostgreSQL", 1)] {
        for _ in 0..rounds {
            let Some(world) = World::new(name, 0).await else {
                break;
            };
            let all = (0..6).map(|_| Table::migrate(&world.location));
            for done in futures::future::join_all(all).await {
                assert_eq!(done, Ok(()), "{name}");
            }
            world.clear().await;
        }
    }
}

#[tokio::test]
async fn a_database_of_a_later_release_is_left_alone() {
    each(async |world| {
        world
            .execute("update directory_schema set version = 99")
            .await;
        let newer = OpenError::Unfit(Fit::Newer { version: 99 });
        let location = &world.location;
        assert_eq!(open(location).await.unwrap_err(), newer);
        assert_eq!(Table::migrate(location).await, Err(newer.clone()));
    })
    .await;
}

#[tokio::test]
async fn only_a_file_or_a_server_is_a_location() {
    for url in [
        "",
        "directory.db",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:file?mode=memory",
        "sqlite:file?mode=wrong",
        "mysql://host/directory",
        "postgres:",
    ] {
        let location = Location {
            url: url.to_owned(),
        };
        assert_eq!(Table::check(&location).await, Err(OpenError::Url), "{url}");
    }
}

#[tokio::test]
async fn a_location_does_not_print_its_password() {
    let location = Location {
        url: "postgres://app:hunter2@127.0.0.1:1/directory".to_owned(),
    };
    assert_eq!(format!("{location:?}"), "Location(…)");
    let error = Table::check(&location).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn an_empty_table_is_not_ready_rather_than_refusing_every_client() {
    each(async |world| {
        let table = world.table_of("{account}", "").await;
        let answer = table.find(&[asked("A-1", None)]).await;
        let Err(unavailable) = answer else {
            panic!("{answer:?} in {}", world.name);
        };
        assert!(
            unavailable
                .to_string()
                .contains("`idtrail directory import FILE`")
        );
        assert_eq!(table.list().await, Ok(Vec::new()));

        table.import(import_of("", None)).await.unwrap();
        let answers = table.find(&[asked("A-1", None)]).await.unwrap();
        let reason = answers[0].as_ref().map_err(|refused| refused.reason);
        assert_eq!(reason.map(drop), Err(Refusal::UnknownAccount));
    })
    .await;
}

#[tokio::test]
async fn a_broken_database_says_nothing_about_the_questions() {
    each(async |world| {
        let table = world.table_of("{account}", "").await;
        table.import(import_of("", None)).await.unwrap();
        world
            .execute("alter table directory_head rename to elsewhere; alter table directory_user rename to away")
            .await;
        let answer: Result<_, Unavailable> = table.find(&[asked("A-1", None)]).await;
        assert!(answer.is_err(), "{}", world.name);
        assert!(table.addresses(&["u-1"]).await.is_err(), "{}", world.name);

        world
            .execute("alter table elsewhere rename to directory_head; alter table away rename to directory_user")
            .await;
        assert!(table.find(&[asked("A-1", None)]).await.is_ok());
        assert!(table.addresses(&["u-1"]).await.is_ok());
    })
    .await;
}
