//! The doctor's question whether the history only grows: asked of good databases, and of some that lack a guard.

use sqlx::{AssertSqlSafe, raw_sql};
use stage::database::{Database, Location};

use super::{
    append_only::{filled, plain_server},
    world::{World, each, execute},
};
use crate::guards::{Attempt, Outcome, Power, attempt};

/// What was not refused on the history of this world: the table, and what was tried.
async fn unrefused(world: &World) -> Vec<(&'static str, &'static str)> {
    let tried = attempt(&world.config).await.unwrap();
    let attempts = tried.into_iter().flat_map(|tried| tried.attempts);
    let not: Vec<Attempt> = attempts
        .filter(|one| one.outcome != Outcome::Refused)
        .collect();
    for one in &not {
        assert_eq!(one.outcome, Outcome::Through, "{}: {one:?}", world.name);
    }
    not.iter().map(|one| (one.of, one.words)).collect()
}

async fn run(database: &Database, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match database {
        Database::Sqlite(pool) => raw_sql(sql).execute(pool).await.map(|_| ()),
        Database::Postgres(pool) => raw_sql(sql).execute(pool).await.map(|_| ()),
    }
    .unwrap();
}

/// Everything that stands in the tables, as one text.
async fn state(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for table in [
        "topics",
        "entries",
        "head",
        "source_offsets",
        "tiles",
        "checkpoints",
    ] {
        let (count,): (i64,) = match world.database() {
            Database::Sqlite(pool) => {
                let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
                sqlx::query_as(sql).fetch_one(&pool).await
            }
            Database::Postgres(pool) => {
                let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
                sqlx::query_as(sql).fetch_one(&pool).await
            }
        }
        .unwrap();
        all.push(format!("{table} {count}"));
    }
    all
}

#[tokio::test]
async fn sqlite_refuses_all_that_is_tried_on_an_empty_history_and_on_a_filled_one() {
    let world = World::new("SQLite").await.unwrap();
    assert_eq!(unrefused(&world).await, []);
    filled(&world).await;
    assert_eq!(unrefused(&world).await, []);
}

#[tokio::test]
async fn what_is_tried_leaves_nothing_behind() {
    each(async |world| {
        let before = state(world).await;
        attempt(&world.config).await.unwrap();
        assert_eq!(state(world).await, before, "{}", world.name);
        filled(world).await;
        let before = state(world).await;
        attempt(&world.config).await.unwrap();
        assert_eq!(state(world).await, before, "{}", world.name);
        assert_eq!(world.steps(crate::Query::default()).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_guard_of_a_file_that_is_gone_is_noticed() {
    for (trigger, of, words) in [
        (
            "entries_update",
            "entries",
            vec!["UPDATE", "UPDATE OR REPLACE"],
        ),
        ("bodies_delete", "bodies", vec!["DELETE"]),
        ("source_offsets_insert", "source_offsets", vec![]),
        (
            "checkpoints_update",
            "checkpoints",
            vec!["UPDATE", "UPDATE OR REPLACE"],
        ),
        ("cosignatures_delete", "cosignatures", vec!["DELETE"]),
    ] {
        let world = World::new("SQLite").await.unwrap();
        run(&world.database(), &format!("DROP TRIGGER {trigger}")).await;
        let wanted: Vec<_> = words.into_iter().map(|words| (of, words)).collect();
        assert_eq!(unrefused(&world).await, wanted, "{trigger}");
    }
}

#[tokio::test]
async fn a_guard_of_a_server_that_is_gone_is_noticed() {
    let gone = [
        ("DROP TRIGGER append_only ON entries", "entries", "UPDATE"),
        (
            "DROP TRIGGER append_only ON checkpoints",
            "checkpoints",
            "DELETE",
        ),
        ("DROP TRIGGER guard ON head", "head", "UPDATE"),
        ("ALTER TABLE tiles DISABLE TRIGGER guard", "tiles", "UPDATE"),
        (
            "ALTER TABLE topics ENABLE TRIGGER append_only",
            "topics",
            "DELETE as a replica",
        ),
    ];
    for (sql, of, words) in gone {
        let Some(world) = World::new("PostgreSQL").await else {
            return;
        };
        filled(&world).await;
        let sql = format!("BEGIN; SET LOCAL idtrail.migrating = 'on'; {sql}; COMMIT");
        run(&world.database(), &sql).await;
        let not = unrefused(&world).await;
        assert!(not.contains(&(of, words)), "{sql}: {not:?}");
        world.clear().await;
    }
}

#[tokio::test]
async fn the_writer_of_a_server_is_refused_everything_and_is_nobody_special() {
    let Some(mut world) = World::new("PostgreSQL").await else {
        return;
    };
    let name = format!("audit_tried_{}", std::process::id());
    let plain = world.config.database.clone();
    for sql in [
        format!("DROP ROLE IF EXISTS {name}"),
        format!("CREATE ROLE {name} LOGIN PASSWORD 'service-pw' IN ROLE audit_writer"),
    ] {
        execute(&plain.url, sql).await;
    }
    let (_, rest) = plain.url.split_once('@').unwrap();
    world.config.database = Location {
        url: format!("postgres://{name}:service-pw@{rest}"),
        password_file: None,
    };
    assert_eq!(unrefused(&world).await, []);
    let tried = attempt(&world.config).await.unwrap();
    assert_eq!(tried[0].power, Power::Ordinary);
    world.config.database = plain.clone();
    let tried = attempt(&world.config).await.unwrap();
    assert!(matches!(tried[0].power, Power::Superuser { .. }));
    world.clear().await;
    execute(&plain_server(&plain.url), format!("DROP ROLE {name}")).await;
}
