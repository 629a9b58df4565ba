//! A database of its own for each story.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, raw_sql};
use tempfile::TempDir;

use crate::{Asked, Import, Location, References, Settings, Table, table::KEPT_ROWS_MAX};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A migrated database, and how tables are opened on it.
pub(super) struct World {
    pub(super) name: &'static str,
    pub(super) location: Location,
    pub(super) kept_rows_max: i64,
    folder: TempDir,
}

/// Tells a story in every world.
pub(super) async fn each(story: impl AsyncFn(&World)) {
    for (name, kept_rows_max) in [
        ("SQLite, kept", KEPT_ROWS_MAX),
        ("SQLite, by key", -1),
        ("PostgreSQL, kept", KEPT_ROWS_MAX),
        ("PostgreSQL, by key", -1),
    ] {
        let Some(world) = World::new(name, kept_rows_max).await else {
            continue;
        };
        Table::migrate(&world.location).await.unwrap();
        story(&world).await;
        world.clear().await;
    }
}

impl World {
    /// An empty database; none where there is no PostgreSQL.
    pub(super) async fn new(name: &'static str, kept_rows_max: i64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = if name.starts_with("SQLite") {
            format!("sqlite:{}", folder.path().join("directory.db").display())
        } else {
            let Some(superuser) = superuser() else {
                skipped(name);
                return None;
            };
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let database = format!("directory_{}_{number}", std::process::id());
            let mut connection = PgConnection::connect(&superuser).await.unwrap();
            for sql in [
                format!("drop database if exists {database}"),
                format!("create database {database}"),
            ] {
                let done = raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
                done.unwrap();
            }
            with_database(&superuser, &database)
        };
        Some(Self {
            name,
            location: Location { url },
            kept_rows_max,
            folder,
        })
    }

    /// The table with account numbers as customer references.
    pub(super) async fn table(&self) -> Table {
        self.table_of("{account}:{contact}", "").await
    }

    pub(super) async fn table_of(&self, customer: &str, transaction: &str) -> Table {
        let references = References::new(customer, transaction).unwrap();
        let opened = Table::open(&self.location, references, settings()).await;
        let mut table = opened.unwrap();
        table.kept_rows_max = self.kept_rows_max;
        table
    }

    /// Runs statements past the table, as somebody with rights on the database might.
    pub(super) async fn execute(&self, sql: &'static str) {
        let url = &self.location.url;
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            raw_sql(sql).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = PgConnection::connect(url).await.unwrap();
            raw_sql(sql).execute(&mut connection).await.unwrap();
        }
    }

    pub(super) async fn clear(self) {
        if let Some(superuser) = superuser().filter(|_| self.name.starts_with("PostgreSQL")) {
            let mut connection = PgConnection::connect(&superuser).await.unwrap();
            let database = self.location.url.split('?').next().unwrap_or_default();
            let database = database.rsplit('/').next().unwrap_or_default();
            let drop = format!("drop database {database} with (force)");
            let done = raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await;
            done.unwrap();
        }
        self.folder.close().unwrap();
    }
}

fn superuser() -> Option<String> {
    let url = std::env::var_os("IDTRAIL_TEST_POSTGRES")?;
    Some(url.into_string().expect("a URL is UTF-8"))
}

#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
pub(super) fn skipped(what: &str) {
    eprintln!("skipped: {what} (IDTRAIL_TEST_POSTGRES is not set)");
}

/// The same server's other database: the path of the URL is replaced.
fn with_database(url: &str, database: &str) -> String {
    let (start, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = start.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{database}?{parameters}")
}

pub(super) fn settings() -> Settings {
    Settings {
        fallback_queue: "q-sales-fallback".to_owned(),
        account_link: "https://crm.example/accounts/{id}".parse().unwrap(),
        contact_link: "https://crm.example/contacts/{id}/view".parse().unwrap(),
    }
}

pub(super) fn asked<'a>(
    customer: impl Into<Option<&'a str>>,
    transaction: impl Into<Option<&'a str>>,
) -> Asked<'a> {
    Asked {
        customer_reference: customer.into(),
        transaction_reference: transaction.into(),
    }
}

/// A small directory of these accounts, given as JSON rows; users `u-1` to `u-3` (the third has left), queues `q-1` to `q-3`.
pub(super) fn import_of(accounts: &str, fallback_queue: Option<&str>) -> Import {
    let fallback = fallback_queue.map_or_else(String::new, |queue| {
        format!(r#", "fallback_queue": "{queue}""#)
    });
    let text = format!(
        r#"{{"users": [{{"id": "u-1", "email": "u1@example.test", "active": true}},
            {{"id": "u-2", "email": "u2@example.test", "active": true}},
            {{"id": "u-3", "email": "u3@example.test", "active": false}}],
        "queues": [{{"id": "q-1", "email": "q1@example.test"}}, {{"id": "q-2", "email": "q2@example.test"}},
            {{"id": "q-sales-fallback", "email": "q3@example.test"}}],
        "accounts": [{accounts}], "default_onboarding_queue": "q-1"{fallback}}}"#
    );
    Import::parse("some.json", text.as_bytes()).unwrap()
}
