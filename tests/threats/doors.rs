//! Doors of a test's own: `idtrail ingest` processes, and nothing else of ours, on a Kafka that the test may harm.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use schemas::Topic;
use stage::{
    Broker, Clock as _, Record, SystemClock,
    broker::kafka::{Kafka, KafkaSettings},
    registry::confluent,
};
use tempfile::TempDir;

use crate::world::{Parts, free, records};

mod process;

/// The Kafka below the doors.
#[derive(Clone)]
pub(super) struct Below {
    /// Where the test itself reads.
    pub(super) direct: String,
    /// Where the doors go.
    pub(super) doors: String,
    pub(super) replication: u16,
}

impl Below {
    /// The one broker of the test runner; none, with a printed line, where it is not.
    pub(super) fn one_broker() -> Option<Self> {
        let direct = part("KAFKA")?;
        Some(Self {
            doors: direct.clone(),
            direct,
            replication: 1,
        })
    }
}

/// A variable of the test runner; none, with a printed line, where it is not set.
pub(super) fn part(name: &str) -> Option<String> {
    let variable = Parts::variable(name);
    if variable.is_none() {
        println!("skipped: no real part {name}; run it through tests/run --parts kafka,registry");
    }
    variable
}

/// Runs a script of a part, e.g. `kafka-kill`; what it said.
pub(super) fn script(name: &str) -> String {
    let folder = Parts::variable("PARTS").unwrap();
    let output = tokio::task::block_in_place(|| {
        Command::new(format!("{folder}/{name}"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap()
    });
    assert!(output.status.success(), "{name}: {}", output.status);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Sends a signal, e.g. `-STOP`, to a process.
pub(super) fn signal(signal: &str, pid: &str) {
    let status = Command::new("kill").args([signal, pid]).status().unwrap();
    assert!(status.success(), "kill {signal} {pid}: {status}");
}

struct OneDoor {
    listen: SocketAddr,
    admin: SocketAddr,
    child: Option<Child>,
}

/// Doors of one system.
pub(super) struct Doors {
    pub(super) folder: TempDir,
    pub(super) client: reqwest::Client,
    below: Below,
    registry: String,
    prefix: String,
    variables: BTreeMap<String, String>,
    file_kilobytes: Option<u32>,
    each: Vec<OneDoor>,
}

impl Doors {
    /// Makes topics and starts so many doors; none, with a printed line, where there is no registry.
    pub(super) async fn start(
        below: Below,
        count: usize,
        settings: &[(&str, &str)],
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut doors = Self::new(below, count, settings, folder)?;
        doors.open().await;
        Some(doors)
    }

    /// One door in a folder that holds what its settings name; its files may become so large, as on a disk that is full.
    pub(super) async fn start_limited(
        below: Below,
        settings: &[(&str, &str)],
        folder: TempDir,
        file_kilobytes: Option<u32>,
    ) -> Option<Self> {
        let mut doors = Self::new(below, 1, settings, folder)?;
        doors.file_kilobytes = file_kilobytes;
        doors.open().await;
        Some(doors)
    }

    async fn open(&mut self) {
        self.prepare();
        for number in 0..self.each.len() {
            self.spawn(number);
        }
        for number in 0..self.each.len() {
            self.ready(number).await;
        }
    }

    fn new(below: Below, count: usize, settings: &[(&str, &str)], folder: TempDir) -> Option<Self> {
        let registry = part("REGISTRY")?;
        let registry = registry.trim_end_matches('/').to_owned();
        let prefix = format!("d{}", SystemClock.now().micros());
        let replication = below.replication.to_string();
        let usual = [
            ("BROKER__KIND", "kafka"),
            ("BROKER__BOOTSTRAP", below.direct.as_str()),
            ("BROKER__PREFIX", prefix.as_str()),
            ("BROKER__PARTITIONS", "6"),
            ("BROKER__REPLICATION", replication.as_str()),
            ("REGISTRY__URL", registry.as_str()),
            ("DOOR__ALLOW", "[\"127.0.0.1/32\"]"),
            ("DOOR__RATE", "100000"),
            ("DOOR__BURST", "100000"),
            ("DOOR__TOTAL_RATE", "100000"),
            ("DOOR__TOTAL_BURST", "100000"),
            ("TELEMETRY__FORMAT", "json"),
        ];
        let variables = usual.iter().chain(settings);
        let variables = variables
            .map(|(name, value)| (format!("IDTRAIL_{name}"), (*value).to_owned()))
            .collect();
        let door = |_| OneDoor {
            listen: free(),
            admin: free(),
            child: None,
        };
        Some(Self {
            folder,
            file_kilobytes: None,
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(5))
                .build()
                .unwrap(),
            below,
            registry: registry.clone(),
            prefix: prefix.clone(),
            variables,
            each: (0..count).map(door).collect(),
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idtrail"));
        command
            .args(arguments)
            .envs(&self.variables)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn prepare(&mut self) {
        for arguments in [["topics", "create"], ["schemas", "register"]] {
            let output = self.command(&arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?}: {said}");
        }
        self.set("BROKER__BOOTSTRAP", &self.below.doors.clone());
    }

    /// Changes a setting for doors that are started from now on.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let name = format!("IDTRAIL_{name}");
        self.variables.insert(name, value.to_owned());
    }

    pub(super) fn listen(&self, number: usize) -> SocketAddr {
        self.each[number].listen
    }

    pub(super) fn admin(&self, number: usize) -> SocketAddr {
        self.each[number].admin
    }

    pub(super) fn pid(&self, number: usize) -> u32 {
        self.each[number].child.as_ref().unwrap().id()
    }

    /// Everything that is in `raw`, read past whatever stands between the doors and Kafka.
    pub(super) async fn raw(&self) -> Vec<Record> {
        let settings = KafkaSettings {
            bootstrap: self.below.direct.clone(),
            prefix: self.prefix.clone(),
            instance: "reader".to_owned(),
            partitions: 6,
            replication: i32::from(self.below.replication),
            properties: BTreeMap::new(),
            registry: confluent::Settings {
                url: self.registry.clone(),
                user: None,
                password_file: None,
            },
        };
        let broker: Arc<dyn Broker> =
            Arc::new(Kafka::open(settings, Arc::new(SystemClock)).unwrap());
        records(&broker, Topic::Raw).await
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        for number in 0..self.each.len() {
            self.kill(number);
            if std::thread::panicking() {
                eprintln!("--- door {number} said\n{}", self.said(number));
            }
        }
    }
}
