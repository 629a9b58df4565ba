//! A system under measurement: the released binary on the real parts or on the embedded defaults.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{cpu, load::ACCOUNTS};

mod history;

/// A running system.
pub(crate) struct System {
    pub(crate) folder: TempDir,
    pub(crate) door: SocketAddr,
    variables: BTreeMap<String, String>,
    admin: BTreeMap<&'static str, SocketAddr>,
    children: BTreeMap<&'static str, Child>,
    real: bool,
}

/// A variable of the test runner.
#[expect(
    clippy::disallowed_methods,
    reason = "the runner hands the parts over in the environment"
)]
pub(crate) fn part(name: &str) -> Option<String> {
    std::env::var(format!("IDTRAIL_TEST_{name}")).ok()
}

/// The released binary beside this one.
fn binary() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("idtrail")
}

/// A port that was free a moment ago.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

impl System {
    /// Starts a system; `services` are those of the real kind that are needed.
    pub(crate) async fn start(
        real: bool,
        services: &[&'static str],
        settings: &[(&str, &str)],
    ) -> Option<Self> {
        if real && part("KAFKA").is_none() {
            println!("skipped: no real parts; run it through tests/run");
            return None;
        }
        let names: &[&'static str] = if real { services } else { &["up"] };
        let mut system = Self {
            folder: tempfile::tempdir().unwrap(),
            door: free(),
            variables: BTreeMap::new(),
            admin: names.iter().map(|name| (*name, free())).collect(),
            children: BTreeMap::new(),
            real,
        };
        system.settings(settings);
        system.prepare().await;
        for name in names {
            system.spawn(name);
        }
        for name in names {
            system.ready(name).await;
        }
        Some(system)
    }

    fn settings(&mut self, settings: &[(&str, &str)]) {
        let prefix = format!("b{}", self.door.port());
        let mut set =
            |name: &str, value: String| self.variables.insert(format!("IDTRAIL_{name}"), value);
        set("DOOR__LISTEN", self.door.to_string());
        set("DOOR__ALLOW", "[\"127.0.0.1/32\"]".to_owned());
        set("DOOR__RATE", "1000000".to_owned());
        set("DOOR__BURST", "1000000".to_owned());
        set("DOOR__TOTAL_RATE", "1000000".to_owned());
        set("DOOR__TOTAL_BURST", "1000000".to_owned());
        set("AUDIT__LISTEN", free().to_string());
        set("TELEMETRY__LOG", "warn".to_owned());
        set("BROKER__PREFIX", prefix.clone());
        if self.real {
            let database = |name: &str| {
                part("POSTGRES")
                    .unwrap()
                    .replacen("/postgres?", &format!("/{prefix}_{name}?"), 1)
            };
            let key = self.folder.path().join("history.key");
            std::fs::write(&key, "5a".repeat(32)).unwrap();
            set("BROKER__KIND", "kafka".to_owned());
            set("BROKER__BOOTSTRAP", part("KAFKA").unwrap());
            set("REGISTRY__URL", part("REGISTRY").unwrap());
            set("DIRECTORY__URL", database("directory"));
            set("NOTIFY__DATABASE__URL", database("notify"));
            set("AUDIT__DATABASE__URL", database("history"));
            set("AUDIT__KEYS__URL", database("keys"));
            set("AUDIT__KEY_FILE", key.display().to_string());
        }
        for (name, value) in settings {
            set(name, (*value).to_owned());
        }
    }

    async fn prepare(&self) {
        if self.real {
            let mut connection = PgConnection::connect(&part("POSTGRES").unwrap())
                .await
                .unwrap();
            for name in ["directory", "notify", "history", "keys"] {
                let statement = format!("CREATE DATABASE b{}_{name}", self.door.port());
                connection.execute(AssertSqlSafe(statement)).await.unwrap();
            }
            self.run(&["topics", "create"]);
            self.run(&["schemas", "register"]);
        } else {
            std::fs::create_dir_all(self.data()).unwrap();
        }
        self.run(&["database", "migrate"]);
        let file = self.folder.path().join("directory.json");
        std::fs::write(&file, directory()).unwrap();
        self.run(&["directory", "import", file.to_str().unwrap()]);
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = self.command(arguments);
        if !self.real {
            command.arg("--data").arg(self.data());
        }
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .envs(&self.variables)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn spawn(&mut self, name: &'static str) {
        let log = std::fs::File::create(self.folder.path().join(format!("{name}.log"))).unwrap();
        let mut command = self.command(&[name]);
        if !self.real {
            command.arg("--data").arg(self.data());
        }
        let child = command
            .env("IDTRAIL_ADMIN__LISTEN", self.admin[name].to_string())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.children.insert(name, child);
    }

    async fn ready(&self, name: &str) {
        let begun = Instant::now();
        while !self.page(name, "/readyz").await.starts_with("HTTP/1.1 200") {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "{name} is not ready after 60 s"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A page of a process's admin listener, with its head; empty where none answers.
    pub(crate) async fn page(&self, name: &str, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(self.admin[name]).await else {
            return String::new();
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).await.is_ok() {
            let _ended = stream.read_to_end(&mut answer).await;
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The sum of a metric over its labels.
    pub(crate) async fn metric(&self, process: &str, name: &str) -> f64 {
        let process = if self.real { process } else { "up" };
        let page = self.page(process, "/metrics").await;
        let lines = page
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// A metric with this label.
    pub(crate) async fn labelled(&self, process: &str, name: &str, label: &str) -> f64 {
        let process = if self.real { process } else { "up" };
        let page = self.page(process, "/metrics").await;
        let mut lines = page
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        lines
            .find_map(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0.0)
    }

    /// The data folder of the embedded kind.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The processes and their ids.
    pub(crate) fn pids(&self) -> Vec<(&'static str, u32)> {
        self.children
            .iter()
            .map(|(name, child)| (*name, child.id()))
            .collect()
    }

    /// CPU seconds so far of each process and, on the real parts, of Kafka and PostgreSQL.
    pub(crate) fn cpu(&self) -> BTreeMap<String, f64> {
        let mut all: BTreeMap<String, f64> = self
            .pids()
            .into_iter()
            .map(|(name, pid)| (name.to_owned(), cpu::seconds(pid)))
            .collect();
        if let (true, Some(parts)) = (self.real, part("PARTS")) {
            for name in ["kafka", "postgres"] {
                let output = Command::new(format!("{parts}/{name}-pid"))
                    .output()
                    .unwrap();
                let pid = String::from_utf8_lossy(&output.stdout)
                    .trim()
                    .parse()
                    .unwrap_or(0);
                all.insert(name.to_owned(), cpu::seconds_of_family(pid));
            }
        }
        all.insert(
            "load generator".to_owned(),
            cpu::seconds(std::process::id()),
        );
        all
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}

fn directory() -> String {
    let users: Vec<_> = (0..50)
        .map(|n| serde_json::json!({ "id": format!("u-{n}"), "email": format!("u{n}@sales.example.test"), "active": true }))
        .collect();
    let queue =
        |id: &str| serde_json::json!({ "id": id, "email": format!("{id}@team.example.test") });
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|n| {
            serde_json::json!({
                "id": format!("acc{n}"), "number": format!("A-{n}"), "contacts": [format!("C-{n}")],
                "owners": [format!("u-{}", n % 50)],
            })
        })
        .collect();
    serde_json::json!({
        "users": users, "queues": [queue("q-onboarding"), queue("q-sales-fallback"), queue("q-admins")],
        "accounts": accounts, "default_onboarding_queue": "q-onboarding", "fallback_queue": "q-sales-fallback",
    })
    .to_string()
}
