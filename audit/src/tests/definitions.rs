//! The guards over the definitions on PostgreSQL: what a slip would drop or alter stays, and migrations go on.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::Migrator, raw_sql};
use stage::database::{Database, Location};

use super::{
    append_only::{filled, plain_server},
    world::{World, execute},
};
use crate::guards::{Outcome, Power, attempt};

/// Each takes a guard away, or what it guards; the superuser who migrated makes them.
const SLIPS: [&str; 20] = [
    "DROP TABLE bodies",
    "DROP TABLE topics, entries, bodies CASCADE",
    "DROP SCHEMA public CASCADE",
    "DROP TRIGGER append_only ON entries",
    "DROP TRIGGER guard ON head",
    "DROP FUNCTION refuse_change() CASCADE",
    "ALTER TABLE entries DISABLE TRIGGER ALL",
    "ALTER TABLE entries DISABLE TRIGGER append_only",
    "ALTER TABLE entries ENABLE TRIGGER append_only",
    "ALTER TABLE entries DROP COLUMN leaf CASCADE",
    "ALTER TABLE entries ALTER COLUMN leaf TYPE TEXT USING 'x'",
    "ALTER TABLE entries RENAME TO gone",
    "ALTER TABLE entries OWNER TO audit_writer",
    "ALTER TRIGGER append_only ON entries RENAME TO gone",
    "ALTER FUNCTION refuse_change() RENAME TO gone",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE OR REPLACE FUNCTION idtrail_guard.drops() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RETURN; END'",
    "CREATE RULE gone AS ON INSERT TO entries DO INSTEAD NOTHING",
    "CREATE TRIGGER a_first BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SET session_replication_role = replica; ALTER TABLE entries DISABLE TRIGGER ALL",
];

/// Makes a statement, with words before it, and takes it back if it went through.
async fn made(world: &World, first: &str, sql: &str) -> Result<(), String> {
    let mut connection = PgConnection::connect(&world.config.database.url)
        .await
        .unwrap();
    let sql = AssertSqlSafe(format!("BEGIN; {first}; {sql}; ROLLBACK"));
    let done = raw_sql(sql).execute(&mut connection).await;
    done.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_definitions_stay_unless_somebody_says_that_it_is_a_migration() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    filled(&world).await;
    let mut wrong = Vec::new();
    for sql in SLIPS {
        match made(&world, "SELECT 1", sql).await {
            Err(why) if why.contains("append-only") => {}
            other => wrong.push((sql, other)),
        }
        let with_word = made(&world, "SET LOCAL idtrail.migrating = 'on'", sql).await;
        if with_word.is_err() {
            wrong.push((sql, with_word));
        }
    }
    assert_eq!(wrong, []);
    // What does not touch the history is nobody's business.
    for sql in [
        "CREATE TABLE elsewhere (id INTEGER); ALTER TABLE elsewhere ADD COLUMN more TEXT; DROP TABLE elsewhere",
        "CREATE INDEX further ON bodies (subject); DROP INDEX further",
        "ANALYZE entries; REINDEX TABLE topics",
        "CREATE FUNCTION mine() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION mine()",
    ] {
        assert_eq!(made(&world, "SELECT 1", sql).await, Ok(()), "{sql}");
    }
    world.clear().await;
}

#[tokio::test]
async fn the_superuser_who_migrated_is_refused_everything_that_the_doctor_tries() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    for tried in attempt(&world.config).await.unwrap() {
        for one in tried.attempts {
            assert_eq!(one.outcome, Outcome::Refused, "{one:?}");
        }
    }
    world.clear().await;
}

#[tokio::test]
async fn a_later_migration_changes_the_tables_if_it_says_so() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let migrate = async |number: u32, sql: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(format!("{number}_later.sql"));
        std::fs::write(file, sql).unwrap();
        let mut later = Migrator::new(folder.path()).await.unwrap();
        later.set_ignore_missing(true);
        // A connection of its own, as a command has: one that failed holds the lock of migrations until it is closed.
        let mut connection = PgConnection::connect(&world.config.database.url)
            .await
            .unwrap();
        let done = later.run(&mut connection).await;
        connection.close().await.unwrap();
        done.map_err(|error| error.to_string())
    };
    let change = "ALTER TABLE entries ADD COLUMN later INTEGER";
    let refused = migrate(9001, change).await.unwrap_err();
    assert!(refused.contains("append-only"), "{refused}");
    let said = format!("SET LOCAL idtrail.migrating = 'on';\n{change};");
    assert_eq!(migrate(9002, &said).await, Ok(()));
    // The word was for that transaction alone.
    let refused = migrate(9003, "ALTER TABLE entries DROP COLUMN later").await;
    assert!(refused.is_err_and(|why| why.contains("append-only")));
    world.clear().await;
}

#[tokio::test]
async fn an_owner_without_event_triggers_is_told_what_it_could_do() {
    let Some(mut world) = World::new("PostgreSQL").await else {
        return;
    };
    let owner = format!("audit_plain_owner_{}", std::process::id());
    let fresh = format!("audit_plain_{}", std::process::id());
    let plain = world.config.database.clone();
    let server = plain_server(&plain.url);
    for sql in [
        format!("DROP DATABASE IF EXISTS {fresh}"),
        format!("DROP ROLE IF EXISTS {owner}"),
        format!("CREATE ROLE {owner} LOGIN PASSWORD 'owner-pw'"),
        format!("CREATE DATABASE {fresh} OWNER {owner}"),
    ] {
        execute(&server, sql).await;
    }
    let (_, rest) = server.split_once('@').unwrap();
    let rest = rest.replacen("/postgres", &format!("/{fresh}"), 1);
    world.config.database = Location {
        url: format!("postgres://{owner}:owner-pw@{rest}"),
        password_file: None,
    };
    let database = Database::open(&world.config.database, "test").unwrap();
    database.migrate("test", &crate::MIGRATIONS).await.unwrap();
    drop(database);
    let tried = attempt(&world.config).await.unwrap().remove(0);
    assert_eq!(
        tried.power,
        Power::Owner {
            role: owner.clone()
        }
    );
    for one in tried.attempts {
        let by_rows = ["UPDATE", "DELETE", "TRUNCATE"].contains(&one.words);
        let by_rights = one.words.ends_with("as a replica");
        let wanted = if by_rows || by_rights {
            Outcome::Refused
        } else {
            Outcome::Through
        };
        assert_eq!(one.outcome, wanted, "{one:?}");
    }
    world.config.database = plain;
    execute(&server, format!("DROP DATABASE {fresh} WITH (FORCE)")).await;
    execute(&server, format!("DROP ROLE {owner}")).await;
    world.clear().await;
}
