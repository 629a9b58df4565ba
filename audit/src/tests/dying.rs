//! Stand-ins that die where they are told: the history's store, its log, and the head store.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use stage::{Retry, keep::KeepError};
use uuid::Uuid;

use crate::{
    signer::heads::HeadStore,
    store::{
        Append, Kept, LogStore, Place, Reading, Receipt, Select, Stamped, Store, Stored, View,
    },
};

/// Where a process dies: between what follows what, from a batch to its cosigned checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Point {
    /// Before the transaction of a batch.
    BeforeCommit,
    /// While it is under way, or just after.
    DuringCommit,
    /// After it, before anything is signed.
    AfterCommit,
    /// After signing, before the head store takes the note.
    BeforeSwap,
    /// After that, before the history has the checkpoint.
    AfterSwap,
    /// After the history shows it, before a witness is asked.
    BeforeWitness,
    /// After a witness has answered, before its cosignature is kept.
    BeforeCosignature,
}

/// What decides whether a process dies at a point that it has come to.
pub(super) trait Death: Debug + Send + Sync {
    /// Whether the answer is an error, as if the process had died; it may also end the process itself.
    fn comes(&self, at: Point) -> bool;
}

/// 0: never; 1: before the commit; 2: after it; 3: before the head store has the note; 4: after it.
impl Death for AtomicU8 {
    fn comes(&self, at: Point) -> bool {
        let when = self.load(Ordering::Relaxed);
        let dies = match at {
            Point::BeforeCommit => 1,
            Point::AfterCommit => 2,
            Point::BeforeSwap => 3,
            Point::AfterSwap => 4,
            Point::DuringCommit | Point::BeforeWitness | Point::BeforeCosignature => return false,
        };
        when == dies
    }
}

/// A history whose process dies.
#[derive(Debug)]
pub(super) struct Dying {
    pub(super) inner: Arc<dyn Store>,
    pub(super) death: Arc<dyn Death>,
}

impl Dying {
    fn at(&self, point: Point) -> Result<(), Retry> {
        if self.death.comes(point) {
            return Err(Retry::because("the process dies here"));
        }
        Ok(())
    }
}

#[async_trait]
impl Reading for Dying {
    async fn size(&self) -> Result<i64, Retry> {
        self.inner.size().await
    }

    async fn topics(&self) -> Result<Vec<(i32, String)>, Retry> {
        self.inner.topics().await
    }

    async fn time_of(&self, seq: i64) -> Result<Option<i64>, Retry> {
        self.inner.time_of(seq).await
    }

    async fn first_of(&self, checks: &[Uuid], select: &Select) -> Result<Vec<(Uuid, i64)>, Retry> {
        self.inner.first_of(checks, select).await
    }

    async fn checks_between(&self, from: i64, below: i64) -> Result<Vec<Uuid>, Retry> {
        self.inner.checks_between(from, below).await
    }

    async fn of_checks(
        &self,
        checks: &[Uuid],
        below: i64,
        limit: i64,
    ) -> Result<Vec<Stored>, Retry> {
        self.inner.of_checks(checks, below, limit).await
    }

    async fn at(&self, places: &[Place], below: i64) -> Result<Vec<Stored>, Retry> {
        self.inner.at(places, below).await
    }

    async fn between(&self, from: i64, below: i64) -> Result<Vec<Stored>, Retry> {
        self.inner.between(from, below).await
    }

    async fn first_offset(&self, partition: (i32, i32)) -> Result<Option<i64>, Retry> {
        self.inner.first_offset(partition).await
    }

    async fn of_topic(&self, topic: i32, after: i64, limit: i64) -> Result<Vec<Stored>, Retry> {
        self.inner.of_topic(topic, after, limit).await
    }
}

#[async_trait]
impl Store for Dying {
    fn log(&self) -> &dyn LogStore {
        self
    }

    async fn view(&self) -> Result<View, Retry> {
        self.inner.view().await
    }

    async fn counters(&self, accounts: &[Uuid]) -> Result<HashMap<Uuid, i64>, Retry> {
        self.inner.counters(accounts).await
    }

    async fn append(&self, append: &Append) -> Result<(), KeepError> {
        self.at(Point::BeforeCommit)?;
        self.at(Point::DuringCommit)?;
        self.inner.append(append).await?;
        Ok(self.at(Point::AfterCommit)?)
    }

    async fn published(&self) -> Result<i64, Retry> {
        self.inner.published().await
    }

    async fn receipts(&self, after: i64, limit: i64) -> Result<Vec<Receipt>, Retry> {
        self.inner.receipts(after, limit).await
    }

    async fn forget(&self, up_to: i64) -> Result<(), Retry> {
        self.inner.forget(up_to).await
    }
}

#[async_trait]
impl LogStore for Dying {
    async fn head(&self) -> Result<(i64, Vec<u8>), Retry> {
        self.inner.log().head().await
    }

    async fn tile(&self, level: i32, index: i64) -> Result<Option<Vec<u8>>, Retry> {
        self.inner.log().tile(level, index).await
    }

    async fn leaves(&self, from: i64, below: i64) -> Result<Vec<Vec<u8>>, Retry> {
        self.inner.log().leaves(from, below).await
    }

    async fn newest_checkpoint(&self) -> Result<Option<Kept>, Retry> {
        self.inner.log().newest_checkpoint().await
    }

    async fn checkpoint(&self, size: i64) -> Result<Option<Kept>, Retry> {
        self.inner.log().checkpoint(size).await
    }

    async fn covering(&self, size: i64) -> Result<Option<Kept>, Retry> {
        self.inner.log().covering(size).await
    }

    async fn newest_cosigned(&self, witnesses: i64) -> Result<Option<Kept>, Retry> {
        self.inner.log().newest_cosigned(witnesses).await
    }

    async fn cosignatures(&self, size: i64) -> Result<Vec<String>, Retry> {
        self.inner.log().cosignatures(size).await
    }

    async fn add_checkpoint(&self, kept: &Kept) -> Result<(), Retry> {
        self.inner.log().add_checkpoint(kept).await?;
        self.at(Point::BeforeWitness)
    }

    async fn add_cosignature(&self, given: (i64, &str, i64, &str)) -> Result<(), Retry> {
        self.at(Point::BeforeCosignature)?;
        self.inner.log().add_cosignature(given).await
    }

    async fn newest_stamp(&self) -> Result<Option<i64>, Retry> {
        self.inner.log().newest_stamp().await
    }

    async fn stamp_over(&self, entry: i64, size: i64) -> Result<Option<Stamped>, Retry> {
        self.inner.log().stamp_over(entry, size).await
    }

    async fn add_stamp(&self, stamped: &Stamped) -> Result<(), Retry> {
        self.inner.log().add_stamp(stamped).await
    }
}

/// A head store whose process dies.
#[derive(Debug)]
pub(super) struct DyingHeads {
    pub(super) inner: Arc<dyn HeadStore>,
    pub(super) death: Arc<dyn Death>,
}

#[async_trait]
impl HeadStore for DyingHeads {
    async fn read(&self) -> Result<Option<String>, Retry> {
        self.inner.read().await
    }

    async fn swap(&self, expected: Option<&str>, new: (u64, &str)) -> Result<bool, Retry> {
        let dies = |point| self.death.comes(point);
        if dies(Point::BeforeSwap) {
            return Err(Retry::because("the process dies before it is stored"));
        }
        let done = self.inner.swap(expected, new).await?;
        if dies(Point::AfterSwap) {
            return Err(Retry::because("the process dies after it is stored"));
        }
        Ok(done)
    }
}
