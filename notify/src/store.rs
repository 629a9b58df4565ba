//! What `notify` remembers, and the one transaction in which it changes.

use std::collections::HashMap;

use async_trait::async_trait;
use schemas::{Timestamp, Topic};
use stage::{Retry, database::Database};

use crate::{
    decide::Told,
    draft::{Draft, Publication, Waiting},
    windows::Window,
};

mod postgres;
mod row;
mod sqlite;

/// The next offset of a partition.
pub(crate) type Offset = (Topic, i32, i64);

/// Waiting notices are counted up to here, once a second: a longer backlog is as much of an alarm.
const COUNTED: i64 = 100_000;

/// The outbox, what was told of each check, and where reading goes on.
///
/// **Consistency**: one writer at a time, also over processes: who has begun a [`Work`] sees what every
/// earlier one has committed. **Durability**: what is committed survives a power cut. **Retries**: none
/// is made here; every error may pass.
#[async_trait]
pub(crate) trait Store: Send + Sync + std::fmt::Debug {
    /// The next offset of every partition that was ever read.
    async fn offsets(&self) -> Result<Vec<Offset>, Retry>;

    /// Begins a transaction; waits until no other is open. Dropped, it leaves no trace.
    async fn begin(&self) -> Result<Box<dyn Work>, Retry>;

    /// Notices that are due, oldest first: of each lane only the first, and none whose attempt was started.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, Retry>;

    /// Marks attempts as started, before anything leaves; gives those that nobody else had started.
    async fn start(&self, numbers: &[i64], now: Timestamp) -> Result<Vec<i64>, Retry>;

    /// Takes marks back: the attempts were not made, and do not count.
    async fn release(&self, numbers: &[i64]) -> Result<(), Retry>;

    /// Takes back the marks that a crash left; the attempts count, since they may have succeeded. How many.
    async fn recover(&self) -> Result<u64, Retry>;

    /// How many notices wait (at most [`COUNTED`]), and since when the oldest does.
    async fn backlog(&self) -> Result<(i64, Option<Timestamp>), Retry>;

    /// Whether an alert window has ended.
    async fn window_ended(&self, now: Timestamp) -> Result<bool, Retry>;

    /// The last number given to a publication, and the last one known to be published.
    async fn numbers(&self) -> Result<(i64, i64), Retry>;

    /// The next publications after a number, in order.
    async fn after(&self, number: i64, limit: usize) -> Result<Vec<(i64, Publication)>, Retry>;

    /// Notes that all numbers up to this one are published, and forgets them.
    async fn published(&self, number: i64) -> Result<(), Retry>;
}

/// One transaction.
#[async_trait]
pub(crate) trait Work: Send {
    /// See [`Store::offsets`].
    async fn offsets(&mut self) -> Result<Vec<Offset>, Retry>;

    /// Moves offsets.
    async fn move_offsets(&mut self, moves: &[Offset]) -> Result<(), Retry>;

    /// What was told of these checks; those of which nothing was told are left out.
    async fn told(&mut self, checks: &[&str]) -> Result<HashMap<String, Told>, Retry>;

    /// Remembers what will have been told.
    async fn remember(&mut self, checks: &[(&str, &Told)], now: Timestamp) -> Result<(), Retry>;

    /// The alert windows.
    async fn windows(&mut self) -> Result<Vec<Window>, Retry>;

    /// Stores windows.
    async fn open_windows(&mut self, windows: &[&Window]) -> Result<(), Retry>;

    /// Deletes a window.
    async fn close_window(&mut self, kind: &str) -> Result<(), Retry>;

    /// Puts notices into the outbox, in order, due at a time.
    async fn queue(&mut self, drafts: &[Draft], due_at: Timestamp) -> Result<(), Retry>;

    /// Takes notices out of the outbox; gives those that were still there.
    async fn remove(&mut self, numbers: &[i64]) -> Result<Vec<i64>, Retry>;

    /// Takes the marks of started attempts back, and makes the notices due later.
    async fn postpone(&mut self, later: &[(i64, Timestamp)]) -> Result<(), Retry>;

    /// Gives ended notices the next numbers.
    async fn publish(&mut self, ended: &[Publication]) -> Result<(), Retry>;

    /// Makes it all durable.
    async fn commit(self: Box<Self>) -> Result<(), Retry>;
}

/// The store in a database.
pub(crate) fn open(database: &Database) -> std::sync::Arc<dyn Store> {
    match database {
        Database::Sqlite(pool) => std::sync::Arc::new(sqlite::Sqlite::new(pool.clone())),
        Database::Postgres(pool) => std::sync::Arc::new(postgres::Postgres::new(pool.clone())),
    }
}
