//! A history and a key database of its own for each story.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{Timestamp, Topic};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, query_as, raw_sql};
use stage::{
    BatchLimit, Broker, Chance, Clock, Codec, Context, Health, Record, Stopper,
    broker::embedded::{Embedded, Opening},
    clock::MockClock,
    database::{Database, Location, Migrations},
    keep::{Keep as _, KeepError},
};
use tempfile::TempDir;

use crate::{
    Config, KEY_MIGRATIONS, MIGRATIONS, Query, Step, Viewing,
    history::History,
    looks::{Book, Noted},
    service::Service,
};

mod runner;

pub(crate) use runner::{skipped, told, variable};

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
    databases: (Database, Database),
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
        let url = async |what: &str| match name {
            "SQLite" => Some(format!("sqlite:{}", folder.path().join(what).display())),
            _ => new_postgres(what).await,
        };
        let urls = (url("history").await?, url("keys").await?);
        Some(Self::on(name, folder, urls).await)
    }

    /// The same on the databases of these URLs.
    pub(crate) async fn on(
        name: &'static str,
        folder: TempDir,
        (history, keys): (String, String),
    ) -> Self {
        let location = |url: String| Location {
            url,
            password_file: None,
        };
        let key_file = folder.path().join("history.key");
        std::fs::write(&key_file, "5a".repeat(32)).unwrap();
        let log_key_file = folder.path().join("log.key");
        std::fs::write(&log_key_file, "3c".repeat(32)).unwrap();
        let config = Config {
            database: location(history),
            keys: location(keys),
            key_file: Some(key_file),
            log_key_file: Some(log_key_file),
            head: location(format!("file:{}", folder.path().join("log.head").display())),
            checkpoint_ms: 100,
            ..Config::default()
        };
        let databases = migrated(&config).await;
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
        Self {
            name,
            config,
            databases,
            clock,
            broker,
            codec: Arc::new(codec),
            folder,
        }
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
        let service = self.fresh_service().await;
        service.codec.prepare(&[Topic::Audited]).await.unwrap();
        service.audit.offsets().await.unwrap();
        service
    }

    /// The same before it has looked at anything.
    pub(crate) async fn fresh_service(&self) -> Service {
        let kek = Arc::new(self.config.kek().unwrap());
        let noted = crate::keys::open(&self.databases.1).use_kek(kek.id()).await;
        noted.unwrap();
        let (history, keys) = &self.databases;
        Service::on((history, keys), kek, &self.context())
    }

    pub(crate) fn history(&self) -> History {
        let (history, keys) = &self.databases;
        History::on((history, keys), Arc::new(self.config.kek().unwrap()))
    }

    /// The history for viewers, who are noted beside the service.
    pub(crate) fn viewing(&self) -> Viewing {
        let noted = Noted(self.key_database());
        let chance = (
            Arc::new(self.clock.clone()) as Arc<dyn Clock>,
            Chance::system(),
        );
        Viewing::on(self.history(), noted.clone(), Book::Notes(noted), chance)
    }

    /// Everything that the history tells, check after check.
    pub(crate) async fn steps(&self, query: Query) -> Vec<Step> {
        let page = self.history().checks(&query).await.unwrap();
        assert_eq!(page.next_cursor, None);
        page.checks
            .into_iter()
            .flat_map(|check| check.steps)
            .collect()
    }

    pub(crate) fn database(&self) -> Database {
        self.databases.0.clone()
    }

    pub(crate) fn key_database(&self) -> Database {
        self.databases.1.clone()
    }

    /// Whether any byte of the database holds a text, plain, in hex or in base64.
    pub(crate) async fn holds(&self, what: &Location, text: &str) -> bool {
        let forms = [text.to_owned(), hex::encode(text), STANDARD.encode(text)];
        let (history, keys) = &self.databases;
        let database = if *what == self.config.keys {
            keys
        } else {
            history
        };
        let held = match database {
            Database::Sqlite(_) => {
                let file = what.url.trim_start_matches("sqlite:");
                let parts = ["", "-wal"].map(|suffix| std::fs::read(format!("{file}{suffix}")));
                parts.into_iter().flatten().flatten().collect()
            }
            Database::Postgres(pool) => everything(pool).await.into_bytes(),
        };
        assert!(!held.is_empty());
        forms.iter().any(|form| {
            held.windows(form.len())
                .any(|window| window == form.as_bytes())
        })
    }

    /// The time of this world, in seconds.
    pub(crate) fn clock_seconds(&self) -> i64 {
        self.clock.now().millis() / 1_000
    }

    pub(crate) async fn clear(self) {
        for location in [&self.config.database, &self.config.keys] {
            if !location.url.starts_with("sqlite:") {
                drop_postgres(&location.url).await;
            }
        }
    }
}

/// Both databases with their tables.
async fn migrated(config: &Config) -> (Database, Database) {
    let open = async |location: &Location, migrations: &Migrations| {
        let database = Database::open(location, "test").unwrap();
        database.migrate("test", migrations).await.unwrap();
        database
    };
    (
        open(&config.database, &MIGRATIONS).await,
        open(&config.keys, &KEY_MIGRATIONS).await,
    )
}

/// Appends these records as one batch, as the loop would.
pub(crate) async fn keep(service: &Service, batch: &[Record]) -> Result<(), KeepError> {
    service.codec.learn(batch).await.unwrap();
    let ready = service.audit.ready(batch.to_vec()).await;
    service.audit.keep(&ready).await
}

async fn everything(pool: &PgPool) -> String {
    let tables: Vec<(String,)> =
        query_as("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            .fetch_all(pool)
            .await
            .unwrap();
    let mut all = String::new();
    for (table,) in tables {
        let sql = AssertSqlSafe(format!(
            "SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"
        ));
        let (rows,): (String,) = query_as(sql).fetch_one(pool).await.unwrap();
        all.push_str(&rows);
    }
    all
}

async fn new_postgres(what: &str) -> Option<String> {
    let Some(superuser) = superuser() else {
        skipped("PostgreSQL: IDTRAIL_TEST_POSTGRES is not set");
        return None;
    };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let database = format!("audit_{what}_{}_{number}", std::process::id());
    execute(&superuser, format!("DROP DATABASE IF EXISTS {database}")).await;
    execute(&superuser, format!("CREATE DATABASE {database}")).await;
    let (start, parameters) = superuser.split_once('?').unwrap_or((&superuser, ""));
    let (server, _) = start.rsplit_once('/').expect("the URL names a database");
    Some(format!("{server}/{database}?{parameters}"))
}

async fn drop_postgres(url: &str) {
    let path = url.split('?').next().unwrap_or_default();
    let database = path.rsplit('/').next().unwrap_or_default();
    execute(
        &superuser().unwrap(),
        format!("DROP DATABASE {database} WITH (FORCE)"),
    )
    .await;
}

pub(crate) async fn execute(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let done = raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
    done.unwrap();
}

fn superuser() -> Option<String> {
    variable("IDTRAIL_TEST_POSTGRES")
}
