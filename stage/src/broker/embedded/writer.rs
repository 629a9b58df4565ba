//! The one task that writes: it gathers the changes that wait and makes them durable in one transaction.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use schemas::{Timestamp, Topic};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    BrokerError, Ends, Opening,
    change::{append, apply},
    gone,
    layout::{PartitionId, SCHEMA},
    unavailable,
};
use crate::{Clock, Output, database::file};

/// Changes gathered into one transaction; bounds what a failed commit makes everybody repeat.
const MAX_CHANGES: usize = 1_024;
/// Bytes gathered into one transaction.
const MAX_BYTES: usize = 8 << 20;
/// How often the file is looked at for what another process wrote (a replay).
const LOOK: Duration = Duration::from_millis(500);

pub(super) type Written = Vec<(PartitionId, i64)>;
type Answer = Result<Written, BrokerError>;

/// What must hold for a change to be made.
#[derive(Debug)]
pub(super) enum Guard {
    /// Nothing.
    None,
    /// The group's offsets stand where the batch began; they move with it.
    Offsets {
        group: String,
        moves: Vec<(PartitionId, i64, i64)>,
    },
    /// The relay is the newest of its name and stands at `from`; it moves to `to`.
    Publisher {
        name: String,
        epoch: i64,
        from: i64,
        to: i64,
    },
    /// Opens a relay: raises the epoch, which fences the one before. Answers with epoch and last number.
    Open { name: String },
    /// Registers a schema. Answers with its id.
    Schema { subject: String, text: String },
    /// Deletes what is no longer kept.
    Retain { now: Timestamp },
}

/// Outputs that are written together with what the guard moves, or not at all.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) guard: Guard,
    pub(super) outputs: Vec<Output>,
    pub(super) reply: oneshot::Sender<Result<Written, BrokerError>>,
}

pub(super) struct Writer {
    connection: SqliteConnection,
    options: SqliteConnectOptions,
    partitions: i32,
    clock: Arc<dyn Clock>,
    ends: watch::Sender<Ends>,
}

impl Writer {
    pub(super) async fn open(
        options: &SqliteConnectOptions,
        opening: &Opening,
        clock: Arc<dyn Clock>,
        ends: watch::Sender<Ends>,
    ) -> sqlx::Result<Self> {
        let mut connection = file::connect(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        let (had,): (i64,) = sqlx::query_as("SELECT count(*) FROM partitions")
            .fetch_one(&mut connection)
            .await?;
        let topics = i64::try_from(Topic::ALL.len()).unwrap_or(1);
        let partitions = if had == 0 {
            opening.partitions
        } else {
            i32::try_from(had / topics).unwrap_or(opening.partitions)
        };
        let mut transaction = connection.begin().await?;
        for topic in Topic::ALL {
            for partition in 0..partitions {
                sqlx::query("INSERT OR IGNORE INTO partitions VALUES (?, 0, 0)")
                    .bind(PartitionId::new(topic, partition).number())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        let mut this = Self {
            connection,
            options: options.clone(),
            partitions,
            clock,
            ends,
        };
        this.look().await?;
        Ok(this)
    }

    pub(super) fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Runs until every handle of the broker is gone.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Change>) {
        loop {
            match tokio::time::timeout(LOOK, requests.recv()).await {
                Ok(Some(first)) => {
                    let changes = gather(first, &mut requests);
                    self.write(changes).await;
                }
                Ok(None) => break,
                Err(_) => {
                    if self.look().await.is_err() {
                        self.reconnect().await;
                    }
                }
            }
        }
        let _closed = self.connection.close().await;
    }

    /// Answers only after the commit: from here on an acknowledged record survives a power cut.
    async fn write(&mut self, changes: Vec<Change>) {
        let mut answers = Vec::with_capacity(changes.len());
        let result = self.transact(changes, &mut answers).await;
        match result {
            Ok(ends) => {
                if let Some(ends) = ends {
                    self.ends.send_replace(ends);
                }
                for (reply, answer) in answers {
                    let _caller_left = reply.send(answer);
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "the topics file cannot be written");
                for (reply, _) in answers {
                    let _caller_left = reply.send(Err(unavailable(&error)));
                }
                self.reconnect().await;
            }
        }
    }

    async fn transact(
        &mut self,
        changes: Vec<Change>,
        answers: &mut Vec<(oneshot::Sender<Answer>, Answer)>,
    ) -> sqlx::Result<Option<Ends>> {
        let mut pending = changes.into_iter();
        let (clock, partitions) = (Arc::clone(&self.clock), self.partitions);
        let outcome = async {
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            let before = ends(&mut transaction).await?;
            let mut after = before.clone();
            for change in pending.by_ref() {
                // The reply is kept first: whatever fails below, somebody waits for an answer.
                answers.push((change.reply, Err(gone(()))));
                let answer = match apply(&mut transaction, change.guard).await? {
                    Err(refused) => Err(refused),
                    Ok(Some(facts)) => Ok(facts),
                    Ok(None) => Ok(append(
                        &mut transaction,
                        (&mut after, partitions),
                        change.outputs,
                        clock.now(),
                    )
                    .await?),
                };
                if let Some(last) = answers.last_mut() {
                    last.1 = answer;
                }
            }
            for (id, next) in after
                .iter()
                .filter(|(id, next)| before.get(*id) != Some(*next))
            {
                sqlx::query("UPDATE partitions SET next_offset = ? WHERE partition_id = ?")
                    .bind(next)
                    .bind(id.number())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok((before != after).then(|| Arc::new(after)))
        }
        .await;
        for change in pending {
            answers.push((change.reply, Err(gone(()))));
        }
        outcome
    }

    async fn look(&mut self) -> sqlx::Result<()> {
        let now = ends(&mut self.connection).await?;
        self.ends.send_if_modified(|known| {
            let changed = **known != now;
            if changed {
                *known = Arc::new(now);
            }
            changed
        });
        Ok(())
    }

    /// After an error (disk full, file locked) the connection may be in a broken transaction.
    async fn reconnect(&mut self) {
        if let Ok(connection) = file::connect(&self.options).await {
            self.connection = connection;
        }
    }
}

fn gather(first: Change, requests: &mut mpsc::Receiver<Change>) -> Vec<Change> {
    let weight = |change: &Change| change.outputs.iter().map(Output::bytes).sum::<usize>();
    let mut bytes = weight(&first);
    let mut changes = vec![first];
    while changes.len() < MAX_CHANGES && bytes < MAX_BYTES {
        let Ok(change) = requests.try_recv() else {
            break;
        };
        bytes += weight(&change);
        changes.push(change);
    }
    changes
}

async fn ends(connection: &mut SqliteConnection) -> sqlx::Result<BTreeMap<PartitionId, i64>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT partition_id, next_offset FROM partitions")
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, next)| (PartitionId::of_number(id), next))
        .collect())
}
