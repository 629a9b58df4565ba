//! The real embedded broker behind a switch, a spool in a folder, and what came of it all.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use schemas::{Position, Topic};
use stage::{
    BatchLimit, Broker, BrokerError, Context, Extent, Output, Publisher, Reader, Record, Registry,
    Start, Subscription,
    broker::{
        Assigned, Lag,
        embedded::{Embedded, Opening},
    },
};

use crate::{Config, durable::Durable, spool};

/// What a post may wait where the broker hangs.
pub(crate) const DEADLINE: Duration = Duration::from_millis(100);
/// What it may wait elsewhere: no disk and no core is so slow that a post were answered too late, and then perhaps kept and
/// sent again.
const PATIENT: Duration = Duration::from_secs(10);
/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the broker does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Works,
    Fails,
    Hangs,
    /// Fails once, and works from then on.
    FailsOnce,
    /// Answers, but slowly.
    Late,
    /// Takes the record, and says that it has not.
    TakesAndFails,
    /// Takes no record of the key `large`.
    RefusesLarge,
    /// Takes records; the next that are read are lost on their way to the reader.
    LosesTheReader,
}

/// The embedded broker behind a switch.
#[derive(Debug)]
pub(crate) struct Switched {
    pub(crate) inner: Embedded,
    mode: Arc<Mutex<Mode>>,
    /// How long it was given for the last record.
    given: Mutex<Duration>,
}

impl Switched {
    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    pub(crate) fn given(&self) -> Duration {
        *self.given.lock().unwrap()
    }
}

struct SwitchedReader {
    inner: Box<dyn Reader>,
    mode: Arc<Mutex<Mode>>,
}

#[async_trait]
impl Reader for SwitchedReader {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        let records = self.inner.next(limit).await?;
        let mut mode = self.mode.lock().unwrap();
        if *mode == Mode::LosesTheReader {
            *mode = Mode::Works;
            return Err(BrokerError::Unavailable("switched off".to_owned()));
        }
        Ok(records)
    }
}

#[async_trait]
impl Broker for Switched {
    async fn append(&self, output: Output, deadline: Duration) -> Result<Position, BrokerError> {
        let mode = *self.mode.lock().unwrap();
        *self.given.lock().unwrap() = deadline;
        let failed = || Err(BrokerError::Unavailable("switched off".to_owned()));
        match mode {
            Mode::Fails => return failed(),
            Mode::FailsOnce => {
                self.set(Mode::Works);
                return failed();
            }
            Mode::Hangs => std::future::pending().await,
            Mode::Late => tokio::time::sleep(DEADLINE / 2).await,
            Mode::RefusesLarge if output.key == b"large" => {
                return Err(BrokerError::TooLarge(output.bytes()));
            }
            Mode::Works | Mode::TakesAndFails | Mode::RefusesLarge | Mode::LosesTheReader => {}
        }
        let taken = self.inner.append(output, deadline).await;
        if mode == Mode::TakesAndFails {
            return failed();
        }
        taken
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[Topic],
    ) -> Result<Box<dyn Subscription>, BrokerError> {
        self.inner.subscribe(group, topics).await
    }

    async fn read(&self, assigned: Vec<Assigned>) -> Result<Box<dyn Reader>, BrokerError> {
        let inner = self.inner.read(assigned).await?;
        let mode = Arc::clone(&self.mode);
        Ok(Box::new(SwitchedReader { inner, mode }))
    }

    async fn publisher(&self, name: &str) -> Result<Box<dyn Publisher>, BrokerError> {
        self.inner.publisher(name).await
    }

    async fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError> {
        self.inner.extents(topic).await
    }

    async fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BrokerError> {
        self.inner.lag(group, topics).await
    }

    async fn create_topics(&self) -> Result<Vec<Topic>, BrokerError> {
        self.inner.create_topics().await
    }

    async fn check_topics(&self) -> Result<(), BrokerError> {
        self.inner.check_topics().await
    }

    fn registry(&self) -> &dyn Registry {
        self.inner.registry()
    }

    fn prefix(&self) -> &str {
        self.inner.prefix()
    }
}

pub(crate) struct World {
    pub(crate) folder: PathBuf,
    /// Deletes the folder in the end, where it is ours.
    own: Option<tempfile::TempDir>,
    pub(crate) broker: Arc<Switched>,
    pub(crate) context: Context,
    pub(crate) config: Config,
}

impl World {
    pub(crate) async fn new() -> Self {
        let own = tempfile::tempdir().unwrap();
        let mut world = Self::at(own.path()).await;
        world.own = Some(own);
        world
    }

    /// One in which a broker that hangs is not waited for.
    pub(crate) async fn hurried() -> Self {
        let mut world = Self::new().await;
        world.config.deadline_ms = u64::try_from(DEADLINE.as_millis()).unwrap();
        world
    }

    /// Over what another process has left in a folder.
    pub(crate) async fn at(folder: &Path) -> Self {
        let opening = Opening {
            prefix: "idtrail".to_owned(),
            partitions: 3,
        };
        let clock = Arc::new(stage::SystemClock);
        let file = folder.join("topics.db");
        let inner = Embedded::open(&file, opening, clock.clone()).await.unwrap();
        let broker = Arc::new(Switched {
            inner,
            mode: Arc::default(),
            given: Mutex::default(),
        });
        let config = Config {
            deadline_ms: u64::try_from(PATIENT.as_millis()).unwrap(),
            ..Config::default()
        };
        std::fs::write(folder.join("spool.key"), [7; 32]).unwrap();
        let context = Context {
            broker: broker.clone(),
            clock,
            chance: stage::Chance::system(),
            stopper: stage::Stopper::new(),
            health: stage::Health::new(),
            limit: BatchLimit::default(),
        };
        Self {
            folder: folder.to_owned(),
            own: None,
            broker,
            context,
            config,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn spool(&self) -> spool::Config {
        spool::Config {
            file: self.path("spool.db"),
            key_file: self.path("spool.key"),
            previous_key_files: Vec::new(),
            max_bytes: 1 << 20,
            max_records: 1_000,
        }
    }

    pub(crate) async fn durable(&self, spool: Option<spool::Config>) -> Durable {
        let mut config = self.config.clone();
        config.spool = spool;
        Durable::open(&config, &self.context).await.unwrap()
    }

    /// What the topic holds: keys and values, in the order of their partitions.
    pub(crate) async fn topic(&self) -> Vec<(String, u64)> {
        let extents = self.broker.extents(Topic::Raw).await.unwrap();
        let mut left: i64 = extents
            .iter()
            .map(|extent| extent.next - extent.first)
            .sum();
        let assigned = extents.iter().map(|extent| Assigned {
            topic: Topic::Raw,
            partition: extent.partition,
            start: Start::First,
        });
        let mut reader = self.broker.read(assigned.collect()).await.unwrap();
        let mut all = Vec::new();
        while left > 0 {
            for record in reader.next(&self.context.limit).await.unwrap() {
                left -= 1;
                let key = String::from_utf8(record.key.unwrap()).unwrap();
                let value = String::from_utf8(record.value.unwrap()).unwrap();
                all.push((key, value.trim_start_matches("body ").parse().unwrap()));
            }
        }
        all
    }
}

/// A post of a key.
pub(crate) fn output(key: &str, n: u64) -> Output {
    Output {
        topic: Topic::Raw,
        key: key.as_bytes().to_vec(),
        headers: vec![("peer".into(), b"192.0.2.1".to_vec())],
        value: format!("body {n}").into_bytes(),
    }
}

/// Waits for a condition, and says which did not come.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "waited for: {what}"
    );
}

/// Does something while the spool works beside it.
pub(crate) async fn beside<T>(durable: &Durable, work: impl Future<Output = T>) -> T {
    tokio::select! {
        () = durable.run() => unreachable!("it runs for ever"),
        done = work => done,
    }
}

/// Waits until nothing is spooled any more.
pub(crate) async fn drained(durable: &Durable) {
    let records = || durable.status().spool.map_or(0, |spool| spool.records);
    beside(
        durable,
        until("the spool is drained", async || records() == 0),
    )
    .await;
}
