//! The one that writes: it gathers what waits and makes it durable in one transaction (group commit).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};

use super::{
    file::{Changes, File, Reason},
    ledger::Ledger,
    row::{Row, Stub},
};

/// Requests gathered into one transaction; bounds what a failed commit makes everybody repeat.
const MAX_REQUESTS: usize = 1_024;

/// How often the log hears of a file that fails: on a full disk each batch does, for hours, some works in between, and
/// whoever was told needs time to mend it.
const SAY_AGAIN: Duration = Duration::from_mins(10);

/// The file did not do it; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// What is asked of the file.
#[derive(Debug)]
pub(super) enum Request {
    /// A record whose room is reserved, and its share of the bytes that may wait.
    Put(
        Row,
        OwnedSemaphorePermit,
        oneshot::Sender<Result<(), Failed>>,
    ),
    /// Records that the broker has, and records that it refuses for ever.
    Settle(
        Vec<Stub>,
        Vec<(Stub, Reason)>,
        oneshot::Sender<Result<(), Failed>>,
    ),
    /// Rows between two numbers, at most so many.
    Page((i64, i64), u32, oneshot::Sender<Result<Vec<Row>, Failed>>),
}

/// The one that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) file: File,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    /// When the log last heard of a failure.
    pub(super) said: Option<Instant>,
}

impl Writer {
    /// Runs until nobody can ask any more.
    pub(super) async fn run(&mut self) {
        let mut batch = Vec::with_capacity(MAX_REQUESTS);
        while self.requests.recv_many(&mut batch, MAX_REQUESTS).await > 0 {
            self.serve(std::mem::take(&mut batch)).await;
        }
    }

    async fn serve(&mut self, batch: Vec<Request>) {
        let mut changes = Changes::default();
        let (mut answers, mut pages, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for request in batch {
            match request {
                Request::Put(row, share, reply) => {
                    changes.put.push(row);
                    shares.push(share);
                    answers.push(reply);
                }
                Request::Settle(sent, aside, reply) => {
                    changes.sent.extend(sent);
                    changes.aside.extend(aside);
                    answers.push(reply);
                }
                Request::Page(between, limit, reply) => pages.push((between, limit, reply)),
            }
        }
        if !answers.is_empty() {
            let answer = self.write(&changes).await;
            // Only now: from here on an acknowledged record survives a power cut.
            for reply in answers {
                let _caller_left = reply.send(answer);
            }
        }
        for (between, limit, reply) in pages {
            let page = self.file.page(between, limit).await;
            let page = self.told(page);
            let _caller_left = reply.send(page);
        }
    }

    async fn write(&mut self, changes: &Changes) -> Result<(), Failed> {
        let written = self.file.write(changes).await;
        let written = self.told(written);
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(oldest) => {
                for stub in &changes.sent {
                    ledger.drained(stub);
                }
                for (stub, _) in &changes.aside {
                    ledger.set_aside(stub);
                }
                ledger.oldest(oldest);
                Ok(())
            }
            Err(failed) => {
                for row in &changes.put {
                    ledger.release(&row.stub());
                }
                Err(failed)
            }
        }
    }

    /// Counts each failure, and tells the log of one in [`SAY_AGAIN`].
    fn told<T>(&mut self, done: sqlx::Result<T>) -> Result<T, Failed> {
        done.map_err(|error| {
            metrics::counter!("idtrail_ingest_spool_failures_total").increment(1);
            if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
                self.said = Some(Instant::now());
                tracing::error!(
                    error = %error,
                    "the door's spool cannot be read or written; more of this is counted and not logged for ten minutes"
                );
            }
            Failed
        })
    }
}
