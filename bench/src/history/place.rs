//! A history and its keys under measurement, and the service that writes them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use audit::{Config, KEY_MIGRATIONS, MIGRATIONS};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, query, query_as};
use stage::{
    BatchLimit, Chance, Context, Health, Stopper, SystemClock,
    database::{Database, Location},
};
use tokio::task::JoinSet;

use super::feed::Feed;
use crate::system::part;

/// How long the service may take for what it was given.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long the reconciler may take for what it has not read yet.
const RECONCILING: Duration = Duration::from_mins(30);
/// How often is looked how far it is.
const LOOK: Duration = Duration::from_millis(10);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Postgres, Self::Sqlite];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Where a history is, and where its keys are.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// How the names of its databases begin, where they are a server's.
    prefix: String,
    /// Whether they are left for the next run.
    kept: bool,
    pub(crate) config: Config,
    pub(crate) history: Database,
    pub(crate) keys: Database,
}

impl Place {
    /// Databases of this kind, with their tables; what is small lies in the folder. Those that are kept may be there from
    /// an earlier run. None where the part is missing.
    pub(crate) async fn open(kind: Kind, folder: &Path, kept: bool) -> Option<Self> {
        let prefix = if kept {
            "bench_kept".to_owned()
        } else {
            format!("bench_{}", std::process::id())
        };
        let url = |what: &str| match kind {
            Kind::Sqlite => Some(format!("sqlite:{}", folder.join(what).display())),
            Kind::Postgres => {
                let database = format!("/{prefix}_{what}?");
                Some(part("POSTGRES")?.replacen("/postgres?", &database, 1))
            }
        };
        let location = |url| Location {
            url,
            password_file: None,
        };
        let (history, keys) = (url("history")?, url("keys")?);
        if kind == Kind::Postgres {
            for what in ["history", "keys"] {
                let made = create(&format!("{prefix}_{what}")).await;
                if made && what == "history" {
                    // It goes with a history that an earlier server had; nothing would be signed beside it.
                    let _ = std::fs::remove_file(folder.join("log.head"));
                }
            }
        }
        let config = Config {
            database: location(history),
            keys: location(keys),
            key_file: Some(file(folder, "history.key", "5a")),
            log_key_file: Some(file(folder, "log.key", "3c")),
            head: location(format!("file:{}", folder.join("log.head").display())),
            ..Config::default()
        };
        let history = Database::open(&config.database, "history").unwrap();
        history.migrate("history", &MIGRATIONS).await.unwrap();
        let keys = Database::open(&config.keys, "keys").unwrap();
        keys.migrate("keys", &KEY_MIGRATIONS).await.unwrap();
        Some(Self {
            kind,
            prefix,
            kept,
            config,
            history,
            keys,
        })
    }

    /// Runs the service on these records for as long as the measurement takes.
    pub(crate) async fn serve<T>(&self, feed: &Feed, measurement: impl Future<Output = T>) -> T {
        let stopper = Stopper::new();
        let context = Context {
            broker: Arc::new(feed.clone()),
            clock: Arc::new(SystemClock),
            chance: Chance::system(),
            stopper: stopper.clone(),
            health: Health::new(),
            limit: BatchLimit::default(),
        };
        let mut service = JoinSet::new();
        service.spawn(audit::start(self.config.clone(), context));
        let measured = tokio::select! {
            measured = measurement => measured,
            ended = service.join_next() => panic!("the service has ended: {ended:?}"),
        };
        stopper.stop();
        service.join_next().await.unwrap().unwrap().unwrap();
        measured
    }

    /// How many events the history holds.
    pub(crate) async fn events(&self) -> i64 {
        let sql = "SELECT CAST(coalesce(sum(next), 0) AS BIGINT) FROM source_offsets WHERE topic IN
            (SELECT id FROM topics WHERE name <> '')";
        self.number(sql).await
    }

    /// Waits until the history holds so many events.
    pub(crate) async fn holds(&self, events: i64) {
        let begun = Instant::now();
        while self.events().await < events {
            assert!(
                begun.elapsed() < PATIENCE,
                "the history does not hold {events} events after {PATIENCE:?}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits for what follows growth: the reconciler reads every entry, and what is left to be written goes to the disk.
    /// The first questions would else wait for both: nobody asks a log the second after it has grown by millions.
    pub(crate) async fn settle(&self) {
        let (begun, size) = (Instant::now(), self.number("SELECT size FROM head").await);
        while self.number("SELECT position FROM reconciliation").await < size {
            assert!(
                begun.elapsed() < RECONCILING,
                "{size} entries are not reconciled after {RECONCILING:?}"
            );
            tokio::time::sleep(LOOK).await;
        }
        match &self.history {
            Database::Postgres(_) => {
                superuser("CHECKPOINT").await;
            }
            Database::Sqlite(pool) => {
                let checkpoint = query("PRAGMA wal_checkpoint(PASSIVE)").execute(pool);
                checkpoint.await.unwrap();
            }
        }
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let (number,): (i64,) = match &self.history {
            Database::Sqlite(pool) => query_as(sql).fetch_one(pool).await.unwrap(),
            Database::Postgres(pool) => query_as(sql).fetch_one(pool).await.unwrap(),
        };
        number
    }

    /// Removes what does not lie in the folder.
    pub(crate) async fn clear(self) {
        if self.kind == Kind::Postgres && !self.kept {
            for what in ["history", "keys"] {
                let database = format!("{}_{what}", self.prefix);
                superuser(&format!("DROP DATABASE {database} WITH (FORCE)")).await;
            }
        }
    }
}

/// The pool of a PostgreSQL database.
pub(crate) fn pool(database: &Database) -> &PgPool {
    match database {
        Database::Postgres(pool) => pool,
        Database::Sqlite(_) => panic!("PostgreSQL only"),
    }
}

fn file(folder: &Path, name: &str, byte: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, byte.repeat(32)).unwrap();
    file
}

async fn superuser(statement: &str) -> u64 {
    let url = part("POSTGRES").unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let done = connection.execute(AssertSqlSafe(statement)).await.unwrap();
    done.rows_affected()
}

/// Creates a database that is not there yet; whether it was not.
async fn create(name: &str) -> bool {
    let there = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
    let is_new = superuser(&there).await == 0;
    if is_new {
        superuser(&format!("CREATE DATABASE {name}")).await;
    }
    is_new
}
