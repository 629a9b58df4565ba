//! A database of its own for each story, and events as `enrich` and `validate` write them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use directory::Directory;
use schemas::{Event, Notified, Outcome, Position, Refusal, Rejected, Timestamp, Topic, header};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};
use stage::{
    BatchLimit, Broker, Chance, Codec, Context, Health, Record, Stopper,
    broker::embedded::{Embedded, Opening},
    clock::MockClock,
    database::{Database, Location},
};
use tempfile::TempDir;

use super::{
    events::{event, raw},
    fakes::{Phonebook, Script},
};
use crate::{
    ChannelKind, Config, MIGRATIONS, Service,
    channel::{Channel, discard::Discard},
};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(super) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(super) struct World {
    pub(super) name: &'static str,
    pub(super) location: Location,
    pub(super) database: Database,
    pub(super) broker: Arc<dyn Broker>,
    pub(super) clock: MockClock,
    pub(super) codec: Arc<Codec>,
    pub(super) phonebook: Arc<Phonebook>,
    pub(super) script: Arc<Script>,
    offset: AtomicI64,
    pub(super) folder: TempDir,
}

/// Tells a story in every world.
pub(super) async fn each(story: impl AsyncFn(&World)) {
    for name in ["SQLite", "PostgreSQL"] {
        if let Some(world) = World::new(name).await {
            story(&world).await;
            world.clear().await;
        }
    }
}

impl World {
    /// A migrated, empty database; none where there is no PostgreSQL.
    pub(super) async fn new(name: &'static str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = match name {
            "SQLite" => format!("sqlite:{}", folder.path().join("notify.db").display()),
            _ => new_postgres(name).await?,
        };
        let location = Location {
            url,
            password_file: None,
        };
        let database = Database::open(&location, "notify.database").unwrap();
        let migrated = database.migrate("notify.database", &MIGRATIONS).await;
        migrated.unwrap();
        let clock = MockClock::at(Timestamp::from_micros(1_790_000_000_000_000));
        let opening = Opening {
            prefix: "idtrail".to_owned(),
            partitions: 3,
        };
        let file = folder.path().join("topics.db");
        let broker = Embedded::open(&file, opening, Arc::new(clock.clone()));
        let broker: Arc<dyn Broker> = Arc::new(broker.await.unwrap());
        let written = [
            Topic::Enriched,
            Topic::Rejected,
            Topic::Operated,
            Topic::Notified,
        ];
        for topic in written {
            broker.registry().register(topic).await.unwrap();
        }
        let codec = Codec::new(Arc::clone(&broker), Arc::new(clock.clone()), "/test");
        codec.prepare(&written).await.unwrap();
        Some(Self {
            name,
            location,
            database,
            broker,
            clock,
            codec: Arc::new(codec),
            phonebook: Arc::default(),
            script: Arc::default(),
            offset: AtomicI64::new(0),
            folder,
        })
    }

    pub(super) fn context(&self) -> Context {
        Context {
            broker: Arc::clone(&self.broker),
            clock: Arc::new(self.clock.clone()),
            chance: Chance::of(|bytes| bytes.fill(0)),
            stopper: Stopper::new(),
            health: Health::new(),
            limit: BatchLimit::default(),
        }
    }

    /// The service with the scripted channel, as a process would start it.
    pub(super) async fn service(&self, context: &Context) -> Service {
        let channel = Arc::clone(&self.script);
        let parts = (Arc::clone(&self.phonebook) as _, channel as _);
        self.ready(parts, context).await
    }

    /// The service with the channel that tells nobody.
    pub(super) async fn discarding(&self, context: &Context) -> Service {
        let parts = (Arc::clone(&self.phonebook) as _, Arc::new(Discard) as _);
        self.ready(parts, context).await
    }

    async fn ready(
        &self,
        parts: (Arc<dyn Directory>, Arc<dyn Channel>),
        context: &Context,
    ) -> Service {
        use stage::keep::Keep as _;
        let databases = (&self.database, &self.database);
        let service = Service::new(&self.config(), databases, parts, context);
        service.codec.prepare(&[Topic::Notified]).await.unwrap();
        service.notify.offsets().await.unwrap();
        service
    }

    pub(super) fn config(&self) -> Config {
        Config {
            database: self.location.clone(),
            channel: ChannelKind::Discard,
            retry_seconds: vec![0, 5, 60],
            ..Config::default()
        }
    }

    /// Decides about these records as one batch.
    pub(super) async fn keep(&self, service: &Service, batch: &[Record]) {
        use stage::keep::Keep as _;
        service.codec.learn(batch).await.unwrap();
        service.notify.keep(&batch.to_vec()).await.unwrap();
    }

    /// What has ended and is not published yet, in order.
    pub(super) async fn ended(&self, service: &Service) -> Vec<Notified> {
        let all = service.notify.store.after(0, 10_000).await.unwrap();
        let numbers: Vec<i64> = all.iter().map(|(number, _)| *number).collect();
        let first = numbers.first().copied().unwrap_or(1);
        let whole: Vec<i64> = (first..).take(numbers.len()).collect();
        assert_eq!(numbers, whole, "numbers have no holes");
        all.into_iter().map(|(_, one)| one.event).collect()
    }

    /// A record at the next offset.
    pub(super) fn record<E: Event>(&self, event: &E) -> Record {
        let output = self.codec.encode(event, b"A-1:C-1", Some(TRACE));
        self.record_of(E::TOPIC, output.value)
    }

    pub(super) fn record_of(&self, topic: Topic, value: Vec<u8>) -> Record {
        let offset = self.offset.fetch_add(1, Ordering::Relaxed);
        Record {
            topic,
            position: Position {
                topic: topic.name("idtrail"),
                partition: 0,
                offset,
            },
            timestamp: Timestamp::from_micros(0),
            key: Some(b"A-1:C-1".to_vec()),
            headers: vec![(header::TRACEPARENT.into(), TRACE.as_bytes().to_vec())],
            value: Some(value),
        }
    }

    pub(super) fn enriched(&self, reference: &str, outcome: Outcome) -> Record {
        self.record(&event(reference, outcome, ""))
    }

    /// A refusal by `validate`.
    pub(super) fn rejected(&self, reason: Refusal) -> Record {
        let number = self.offset.load(Ordering::Relaxed);
        let raw = raw("raw", number);
        let field = Some("transactionResult.x".to_owned());
        self.record(&Rejected::of_raw(&raw, (reason, field, None)))
    }

    pub(super) async fn clear(self) {
        match self.database {
            Database::Sqlite(pool) => pool.close().await,
            Database::Postgres(pool) => {
                pool.close().await;
                drop_postgres(&self.location.url).await;
            }
        }
    }
}

/// Waits until something holds; half a minute is long for anything that a story waits for, on a busy machine too.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited 30 s for: {what}");
}

async fn new_postgres(name: &str) -> Option<String> {
    let Some(superuser) = variable("IDTRAIL_TEST_POSTGRES") else {
        skipped(name, "IDTRAIL_TEST_POSTGRES");
        return None;
    };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let database = format!("notify_{}_{number}", std::process::id());
    execute(&superuser, format!("DROP DATABASE IF EXISTS {database}")).await;
    execute(&superuser, format!("CREATE DATABASE {database}")).await;
    let (start, parameters) = superuser.split_once('?').unwrap_or((&superuser, ""));
    let (server, _) = start.rsplit_once('/').expect("the URL names a database");
    Some(format!("{server}/{database}?{parameters}"))
}

async fn drop_postgres(url: &str) {
    let path = url.split('?').next().unwrap_or_default();
    let database = path.rsplit('/').next().unwrap_or_default();
    let superuser = variable("IDTRAIL_TEST_POSTGRES").unwrap();
    execute(&superuser, format!("DROP DATABASE {database} WITH (FORCE)")).await;
}

async fn execute(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let done = raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
    done.unwrap();
}

pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.into_string().expect("a setting of a test is UTF-8"))
}

#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
pub(super) fn skipped(what: &str, variable: &str) {
    eprintln!("skipped: {what} ({variable} is not set)");
}
