//! The embedded broker: one SQLite file, for `idtrail up` and for tests without other software.
//!
//! One task writes, and gathers what waits into one transaction (group commit); readers have connections
//! of their own. `journal_mode=WAL` with `synchronous=FULL`: what was acknowledged was fsynced.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use schemas::{Position, Topic};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use self::{
    group::Groups,
    reading::Reading,
    writer::{Change, Guard, Writer},
};
use super::{Assigned, Broker, BrokerError, Extent, Lag, Publisher, Reader, Subscription};
use crate::{Clock, Output, Registry, database::pools};

mod change;
mod extent;
mod group;
mod layout;
mod publisher;
mod reading;
mod registry;
mod retention;
mod writer;

pub use layout::{PartitionId, partition_of};

/// Requests that may wait for the writer; beyond it the door's appends wait and then meet their deadline.
const QUEUE: usize = 4_096;
/// Largest record, as at a Kafka broker with its default `message.max.bytes`.
const MAX_RECORD_BYTES: usize = 1_048_576;
/// Connections that read: every stage, `tail`, and some to spare.
const READERS: u32 = 6;
/// How long a reader may wait for its turn: all stages read by the same few connections.
const TURN: Duration = Duration::from_secs(30);
/// How long another process's write (a replay) may hold the file before ours fails.
const BUSY: Duration = Duration::from_secs(5);

/// What is known of every partition: the offset that its next record gets.
type Ends = Arc<BTreeMap<PartitionId, i64>>;

/// The embedded broker. Clones share it.
#[derive(Clone)]
pub struct Embedded(Arc<Shared>);

struct Shared {
    prefix: String,
    partitions: i32,
    clock: Arc<dyn Clock>,
    changes: mpsc::Sender<Change>,
    ends: watch::Receiver<Ends>,
    reading: SqlitePool,
    registry: registry::InFile,
    groups: Groups,
    tasks: TaskTracker,
}

/// How to open the embedded broker.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Prefix of topic names.
    pub prefix: String,
    /// Partitions of each topic, where the file is new; an existing file keeps its own number.
    pub partitions: i32,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    /// Opens the file, and makes it if it is not there.
    pub async fn open(
        file: &Path,
        opening: Opening,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BrokerError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            // 64 MiB between checkpoints: fewer fsyncs of the main file under load.
            .pragma("wal_autocheckpoint", "16384");
        let (changes, requests) = mpsc::channel(QUEUE);
        let (publish_ends, ends) = watch::channel(Ends::default());
        let writer = Writer::open(&options, &opening, Arc::clone(&clock), publish_ends)
            .await
            .map_err(unavailable)?;
        let partitions = writer.partitions();
        let tasks = TaskTracker::new();
        tasks.spawn(writer.run(requests));
        tasks.close();
        let reading = pools::options(READERS)
            .acquire_timeout(TURN)
            .connect_lazy_with(options.read_only(true));
        Ok(Self(Arc::new(Shared {
            registry: registry::InFile::new(
                reading.clone(),
                changes.clone(),
                opening.prefix.clone(),
            ),
            prefix: opening.prefix,
            partitions,
            clock,
            changes,
            ends,
            reading,
            groups: Groups::default(),
            tasks,
        })))
    }

    /// Waits until everything that was accepted is written, and closes the file.
    pub async fn close(self) {
        self.0.reading.close().await;
        let tasks = self.0.tasks.clone();
        drop(self);
        // Other clones keep the writer alive; whoever closes last waits for it.
        let _finished = tokio::time::timeout(BUSY, tasks.wait()).await;
    }

    fn reading(&self, assigned: Vec<(Topic, PartitionId, i64)>) -> Reading {
        Reading::new(
            self.0.reading.clone(),
            self.0.ends.clone(),
            self.0.prefix.clone(),
            assigned,
        )
    }

    fn partition_ids(&self, topic: Topic) -> impl Iterator<Item = PartitionId> + use<> {
        (0..self.0.partitions).map(move |partition| PartitionId::new(topic, partition))
    }

    async fn change(
        &self,
        guard: Guard,
        outputs: Vec<Output>,
    ) -> Result<Vec<(PartitionId, i64)>, BrokerError> {
        if let Some(large) = outputs
            .iter()
            .map(Output::bytes)
            .find(|bytes| *bytes > MAX_RECORD_BYTES)
        {
            return Err(BrokerError::TooLarge(large));
        }
        let (reply, answer) = oneshot::channel();
        self.0
            .changes
            .send(Change {
                guard,
                outputs,
                reply,
            })
            .await
            .map_err(gone)?;
        answer.await.map_err(gone)?
    }

    async fn offsets(&self, name: &str) -> Result<BTreeMap<i64, i64>, BrokerError> {
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT partition_id, next FROM offsets WHERE name = ?")
                .bind(name)
                .fetch_all(&self.0.reading)
                .await
                .map_err(unavailable)?;
        Ok(rows.into_iter().collect())
    }
}

#[async_trait]
impl Broker for Embedded {
    async fn append(&self, output: Output, deadline: Duration) -> Result<Position, BrokerError> {
        let topic = output.topic;
        let written = tokio::time::timeout(deadline, self.change(Guard::None, vec![output]))
            .await
            .map_err(|_| {
                BrokerError::Unavailable(format!("no answer within {} ms", deadline.as_millis()))
            })??;
        let (partition, offset) = written.first().ok_or_else(|| gone(()))?;
        Ok(Position {
            topic: topic.name(&self.0.prefix),
            partition: partition.partition(),
            offset: *offset,
        })
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[Topic],
    ) -> Result<Box<dyn Subscription>, BrokerError> {
        Ok(Box::new(group::Member::join(self.clone(), group, topics)))
    }

    async fn read(&self, assigned: Vec<Assigned>) -> Result<Box<dyn Reader>, BrokerError> {
        let mut starts = Vec::with_capacity(assigned.len());
        for one in assigned {
            let id = PartitionId::new(one.topic, one.partition);
            let extent = self.extent(id).await?;
            let start = match one.start {
                super::Start::First => extent.first,
                super::Start::End => extent.next,
                super::Start::Offset(offset) => offset.max(extent.first),
            };
            starts.push((one.topic, id, start));
        }
        Ok(Box::new(self.reading(starts)))
    }

    async fn publisher(&self, name: &str) -> Result<Box<dyn Publisher>, BrokerError> {
        Ok(Box::new(
            publisher::Numbered::open(self.clone(), name).await?,
        ))
    }

    async fn extents(&self, topic: Topic) -> Result<Vec<Extent>, BrokerError> {
        let mut extents = Vec::new();
        for id in self.partition_ids(topic) {
            extents.push(self.extent(id).await?);
        }
        Ok(extents)
    }

    async fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BrokerError> {
        let offsets = self.offsets(group).await?;
        let mut lags = Vec::new();
        for topic in topics.iter().copied() {
            for extent in self.extents(topic).await? {
                let id = PartitionId::new(topic, extent.partition);
                let at = offsets
                    .get(&id.number())
                    .copied()
                    .unwrap_or(0)
                    .max(extent.first);
                lags.push(Lag {
                    topic,
                    partition: extent.partition,
                    records: extent.next - at,
                });
            }
        }
        Ok(lags)
    }

    async fn create_topics(&self) -> Result<Vec<Topic>, BrokerError> {
        // Opening the file made them.
        Ok(Vec::new())
    }

    async fn check_topics(&self) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn retain(&self) -> Result<u64, BrokerError> {
        let (reply, answer) = oneshot::channel();
        let change = Change {
            guard: Guard::Retain {
                now: self.0.clock.now(),
            },
            outputs: Vec::new(),
            reply,
        };
        self.0.changes.send(change).await.map_err(gone)?;
        let deleted = answer.await.map_err(gone)??;
        Ok(deleted
            .first()
            .map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0)))
    }

    fn registry(&self) -> &dyn Registry {
        &self.0.registry
    }

    fn prefix(&self) -> &str {
        &self.0.prefix
    }
}

fn unavailable(error: impl std::fmt::Display) -> BrokerError {
    BrokerError::Unavailable(format!("the topics file: {error}"))
}

fn gone<E>(_: E) -> BrokerError {
    BrokerError::Unavailable("the topics file is closed".to_owned())
}
