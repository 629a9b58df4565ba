//! Databases of services: one SQLite file or one PostgreSQL database each, and who leads on it.

use std::{cmp::Ordering, path::PathBuf, str::FromStr as _, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::timeout;

pub(crate) mod file;
mod lead;
pub(crate) mod pools;
mod way;

pub use lead::Lead;
pub use way::Ways;

/// Connections of one service: its writer, its relay, its readers, and some to spare.
pub const CONNECTIONS: u32 = 6;
/// How long a connection may take before the database counts as not ready.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the end of all connections may take. A server notices by itself who is gone without a word.
const HANG_UP: Duration = Duration::from_secs(1);

/// A connection on which nothing has come for so long asks whether anybody is there, so often and in this rhythm; nobody is
/// if there is no word then, and what is sent must be acknowledged in the same time. In seconds, since the default of two
/// hours is a night in which a machine without power holds the lock of who leads, and nobody takes over.
const SILENT_FOR: Duration = Duration::from_secs(10);
const TRY_EVERY: Duration = Duration::from_secs(5);
const TRIES: u32 = 4;
const GONE_AFTER: Duration = SILENT_FOR.saturating_add(TRY_EVERY.saturating_mul(TRIES));

/// What a session of PostgreSQL is told. Each look-up of a service has an index, but a plan made while a table was small
/// or never analysed reads all of it, and stays: with some ten thousand rows such look-ups took two thirds of the
/// server's time. For the same reason neither parallel workers nor compiled plans are ever worth their start.
const SESSION: &str =
    "SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0; SET jit = off;";

/// The same times for the server, which must notice, too: who is gone holds locks.
fn session() -> String {
    format!(
        "{SESSION} SET tcp_keepalives_idle = {}; SET tcp_keepalives_interval = {}; SET tcp_keepalives_count = {TRIES};
        SET tcp_user_timeout = {}",
        SILENT_FOR.as_secs(),
        TRY_EVERY.as_secs(),
        GONE_AFTER.as_millis()
    )
}

/// Where a database is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Location {
    /// `sqlite:FILE` or `postgres://user@host:port/database?sslmode=verify-full&sslrootcert=FILE`.
    pub url: String,
    /// File that holds the password, so that it stands in no setting and no argument.
    pub password_file: Option<PathBuf>,
}

/// Why a database cannot be used; a restart does not help, a command does.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The settings do not name a database.
    #[error("the setting `{setting}` names no database: {why}")]
    Settings {
        /// The setting.
        setting: String,
        /// Why.
        why: String,
    },
    /// It cannot be reached.
    #[error("the database of `{setting}` cannot be reached: {why}")]
    Unavailable {
        /// The setting.
        setting: String,
        /// Why.
        why: String,
    },
    /// Its tables are of an earlier release, or there are none.
    #[error(
        "the database of `{setting}` is at version {found}, this release needs {needed}; run `idtrail database migrate`"
    )]
    Older {
        /// The setting.
        setting: String,
        /// What it has.
        found: i64,
        /// What this release needs.
        needed: i64,
    },
    /// A later release made its tables.
    #[error(
        "the database of `{setting}` is at version {found}, newer than the {needed} of this release; run the release \
         that made it"
    )]
    Newer {
        /// The setting.
        setting: String,
        /// What it has.
        found: i64,
        /// What this release needs.
        needed: i64,
    },
    /// Its tables cannot be made or upgraded; it is as it was before.
    #[error("the tables in the database of `{setting}` cannot be made: {why}")]
    Tables {
        /// The setting.
        setting: String,
        /// Why.
        why: String,
    },
}

/// A database of one service.
#[derive(Clone, Debug)]
pub enum Database {
    /// One file.
    Sqlite(SqlitePool),
    /// One PostgreSQL database.
    Postgres(PgPool),
}

impl Database {
    /// Opens the database named by `location`; `setting` names it in errors.
    ///
    /// Connects lazily: a server that is down shows at first use.
    pub fn open(location: &Location, setting: &str) -> Result<Self, DatabaseError> {
        let wrong = |why: String| DatabaseError::Settings {
            setting: setting.to_owned(),
            why,
        };
        if location.url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(&location.url)
                .map_err(|error| wrong(error.to_string()))?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(CONNECT)
                // Without it `INSERT OR REPLACE` deletes rows past every trigger.
                .pragma("recursive_triggers", "ON")
                .pragma("wal_autocheckpoint", "16384")
                .disable_statement_logging();
            let pool = pools::options(CONNECTIONS).connect_lazy_with(options);
            return Ok(Self::Sqlite(pool));
        }
        let options = postgres(location).map_err(wrong)?;
        Ok(Self::Postgres(pool(options, CONNECTIONS)))
    }

    /// Ends the connections to a server, which then hears an end and no break; whoever uses one has a second to give it
    /// back. Nothing is opened any more. A file needs no such word.
    pub async fn hang_up(&self) {
        if let Self::Postgres(pool) = self {
            let _ended_or_not = timeout(HANG_UP, pool.close()).await;
        }
    }

    /// Makes or upgrades the tables.
    pub async fn migrate(
        &self,
        setting: &str,
        migrations: &Migrations,
    ) -> Result<(), DatabaseError> {
        let done = match self {
            Self::Sqlite(pool) => file::migrate(pool, migrations.sqlite).await,
            Self::Postgres(pool) => migrations.postgres.run(pool).await,
        };
        let Err(error) = done else { return Ok(()) };
        if matches!(error, MigrateError::VersionMissing(_)) {
            self.check(setting, migrations).await?;
        }
        let (setting, why) = (setting.to_owned(), error.to_string());
        let away = matches!(
            error,
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(sqlx::Error::Io(_), _)
        );
        Err(if away {
            DatabaseError::Unavailable { setting, why }
        } else {
            DatabaseError::Tables { setting, why }
        })
    }

    /// Whether the tables are those of this release.
    pub async fn check(&self, setting: &str, migrations: &Migrations) -> Result<(), DatabaseError> {
        const APPLIED: &str =
            "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";
        let (found, needed): (Result<(i64,), _>, _) = match self {
            Self::Sqlite(pool) => (
                sqlx::query_as(APPLIED).fetch_one(pool).await,
                newest(migrations.sqlite),
            ),
            Self::Postgres(pool) => (
                sqlx::query_as(APPLIED).fetch_one(pool).await,
                newest(migrations.postgres),
            ),
        };
        let found = match found {
            Ok((version,)) => version,
            // The table that lists migrations is not there: nothing was ever made.
            Err(sqlx::Error::Database(error)) if is_no_such_table(error.as_ref()) => 0,
            Err(error) => {
                return Err(DatabaseError::Unavailable {
                    setting: setting.to_owned(),
                    why: error.to_string(),
                });
            }
        };
        let setting = setting.to_owned();
        match found.cmp(&needed) {
            Ordering::Equal => Ok(()),
            Ordering::Less => Err(DatabaseError::Older {
                setting,
                found,
                needed,
            }),
            Ordering::Greater => Err(DatabaseError::Newer {
                setting,
                found,
                needed,
            }),
        }
    }
}

/// The tables of one service, for both kinds of database.
#[derive(Debug)]
pub struct Migrations {
    /// For SQLite.
    pub sqlite: &'static Migrator,
    /// For PostgreSQL.
    pub postgres: &'static Migrator,
}

fn is_no_such_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    // PostgreSQL has a code for it; SQLite has only its words.
    error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
}

fn newest(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// At most so many connections to a PostgreSQL database, made when they are first used.
pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    pools::options::<sqlx::Postgres>(connections)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute(AssertSqlSafe(session()))
                    .await
                    .map(|_| ())
            })
        })
        .connect_lazy_with(options)
}

fn postgres(location: &Location) -> Result<PgConnectOptions, String> {
    let options = PgConnectOptions::from_str(&location.url).map_err(|error| error.to_string())?;
    let options = options.disable_statement_logging();
    let Some(file) = &location.password_file else {
        return Ok(options);
    };
    let password =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(options.password(password.trim_end_matches(['\r', '\n'])))
}
