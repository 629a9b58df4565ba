//! Clients that post at full speed, each its own callbacks strictly one after the other, and what they were answered.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use crate::threats::line::{Line, Sample, callback};

/// How long a client waits before it repeats what was not answered 200.
const REPEAT: Duration = Duration::from_millis(50);

/// What is posted.
pub(super) struct Load {
    door: SocketAddr,
    clients: usize,
    connections: usize,
    /// Callbacks of each client.
    each: usize,
    acknowledged: AtomicUsize,
    stopped: AtomicBool,
    last_refusal: Mutex<Option<Instant>>,
}

/// What came of a load.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) samples: Vec<Sample>,
    /// When connections ended without an answer.
    pub(super) ends: Vec<Instant>,
    /// Callbacks of each client that were answered 200.
    pub(super) acknowledged: Vec<usize>,
    /// From the first try of a callback to its 200: the longest.
    pub(super) longest_wait: Duration,
}

impl Load {
    /// So many callbacks of each of so many clients, over so many connections.
    pub(super) fn new(door: SocketAddr, clients: usize, connections: usize, each: usize) -> Self {
        Self {
            door,
            clients,
            connections,
            each,
            acknowledged: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            last_refusal: Mutex::default(),
        }
    }

    /// How many callbacks were answered 200 so far.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// When something was last not answered 200.
    pub(super) fn last_refusal(&self) -> Option<Instant> {
        *self.last_refusal.lock().unwrap()
    }

    /// Posts nothing more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Posts until everything was answered 200, or the load is stopped.
    pub(super) async fn run(self: Arc<Self>) -> Outcome {
        let mut workers = JoinSet::new();
        for worker in 0..self.connections {
            workers.spawn(Arc::clone(&self).work(worker));
        }
        let mut outcome = Outcome {
            acknowledged: vec![0; self.clients],
            ..Outcome::default()
        };
        while let Some(one) = workers.join_next().await {
            let one = one.unwrap();
            outcome.samples.extend(one.samples);
            outcome.ends.extend(one.ends);
            outcome.longest_wait = outcome.longest_wait.max(one.longest_wait);
            for (all, own) in outcome.acknowledged.iter_mut().zip(one.acknowledged) {
                *all += own;
            }
        }
        outcome
    }

    async fn work(self: Arc<Self>, worker: usize) -> Outcome {
        let mut line = Line::new(self.door);
        let mut outcome = Outcome {
            acknowledged: vec![0; self.clients],
            ..Outcome::default()
        };
        for counter in 0..self.each {
            for client in (worker..self.clients).step_by(self.connections) {
                if !self
                    .repeat(&mut line, (client, counter), &mut outcome)
                    .await
                {
                    return outcome;
                }
            }
        }
        outcome
    }

    /// Posts one callback until it is answered 200; no more where the load was stopped.
    async fn repeat(
        &self,
        line: &mut Line,
        (client, counter): (usize, usize),
        outcome: &mut Outcome,
    ) -> bool {
        let (request, begun) = (
            callback(&reference(client, counter), client),
            Instant::now(),
        );
        while !self.stopped.load(Ordering::Relaxed) {
            if let Some(sample) = line.post(&request).await {
                outcome.samples.push(sample);
                if sample.status == 200 {
                    outcome.acknowledged[client] += 1;
                    outcome.longest_wait = outcome.longest_wait.max(begun.elapsed());
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return true;
                }
            } else {
                outcome.ends.push(Instant::now());
            }
            *self.last_refusal.lock().unwrap() = Some(Instant::now());
            sleep(REPEAT).await;
        }
        false
    }
}

/// The provider reference of a client's callback.
fn reference(client: usize, counter: usize) -> String {
    format!("fault-{client}-{counter}")
}

/// Client and counter of a provider reference.
pub(super) fn told_by(reference: &str) -> Option<(usize, usize)> {
    let (client, counter) = reference.strip_prefix("fault-")?.split_once('-')?;
    Some((client.parse().ok()?, counter.parse().ok()?))
}
