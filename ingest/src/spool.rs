//! The spool: a sealed, bounded, fsynced file that takes posts while the broker is away.
//!
//! Each record is sealed whole (topic, key, headers, body) with AES-256-GCM; outside stand its number, its time, which
//! key sealed it, and a keyed hash of its record key. While a key has records here, newer ones of that key come here
//! too, so that the order of a key holds. Posts of one key that wait at the same time have no order among them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use stage::{Chance, Clock, Context, Output, config::ConfigError};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use self::{
    file::{File, PAGE, Reason},
    ledger::{Ledger, Limits},
    ring::Ring,
    row::{Row, Stub},
    writer::{Request, Writer},
};
use crate::durable::{NotKept, gate::Gate};

pub mod aside;
mod drain;
mod file;
mod ledger;
mod ring;
mod row;
mod writer;

pub use ledger::Status;

/// Requests that may wait for the file; beyond it posts are refused at once.
const QUEUE: usize = 4_096;
/// Bytes of records that may wait for the file: a second of what a disk writes.
const WAITING_BYTES: usize = 64 << 20;
/// What the file may take for each byte of its records, twice: a record that fills a page by half takes all of it.
const PAGES_FOR: u64 = 2;
/// Pages that an empty file and its structure take.
const SPARE_PAGES: u64 = 256;

/// `[door.spool]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file; one process alone may hold it.
    pub file: PathBuf,
    /// File with the key that seals: 32 bytes or 64 hex digits. Whoever loses it loses what is spooled.
    pub key_file: PathBuf,
    /// Files with earlier keys, which open what is still there.
    #[serde(default)]
    pub previous_key_files: Vec<PathBuf>,
    /// What records may weigh, in bytes; the file may take twice as much.
    #[serde(default = "max_bytes")]
    pub max_bytes: u64,
    /// How many records there may be.
    #[serde(default = "max_records")]
    pub max_records: u64,
}

/// An hour and more of usual posts at 80 a second.
fn max_bytes() -> u64 {
    1 << 30
}

/// Bounds the memory that knows the spooled keys, at some 40 bytes each.
fn max_records() -> u64 {
    400_000
}

/// The spool of one door.
#[derive(Debug)]
pub(crate) struct Spool {
    ring: Ring,
    clock: Arc<dyn Clock>,
    chance: Chance,
    ledger: Arc<Mutex<Ledger>>,
    requests: mpsc::Sender<Request>,
    waiting: Arc<Semaphore>,
    writer: tokio::sync::Mutex<Writer>,
    /// Told when something was spooled.
    filled: Notify,
}

impl Spool {
    /// Opens the file, and makes it if it is not there.
    pub(crate) async fn open(config: &Config, context: &Context) -> Result<Self, ConfigError> {
        let refuse = |file: &std::path::Path, why: String| ConfigError::Section {
            section: "door.spool".to_owned(),
            why: format!("{}: {why}", file.display()),
        };
        let ring = Ring::read(&config.key_file, &config.previous_key_files).map_err(|why| {
            ConfigError::Section {
                section: "door.spool".to_owned(),
                why: format!("the key cannot be read: {why}"),
            }
        })?;
        let pages = (config.max_bytes / PAGE).saturating_mul(PAGES_FOR);
        Self::with(ring, config, pages.saturating_add(SPARE_PAGES), context)
            .await
            .map_err(|why| refuse(&config.file, why))
    }

    async fn with(
        ring: Ring,
        config: &Config,
        max_pages: u64,
        context: &Context,
    ) -> Result<Self, String> {
        let unusable = |error: sqlx::Error| format!("the spool cannot be opened: {error}");
        let mut file = File::open(&config.file, max_pages)
            .await
            .map_err(unusable)?;
        let found = file.found(&ring).await.map_err(unusable)?.map_err(|id| {
            format!(
                "the spool holds records sealed with the key {}, which is none of `key_file` and `previous_key_files`",
                hex::encode(id)
            )
        })?;
        let limits = Limits {
            bytes: config.max_bytes,
            records: config.max_records,
        };
        let (requests, asked) = mpsc::channel(QUEUE);
        let ledger = Arc::new(Mutex::new(Ledger::new(limits, found)));
        let writer = Writer {
            file,
            requests: asked,
            ledger: Arc::clone(&ledger),
            said: None,
        };
        Ok(Self {
            ring,
            clock: Arc::clone(&context.clock),
            chance: context.chance,
            ledger,
            requests,
            waiting: Arc::new(Semaphore::new(WAITING_BYTES)),
            writer: tokio::sync::Mutex::new(writer),
            filled: Notify::new(),
        })
    }

    /// With a file of so few pages that the disk seems full.
    #[cfg(test)]
    pub(crate) async fn with_pages(config: &Config, max_pages: u64, context: &Context) -> Self {
        let ring = Ring::read(&config.key_file, &[]).expect("the test has written the key");
        let opened = Self::with(ring, config, max_pages, context).await;
        opened.expect("the test has a folder for the file")
    }

    /// Writes what is asked for, and drains to the broker, for ever.
    pub(crate) async fn run(&self, gate: &Gate, deadline: Duration) {
        let mut writer = self.writer.lock().await;
        tokio::join!(writer.run(), drain::run(self, gate, deadline));
    }

    /// Whether records of this key are here, so that newer ones must come here too.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        // Without a spooled record, which is nearly always, no hash is made.
        let ledger = self.ledger();
        ledger.holds(self.ring.hashes(key))
    }

    /// Takes a record, for certain once this answers so. Without an answer in time it may be here all the same.
    pub(crate) async fn put(&self, output: &Output, within: Duration) -> Result<(), NotKept> {
        let packed = row::pack(output);
        let share = u32::try_from(packed.len()).map_err(|_| NotKept::TooLarge)?;
        let share = Arc::clone(&self.waiting)
            .try_acquire_many_owned(share)
            .map_err(|_| NotKept::Unavailable)?;
        let place = self
            .requests
            .try_reserve()
            .map_err(|_| NotKept::Unavailable)?;
        let hash = self.ring.hash(&output.key);
        let reserved = self.ledger().reserve(hash, row::weight_of_packed(&packed));
        let seq = reserved.ok_or(NotKept::Full)?;
        let numbered = (seq, self.clock.now(), hash);
        let row = Row::seal(&self.ring, self.chance.bytes(), numbered, &packed);
        let (reply, answer) = oneshot::channel();
        place.send(Request::Put(row, share, reply));
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(Ok(()))) => {
                self.filled.notify_one();
                Ok(())
            }
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => Err(NotKept::Unavailable),
        }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        self.ledger().status(self.clock.now())
    }

    fn is_drained(&self) -> bool {
        self.status().records == 0
    }

    async fn page(&self, between: (i64, i64), limit: u32) -> Option<Vec<Row>> {
        let (reply, answer) = oneshot::channel();
        let asked = self.requests.send(Request::Page(between, limit, reply));
        asked.await.ok()?;
        answer.await.ok()?.ok()
    }

    async fn settle(&self, sent: Vec<Stub>, aside: Vec<(Stub, Reason)>) -> bool {
        let (reply, answer) = oneshot::channel();
        let asked = self.requests.send(Request::Settle(sent, aside, reply));
        asked.await.is_ok() && matches!(answer.await, Ok(Ok(())))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^52 these are no longer numbers for people"
    )]
    fn tell(&self) {
        let status = self.status();
        metrics::gauge!("idtrail_ingest_spool_records").set(status.records as f64);
        metrics::gauge!("idtrail_ingest_spool_bytes").set(status.bytes as f64);
        metrics::gauge!("idtrail_ingest_spool_oldest_seconds").set(status.oldest_seconds as f64);
        metrics::gauge!("idtrail_ingest_spool_filled_ratio").set(status.filled());
        metrics::gauge!("idtrail_ingest_spool_set_aside_records").set(status.set_aside as f64);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing in it can panic half-way, so a poisoned one is still whole.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
