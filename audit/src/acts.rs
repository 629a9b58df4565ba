//! Entries of the log's own, asked for from elsewhere in this process: they wait in a bounded queue for the one sequencer,
//! and are acknowledged once they are committed.

use std::time::Duration;

use serde::Serialize;
use stage::{Context, Retry, retry};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::{
    audit::Audit,
    canonical::{self, NotCanonical},
    leaf::Kind,
};

/// Acts that wait at once: whoever asks beyond that waits for a place, within [`ANSWER`].
const WAITING: usize = 256;
/// Acts in one transaction.
const TOGETHER: usize = 64;
/// How long somebody waits for an act to be committed: as long as for anything that the databases are asked.
const ANSWER: Duration = Duration::from_secs(10);

/// What is to stand in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) kind: Kind,
    pub(crate) body: Vec<u8>,
}

impl Act {
    /// An act by its kind and what it says: structs, lists, text and integers.
    pub(crate) fn new(kind: Kind, says: &impl Serialize) -> Result<Self, NotCanonical> {
        let body = canonical::to_vec(says)?;
        Ok(Self { kind, body })
    }
}

struct Asked {
    act: Act,
    done: oneshot::Sender<i64>,
}

/// Where acts are handed in.
#[derive(Clone, Debug)]
pub(crate) struct Acts(mpsc::Sender<Asked>);

/// Where they wait.
#[derive(Debug)]
pub(crate) struct Queue(Mutex<mpsc::Receiver<Asked>>);

/// The two ends of a new queue.
pub(crate) fn queue() -> (Acts, Queue) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Acts(sender), Queue(Mutex::new(receiver)))
}

impl Acts {
    /// Appends an act; gives its index once it is committed. After an error it may still come about.
    pub(crate) async fn append(&self, act: Act) -> Result<i64, Retry> {
        let answer = tokio::time::timeout(ANSWER, async {
            let (done, committed) = oneshot::channel();
            self.0.send(Asked { act, done }).await.ok()?;
            committed.await.ok()
        });
        let seq = answer.await.ok().flatten();
        seq.ok_or_else(|| Retry::because("the log does not append at present"))
    }
}

impl Queue {
    /// Appends what is asked for until asked to stop. Who still waits then is told so.
    pub(crate) async fn run(&self, audit: &Audit, context: &Context) {
        let mut queue = self.0.lock().await;
        while let Some(Some(first)) = context.stopper.run_until_stopped(queue.recv()).await {
            let mut asked = vec![first];
            while asked.len() < TOGETHER {
                let Ok(another) = queue.try_recv() else { break };
                asked.push(another);
            }
            let (acts, waiting): (Vec<Act>, Vec<_>) =
                asked.into_iter().map(|one| (one.act, one.done)).unzip();
            let note = |retry: &Retry, _: Duration| {
                tracing::warn!("entries of the log's own cannot be appended: {retry}");
            };
            let appended = retry::until_done(&context.stopper, note, || audit.act(&acts));
            let Some(first) = appended.await else { return };
            for (seq, done) in (first..).zip(waiting) {
                // Whoever has gone does not want to know.
                let _gone = done.send(seq);
            }
        }
    }
}
