//! What was appended can be neither changed nor deleted nor replaced, whoever asks.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};
use stage::database::Database;

use crate::store::Stamped;

use super::{
    records::About,
    world::{World, each, execute, keep},
};

/// Each tries to rewrite something that stands.
const REWRITES: [&str; 32] = [
    "UPDATE entries SET leaf = leaf_hash WHERE seq = 0",
    "UPDATE entries SET seq = 99 WHERE seq = 3",
    "DELETE FROM entries",
    "UPDATE bodies SET sealed = sealed",
    "DELETE FROM bodies WHERE seq = 3",
    "UPDATE topics SET name = 'x'",
    "DELETE FROM topics",
    "UPDATE head SET size = 1",
    "UPDATE head SET root = leaf_hash FROM entries WHERE seq = 0",
    "UPDATE head SET at = 0",
    "UPDATE head SET size = size + 1",
    "UPDATE head SET receipts = 0",
    "DELETE FROM head",
    "UPDATE source_offsets SET next = 0",
    "DELETE FROM source_offsets",
    "UPDATE account_counters SET n = 0",
    "DELETE FROM account_counters",
    "DELETE FROM tiles",
    "UPDATE tiles SET data = substr(data, 1, 32)",
    "UPDATE tiles SET data = (SELECT leaf_hash FROM entries WHERE seq = 1)",
    "UPDATE tiles SET idx = 7",
    "INSERT INTO tiles SELECT 0, 2, leaf_hash FROM entries WHERE seq = 1",
    "INSERT INTO tiles SELECT 0, 1, leaf_hash FROM entries WHERE seq = 1",
    "INSERT INTO checkpoints SELECT size, root, 'another note', 0 FROM head",
    "INSERT INTO checkpoints SELECT size + 1, root, 'ahead of the entries', 0 FROM head",
    "INSERT INTO checkpoints SELECT size - 1, root, 'older', 0 FROM head",
    "UPDATE checkpoints SET note = 'x'",
    "DELETE FROM checkpoints",
    "UPDATE cosignatures SET line = 'x'",
    "DELETE FROM cosignatures",
    "UPDATE timestamps SET token = token",
    "DELETE FROM timestamps",
];
/// SQLite's own ways around a unique key.
const REPLACES: [&str; 14] = [
    "INSERT OR REPLACE INTO entries SELECT 0, topic, source_partition, source_offset, at, leaf_hash, leaf FROM entries WHERE seq = 1",
    "INSERT OR REPLACE INTO entries SELECT 5, topic, source_partition, source_offset, at, leaf_hash, leaf FROM entries WHERE seq = 0",
    "REPLACE INTO bodies SELECT 0, subject, check_handle, sealed FROM bodies WHERE seq = 1",
    "INSERT INTO bodies SELECT 9, subject, check_handle, sealed FROM bodies WHERE seq = 1",
    "REPLACE INTO topics VALUES (0, 'x')",
    "REPLACE INTO head SELECT id, 0, root, substr(subtrees, 1, 0), at, receipts FROM head",
    "REPLACE INTO source_offsets SELECT topic, source_partition, 0 FROM source_offsets",
    "REPLACE INTO account_counters SELECT account, 0 FROM account_counters",
    "REPLACE INTO tiles SELECT 0, 0, leaf_hash FROM entries WHERE seq = 1",
    "REPLACE INTO checkpoints SELECT size, root, 'x', 0 FROM checkpoints",
    "REPLACE INTO cosignatures SELECT size, witness, at, 'x' FROM cosignatures",
    "INSERT INTO cosignatures VALUES (99, 'w', 1, 'of no checkpoint')",
    "REPLACE INTO timestamps SELECT size, at, 'x', token FROM timestamps",
    "INSERT INTO timestamps VALUES (99, 1, 'of no checkpoint', x'')",
];

pub(super) async fn refused(database: &Database, sql: &'static str) {
    let answer = match database {
        Database::Sqlite(pool) => {
            // As a tool would: with the pragma that `idtrail` sets switched off.
            let off = "PRAGMA recursive_triggers = OFF; ";
            let mut connection = pool.acquire().await.unwrap();
            raw_sql(AssertSqlSafe(format!("{off}{sql}")))
                .execute(&mut *connection)
                .await
                .map(|_| ())
        }
        Database::Postgres(pool) => raw_sql(sql).execute(pool).await.map(|_| ()),
    };
    let error = answer.expect_err(sql).to_string();
    assert!(
        error.contains("append-only") || error.contains("constraint"),
        "{sql}: {error}"
    );
}

pub(super) async fn filled(world: &World) -> Database {
    let service = world.service().await;
    let about = About::check("R-1", "A-1", (0, 0));
    keep(&service, &about.journey(world)).await.unwrap();
    world.signer().await.sign().await.unwrap();
    let log = service.audit.store.log();
    let size = log.newest_checkpoint().await.unwrap().unwrap().size;
    log.add_cosignature((size, "witness.test", 1, "a line"))
        .await
        .unwrap();
    let stamped = Stamped {
        size,
        at: 1,
        note: "as it was stamped".to_owned(),
        token: vec![0x30],
    };
    log.add_stamp(&stamped).await.unwrap();
    world.database()
}

#[tokio::test]
async fn nothing_that_stands_can_be_rewritten() {
    each(async |world| {
        let database = filled(world).await;
        for sql in REWRITES {
            refused(&database, sql).await;
        }
        assert_eq!(
            world.steps(crate::Query::default()).await.len(),
            4,
            "{}",
            world.name
        );
    })
    .await;
}

#[tokio::test]
async fn sqlite_replaces_nothing() {
    let world = World::new("SQLite").await.unwrap();
    let database = filled(&world).await;
    for sql in REPLACES {
        refused(&database, sql).await;
    }
}

#[tokio::test]
async fn postgres_truncates_nothing_and_a_replica_may_not_either() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let database = filled(&world).await;
    for sql in [
        "TRUNCATE entries",
        "TRUNCATE bodies CASCADE",
        "TRUNCATE topics, head",
        "TRUNCATE source_offsets",
        "TRUNCATE account_counters",
        "TRUNCATE tiles",
        "TRUNCATE checkpoints CASCADE",
        "TRUNCATE cosignatures",
        "TRUNCATE timestamps",
        "SET session_replication_role = replica; DELETE FROM entries",
        "SET session_replication_role = replica; UPDATE head SET size = 0",
        "SET session_replication_role = replica; TRUNCATE entries",
    ] {
        refused(&database, sql).await;
    }
    world.clear().await;
}

#[tokio::test]
async fn the_roles_of_postgres_may_append_and_look_and_nothing_else() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    filled(&world).await;
    let url = &world.config.database.url;
    let as_role = async |role: &str, sql: &str| {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let sql = AssertSqlSafe(format!("SET ROLE {role}; {sql}"));
        raw_sql(sql)
            .execute(&mut connection)
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (role, sql) in [
        ("audit_writer", "UPDATE entries SET at = 0"),
        ("audit_writer", "DELETE FROM bodies"),
        ("audit_writer", "TRUNCATE entries"),
        ("audit_writer", "UPDATE head SET id = 1"),
        ("audit_writer", "DELETE FROM source_offsets"),
        ("audit_writer", "ALTER TABLE entries DISABLE TRIGGER ALL"),
        ("audit_writer", "DROP TABLE entries"),
        ("audit_writer", "UPDATE tiles SET idx = 1"),
        ("audit_writer", "UPDATE checkpoints SET note = 'x'"),
        ("audit_writer", "DELETE FROM cosignatures"),
        ("audit_writer", "UPDATE timestamps SET at = 0"),
        ("audit_reader", "INSERT INTO topics VALUES (99, 'x')"),
        ("audit_reader", "DELETE FROM receipts"),
    ] {
        let error = as_role(role, sql).await.expect_err(sql);
        let refused = ["permission denied", "must be owner"]
            .iter()
            .any(|words| error.contains(words));
        assert!(refused, "{role}: {sql}: {error}");
    }
    as_role("audit_reader", "SELECT * FROM entries, bodies, head")
        .await
        .unwrap();
    world.clear().await;
}

#[tokio::test]
async fn the_writer_s_role_is_enough_for_the_service() {
    let Some(mut world) = World::new("PostgreSQL").await else {
        return;
    };
    let name = format!("audit_service_{}", std::process::id());
    let plain = world.config.clone();
    for sql in [
        format!("DROP ROLE IF EXISTS {name}"),
        format!("CREATE ROLE {name} LOGIN PASSWORD 'service-pw' IN ROLE audit_writer"),
    ] {
        execute(&plain.database.url, sql).await;
    }
    for location in [&mut world.config.database, &mut world.config.keys] {
        let (_, rest) = location.url.split_once('@').unwrap();
        location.url = format!("postgres://{name}:service-pw@{rest}");
    }
    filled(&world).await;
    let service = world.service().await;
    let second = About::check("R-1", "A-1", (0, 1)).journey(&world);
    keep(&service, &second).await.unwrap();
    assert_eq!(
        service.receipts.store.receipts(0, 100).await.unwrap().len(),
        8
    );
    service.receipts.store.forget(4).await.unwrap();
    assert_eq!(world.steps(crate::Query::default()).await.len(), 8);
    drop(service);
    world.config = plain.clone();
    world.clear().await;
    execute(
        &plain_server(&plain.database.url),
        format!("DROP ROLE {name}"),
    )
    .await;
}

/// The superuser's own database on the server of a URL.
pub(super) fn plain_server(url: &str) -> String {
    let (start, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = start.rsplit_once('/').unwrap();
    format!("{server}/postgres?{parameters}")
}

#[tokio::test]
async fn who_may_not_create_roles_can_migrate_all_the_same() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let owner = format!("audit_owner_{}", std::process::id());
    let fresh = format!("audit_fresh_{}", std::process::id());
    let server = plain_server(&world.config.database.url);
    for sql in [
        format!("DROP DATABASE IF EXISTS {fresh}"),
        format!("DROP ROLE IF EXISTS {owner}"),
        format!("CREATE ROLE {owner} LOGIN PASSWORD 'owner-pw'"),
        format!("CREATE DATABASE {fresh} OWNER {owner}"),
    ] {
        execute(&server, sql).await;
    }
    let (_, rest) = server.split_once('@').unwrap();
    let url = format!(
        "postgres://{owner}:owner-pw@{}",
        rest.replacen("/postgres", &format!("/{fresh}"), 1)
    );
    let location = stage::database::Location {
        url,
        password_file: None,
    };
    let database = Database::open(&location, "test").unwrap();
    database.migrate("test", &crate::MIGRATIONS).await.unwrap();
    drop(database);
    execute(&server, format!("DROP DATABASE {fresh} WITH (FORCE)")).await;
    execute(&server, format!("DROP ROLE {owner}")).await;
    world.clear().await;
}
