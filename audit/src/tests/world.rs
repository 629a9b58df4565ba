//! A history and a key database of its own for each story.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use schemas::{Timestamp, Topic};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};
use stage::{
    BatchLimit, Broker, Chance, Codec, Context, Health, Record, Stopper,
    broker::embedded::{Embedded, Opening},
    clock::MockClock,
    database::{Database, Location},
    keep::{Keep as _, KeepError},
};
use tempfile::TempDir;

use crate::{Config, History, KEY_MIGRATIONS, MIGRATIONS, Query, Service, Step};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The topics of events.
pub(crate) const EVENTS: [Topic; 6] = [
    Topic::Checked,
    Topic::Enriched,
    Topic::Notified,
    Topic::Audited,
    Topic::Rejected,
    Topic::Operated,
];

/// When every story begins.
pub(crate) const BEGIN: i64 = 1_790_000_000_000_000;

pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    pub(crate) clock: MockClock,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) codec: Arc<Codec>,
    pub(crate) folder: TempDir,
}

/// Tells a story in every world.
pub(crate) async fn each(story: impl AsyncFn(&World)) {
    for name in ["SQLite", "PostgreSQL"] {
        if let Some(world) = World::new(name).await {
            story(&world).await;
            world.clear().await;
        }
    }
}

impl World {
    /// Migrated, empty databases; none where there is no PostgreSQL.
    pub(crate) async fn new(name: &'static str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let location = async |what: &str| {
            let url = match name {
                "SQLite" => format!("sqlite:{}", folder.path().join(what).display()),
                _ => new_postgres(what).await?,
            };
            Some(Location {
                url,
                password_file: None,
            })
        };
        let key_file = folder.path().join("history.key");
        std::fs::write(&key_file, "5a".repeat(32)).unwrap();
        let config = Config {
            database: location("history").await?,
            keys: location("keys").await?,
            key_file: Some(key_file),
            ..Config::default()
        };
        migrate(&config).await;
        let clock = MockClock::at(Timestamp::from_micros(BEGIN));
        let opening = Opening {
            prefix: "idtrail".to_owned(),
            partitions: 3,
        };
        let file = folder.path().join("topics.db");
        let broker = Embedded::open(&file, opening, Arc::new(clock.clone())).await;
        let broker: Arc<dyn Broker> = Arc::new(broker.unwrap());
        for topic in EVENTS {
            broker.registry().register(topic).await.unwrap();
        }
        let codec = Codec::new(Arc::clone(&broker), Arc::new(clock.clone()), "/test");
        codec.prepare(&EVENTS).await.unwrap();
        Some(Self {
            name,
            config,
            clock,
            broker,
            codec: Arc::new(codec),
            folder,
        })
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            broker: Arc::clone(&self.broker),
            clock: Arc::new(self.clock.clone()),
            chance: Chance::system(),
            stopper: Stopper::new(),
            health: Health::new(),
            limit: BatchLimit::default(),
        }
    }

    /// The service as a process starts it.
    pub(crate) async fn service(&self) -> Service {
        let service = Service::open(&self.config, &self.context()).await.unwrap();
        service.codec.prepare(&[Topic::Audited]).await.unwrap();
        service.audit.offsets().await.unwrap();
        service
    }

    pub(crate) async fn history(&self) -> History {
        History::open(&self.config).await.unwrap()
    }

    /// Everything that the history tells, check after check.
    pub(crate) async fn steps(&self, query: Query) -> Vec<Step> {
        let page = self.history().await.checks(&query).await.unwrap();
        assert_eq!(page.next_cursor, None);
        page.checks.into_iter().flat_map(|check| check.steps).collect()
    }

    pub(crate) async fn database(&self) -> Database {
        self.config.open().await.unwrap().0
    }

    pub(crate) async fn key_database(&self) -> Database {
        self.config.open().await.unwrap().1
    }

    /// Every byte of the databases' files; for PostgreSQL every value of every table, as text.
    pub(crate) async fn bytes_of(&self, what: &Location, tables: &[&'static str]) -> Vec<u8> {
        let database = Database::open(what, "test").unwrap();
        let mut bytes = Vec::new();
        match database {
            Database::Sqlite(pool) => {
                pool.close().await;
                let file = PathBuf::from(what.url.trim_start_matches("sqlite:"));
                for suffix in ["", "-wal"] {
                    let file = PathBuf::from(format!("{}{suffix}", file.display()));
                    bytes.extend(std::fs::read(file).unwrap_or_default());
                }
            }
            Database::Postgres(pool) => {
                for table in tables {
                    let sql = AssertSqlSafe(format!("COPY {table} TO STDOUT (FORMAT binary)"));
                    let mut connection = pool.acquire().await.unwrap();
                    let _ = &sql;
                    let mut copied = connection
                        .copy_out_raw(&format!("COPY {table} TO STDOUT (FORMAT binary)"))
                        .await
                        .unwrap();
                    while let Some(part) = next(&mut copied).await {
                        bytes.extend_from_slice(&part);
                    }
                }
            }
        }
        bytes
    }

    pub(crate) async fn clear(self) {
        for location in [&self.config.database, &self.config.keys] {
            if !location.url.starts_with("sqlite:") {
                drop_postgres(&location.url).await;
            }
        }
    }
}
