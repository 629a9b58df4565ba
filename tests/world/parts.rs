//! The real parts, as `tests/run` exports them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use stage::{
    Broker, SystemClock,
    broker::kafka::{Kafka, KafkaSettings},
    registry::confluent,
};

/// Where the real parts are.
pub(crate) struct Parts {
    kafka: String,
    registry: String,
    postgres: String,
    folder: PathBuf,
}

/// How long PostgreSQL may take to end.
const GONE: Duration = Duration::from_secs(20);
const DATABASES: [&str; 4] = ["directory", "notify", "history", "keys"];

impl Parts {
    /// The parts that the environment names; none, with a printed line, where it does not.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runner hands the parts over in the environment"
    )]
    pub(crate) fn of_environment() -> Option<Self> {
        let variable = |name: &str| std::env::var(format!("IDTRAIL_TEST_{name}")).ok();
        let parts = (|| {
            Some(Self {
                kafka: variable("KAFKA")?,
                registry: variable("REGISTRY")?,
                postgres: variable("POSTGRES")?,
                folder: variable("PARTS")?.into(),
            })
        })();
        if parts.is_none() {
            println!("skipped: no real parts; run it through tests/run");
        }
        parts
    }

    /// The same, with PostgreSQL reached at this address.
    pub(crate) fn with_postgres_at(self, address: SocketAddr) -> Self {
        let postgres = self
            .postgres
            .replacen(self.postgres_address(), &address.to_string(), 1);
        Self { postgres, ..self }
    }

    /// Where PostgreSQL is reached.
    pub(crate) fn postgres_address(&self) -> &str {
        let rest = self.postgres.split_once('@').unwrap().1;
        rest.split_once('/').unwrap().0
    }

    /// A further variable of the test runner.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runner hands the parts over in the environment"
    )]
    pub(crate) fn variable(name: &str) -> Option<String> {
        std::env::var(format!("IDTRAIL_TEST_{name}")).ok()
    }

    /// Runs one of the scripts that start, stop and kill a part, e.g. `kafka-kill`.
    pub(crate) fn script(&self, name: &str) {
        let status = Command::new(self.folder.join(name)).status().unwrap();
        assert!(status.success(), "{name}: {status}");
    }

    /// Stops PostgreSQL as `pg_ctl stop -m immediate` does, and starts it again.
    pub(crate) fn stop_postgres_at_once(&self) {
        let begun = Instant::now();
        let mut sent = false;
        loop {
            let said = Command::new(self.folder.join("postgres-pid")).output();
            let said = String::from_utf8(said.unwrap().stdout).unwrap();
            if said.is_empty() {
                break;
            }
            if !sent {
                let kill = Command::new("kill").args(["-QUIT", said.trim()]).status();
                sent = kill.unwrap().success();
            }
            assert!(
                begun.elapsed() < GONE,
                "waited {GONE:?} for PostgreSQL to end"
            );
        }
        self.script("postgres-start");
    }

    /// The settings of a world on these parts.
    pub(crate) fn variables(&self, folder: &Path, prefix: &str) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
        set("BROKER__KIND", "kafka".to_owned());
        set("BROKER__BOOTSTRAP", self.kafka.clone());
        set("BROKER__PARTITIONS", "6".to_owned());
        set("REGISTRY__URL", self.registry.clone());
        set("DIRECTORY__URL", self.database(prefix, "directory"));
        set("NOTIFY__DATABASE__URL", self.database(prefix, "notify"));
        set("AUDIT__DATABASE__URL", self.database(prefix, "history"));
        set("AUDIT__KEYS__URL", self.database(prefix, "keys"));
        let key = folder.join("history.key");
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        set("AUDIT__KEY_FILE", key.display().to_string());
        set("NOTIFY__CHANNEL", "maildir".to_owned());
        set("NOTIFY__MAILDIR", folder.join("mail").display().to_string());
        all
    }

    /// The URL of one of a world's databases.
    pub(crate) fn database(&self, prefix: &str, name: &str) -> String {
        self.postgres
            .replacen("/postgres?", &format!("/{prefix}_{name}?"), 1)
    }

    /// Makes the databases of a world.
    pub(crate) async fn make_databases(&self, prefix: &str) {
        let mut connection = PgConnection::connect(&self.postgres).await.unwrap();
        for name in DATABASES {
            let statement = format!("CREATE DATABASE {prefix}_{name}");
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
    }

    /// A broker of the tests' own, for reading along.
    pub(crate) fn broker(&self, prefix: &str) -> Arc<dyn Broker> {
        let settings = KafkaSettings {
            bootstrap: self.kafka.clone(),
            prefix: prefix.to_owned(),
            instance: "reader".to_owned(),
            partitions: 6,
            replication: 1,
            properties: BTreeMap::new(),
            registry: confluent::Settings {
                url: self.registry.clone(),
                user: None,
                password_file: None,
            },
        };
        Arc::new(Kafka::open(settings, Arc::new(SystemClock)).unwrap())
    }
}
