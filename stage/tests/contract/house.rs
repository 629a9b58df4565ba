//! A broker of the test's own: a file in a folder, or a prefix of its own in a cluster that tests share.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use schemas::Topic;
use stage::{
    Broker, Clock, Record, Start, SystemClock,
    broker::{
        embedded::{Embedded, Opening},
        kafka::{Kafka, KafkaSettings},
    },
    clock::MockClock,
    registry::confluent,
};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use super::posted::{
    assert_order, assigned, batch, limit, output, pass_on, passed_on, read, text, texts,
};

/// Partitions of every topic: more than members, fewer than keys.
pub(crate) const PARTITIONS: i32 = 4;
/// What a post may wait.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// The longest that anything may take on a busy machine, but for what waits for a session or transaction to end.
const AT_MOST: Duration = Duration::from_mins(1);

/// Held by all who use the cluster; alone by who kills it.
static CLUSTER: RwLock<()> = RwLock::const_new(());

/// Why the cluster stays as it is, or does not.
pub(crate) enum Turn {
    Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
    Own,
}

/// A broker, and what a test may do to it.
pub(crate) struct House {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) embedded: Option<Embedded>,
    pub(crate) clock: MockClock,
    pub(crate) folder: TempDir,
    prefix: String,
    turn: Turn,
}

impl House {
    /// The embedded broker in a file of its own.
    pub(crate) async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = MockClock::at(SystemClock.now());
        let embedded = open(&folder, &clock).await;
        Self {
            broker: Arc::new(embedded.clone()),
            embedded: Some(embedded),
            clock,
            folder,
            prefix: "test".to_owned(),
            turn: Turn::Own,
        }
    }

    /// Kafka with topics of its own; none, with a printed line, where the environment names no cluster.
    pub(crate) async fn kafka() -> Option<Self> {
        let house = Self::without_topics().await?;
        within("topics", house.broker.create_topics())
            .await
            .unwrap();
        Some(house)
    }

    /// Kafka where nobody else may be, because it will be killed.
    pub(crate) async fn kafka_alone() -> Option<Self> {
        let mut house = Self::without_topics().await?;
        house.turn = Turn::Own;
        house.turn = Turn::Alone(CLUSTER.write().await);
        within("topics", house.broker.create_topics())
            .await
            .unwrap();
        Some(house)
    }

    /// Kafka with a prefix that has no topics yet.
    pub(crate) async fn without_topics() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if variable("KAFKA").and(variable("REGISTRY")).is_none() {
            println!("skipped: no Kafka; run it through tests/run --parts kafka,registry");
            return None;
        }
        if let Some(directives) = variable("LOG") {
            let _started_already = tracing_subscriber::fmt()
                .with_env_filter(directives)
                .with_test_writer()
                .try_init();
        }
        let turn = Turn::Shared(CLUSTER.read().await);
        let now = SystemClock.now().micros();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("t{now}-{count}");
        Some(Self {
            broker: Arc::new(Kafka::open(settings(&prefix, "a"), Arc::new(SystemClock)).unwrap()),
            embedded: None,
            clock: MockClock::at(SystemClock.now()),
            folder: tempfile::tempdir().unwrap(),
            prefix,
            turn,
        })
    }

    /// The settings of a further process on this cluster.
    pub(crate) fn settings(&self, instance: &str) -> KafkaSettings {
        settings(&self.prefix, instance)
    }

    /// The broker as another process of the same service has it.
    pub(crate) fn process(&self, instance: &str) -> Arc<dyn Broker> {
        if self.embedded.is_some() {
            // The embedded broker lives in one process; its members share it.
            return Arc::clone(&self.broker);
        }
        Arc::new(Kafka::open(self.settings(instance), Arc::new(SystemClock)).unwrap())
    }

    /// What a kill and a new start of the process lead to; whatever was open must have been dropped.
    pub(crate) async fn restart(&mut self) {
        if self.embedded.take().is_some() {
            let embedded = open(&self.folder, &self.clock).await;
            self.broker = Arc::new(embedded.clone());
            self.embedded = Some(embedded);
        } else {
            self.broker = self.process("a");
        }
    }

    /// The file of the embedded broker.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("topics.db")
    }

    /// Posts records of some keys, numbered within each key.
    pub(crate) async fn post(&self, topic: Topic, keys: usize, each: usize) -> BTreeSet<String> {
        let post = |key: usize| async move {
            let mut texts = Vec::new();
            for number in 0..each {
                let text = format!("k{key} {number:05}");
                let output = output(topic, &format!("k{key}"), &text);
                self.broker.append(output, DEADLINE).await.unwrap();
                texts.push(text);
            }
            texts
        };
        let posts = futures::future::join_all((0..keys).map(post));
        within("posts", posts).await.into_iter().flatten().collect()
    }

    /// Every record that readers see now. Marks are posted behind what is there, and read up to.
    pub(crate) async fn visible(&self, topic: Topic) -> Vec<Record> {
        let mut marks = BTreeMap::new();
        let mut tries = 0;
        while marks.len() < usize::try_from(PARTITIONS).unwrap() {
            tries += 1;
            let mark = output(topic, &format!("mark{tries}"), "mark");
            let position = self.broker.append(mark, DEADLINE).await.unwrap();
            marks.insert(position.partition, position.offset);
        }
        let all = (0..PARTITIONS).map(|partition| assigned(topic, partition, Start::First));
        let mut reader = self.broker.read(all.collect()).await.unwrap();
        let mut records = Vec::new();
        while !marks.is_empty() {
            for record in within("marks to be read", reader.next(&limit(1_000)))
                .await
                .unwrap()
            {
                let position = &record.position;
                if marks
                    .get(&position.partition)
                    .is_some_and(|mark| *mark <= position.offset)
                {
                    marks.remove(&position.partition);
                }
                if record.value.as_deref() != Some(b"mark") {
                    records.push(record);
                }
            }
        }
        records
    }
}

pub(crate) async fn open(folder: &TempDir, clock: &MockClock) -> Embedded {
    let opening = Opening {
        prefix: "test".to_owned(),
        partitions: PARTITIONS,
    };
    Embedded::open(
        &folder.path().join("topics.db"),
        opening,
        Arc::new(clock.clone()),
    )
    .await
    .unwrap()
}

fn settings(prefix: &str, instance: &str) -> KafkaSettings {
    KafkaSettings {
        bootstrap: variable("KAFKA").unwrap(),
        prefix: prefix.to_owned(),
        instance: instance.to_owned(),
        partitions: PARTITIONS,
        replication: 1,
        // What librdkafka is to tell of itself (`cgrp,eos,fetch`), with `IDTRAIL_TEST_LOG=librdkafka=debug`.
        properties: variable("DEBUG")
            .map(|v| ("debug".to_owned(), v))
            .into_iter()
            .collect(),
        registry: confluent::Settings {
            url: variable("REGISTRY").unwrap(),
            user: None,
            password_file: None,
        },
    }
}

/// A variable of the test runner.
#[expect(
    clippy::disallowed_methods,
    reason = "the test runner hands the parts over in the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(format!("IDTRAIL_TEST_{name}")).ok()
}

/// Runs one of the scripts that start and kill a part.
pub(crate) fn script(name: &str) {
    let folder = PathBuf::from(variable("PARTS").unwrap());
    let status = Command::new(folder.join(name)).status().unwrap();
    assert!(status.success(), "{name}: {status}");
}

/// Waits for something that must come; says what did not.
pub(crate) async fn within<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(AT_MOST, coming).await;
    came.unwrap_or_else(|_| panic!("waited {} s for {what}", AT_MOST.as_secs()))
}
