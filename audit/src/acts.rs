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
    looks::Noted,
};

/// Acts that wait at once, more than the API has connections: whoever asks beyond that is refused at once.
pub(crate) const WAITING: usize = 256;
/// Acts in one transaction.
const TOGETHER: usize = 64;
/// How long somebody waits for an act to be committed: as long as for anything that the databases are asked.
const ANSWER: Duration = Duration::from_secs(10);
/// How often is looked whether the process that leads has told of a note.
const LOOK: Duration = Duration::from_millis(50);

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
    done: oneshot::Sender<Option<i64>>,
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
    /// Appends an act; gives its index once it is committed, none if another process leads and has appended it. After an
    /// error it may still come about, unless the queue was full.
    pub(crate) async fn append(&self, act: Act) -> Result<Option<i64>, Retry> {
        let (done, committed) = oneshot::channel();
        let full = |_| Retry::because("too much waits to be appended to the log");
        self.0.try_send(Asked { act, done }).map_err(full)?;
        let answer = tokio::time::timeout(ANSWER, committed).await;
        let seq = answer.ok().and_then(Result::ok);
        seq.ok_or_else(|| Retry::because("the log does not append at present"))
    }
}

impl Queue {
    /// Appends what is asked for until asked to stop. Who still waits then is told so.
    pub(crate) async fn run(&self, audit: &Audit, noted: &Noted, context: &Context) {
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
            let handled = retry::until_done(&context.stopper, note, || handle(audit, noted, &acts));
            let Some(handled) = handled.await else { return };
            match handled {
                Handled::Appended(first) => acknowledge((first..).map(Some), waiting),
                Handled::Noted(numbers) => {
                    let told = wait_until_told(noted, &numbers);
                    let told = context.stopper.run_until_stopped(told).await;
                    if told == Some(true) {
                        acknowledge(std::iter::repeat(None), waiting);
                    }
                }
            }
        }
    }
}

/// What became of some acts.
enum Handled {
    /// They stand in the log from this index on.
    Appended(i64),
    /// Another process leads: they are noted for it, under these numbers.
    Noted(Vec<i64>),
}

/// Appends acts, or hands them to the process that leads. Only looks come to a process that does not: whatever else is
/// told in the log is decided where that is done.
async fn handle(audit: &Audit, noted: &Noted, acts: &[Act]) -> Result<Handled, Retry> {
    if audit.lead.holds().await? || acts.iter().any(|act| act.kind != Kind::Access) {
        return audit.act(acts).await.map(Handled::Appended);
    }
    let mut numbers = Vec::with_capacity(acts.len());
    for act in acts {
        numbers.push(noted.note(&act.body).await?);
    }
    Ok(Handled::Noted(numbers))
}

/// Waits until another process has told of notes; false if it did not within [`ANSWER`]: then nobody waits any more.
async fn wait_until_told(noted: &Noted, numbers: &[i64]) -> bool {
    let told = async {
        // An error is no yes; the next look may be.
        while !noted.are_told(numbers).await.unwrap_or(false) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(ANSWER, told).await.is_ok()
}

fn acknowledge(
    seqs: impl Iterator<Item = Option<i64>>,
    waiting: Vec<oneshot::Sender<Option<i64>>>,
) {
    for (seq, done) in seqs.zip(waiting) {
        // Whoever has gone does not want to know.
        let _gone = done.send(seq);
    }
}
