//! A provider at its usual pace: so many posts a second, whatever became of those before, and none repeated.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::line::{Line, callback};

/// How often posts are due; how many are due at once follows from the rate.
const TICK: Duration = Duration::from_millis(10);
/// Clients; their numbers are the record keys.
const CLIENTS: usize = 50;

/// A provider.
pub(super) struct Steady {
    door: SocketAddr,
    from: IpAddr,
    rate: u32,
    stopped: AtomicBool,
}

/// What came of its posts.
#[derive(Default)]
pub(super) struct Outcome {
    /// From when a post was due to its answer, sorted.
    pub(super) took: Vec<Duration>,
    /// Posts that were not answered 200: when they were due, their numbers, their statuses (0 where none came), how
    /// long that took.
    pub(super) failed: Vec<(Duration, usize, u16, Duration)>,
    /// How many were posted; their references are of the numbers below.
    pub(super) posted: usize,
}

impl Steady {
    /// So many posts a second.
    pub(super) fn new(door: SocketAddr, rate: u32) -> Self {
        Self {
            door,
            from: Ipv4Addr::LOCALHOST.into(),
            rate,
            stopped: AtomicBool::new(false),
        }
    }

    /// The same from another address.
    pub(super) fn from(self, from: IpAddr) -> Self {
        Self { from, ..self }
    }

    /// Posts nothing more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Posts until it is stopped.
    pub(super) async fn run(&self) -> Outcome {
        let mut ticks = interval(TICK);
        // What is late is made up for: the rate is a mean.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        let mut posting = JoinSet::new();
        let mut lines: Vec<Line> = Vec::new();
        let mut due = 0.0;
        while !self.stopped.load(Ordering::Relaxed) {
            ticks.tick().await;
            due += f64::from(self.rate) * TICK.as_secs_f64();
            while due >= 1.0 {
                due -= 1.0;
                // A provider opens another connection where all that are open are busy.
                let line = lines
                    .pop()
                    .unwrap_or_else(|| Line::from(self.from, self.door));
                posting.spawn(post(line, outcome.posted, Instant::now()));
                outcome.posted += 1;
            }
            while let Some(done) = posting.try_join_next() {
                lines.push(outcome.note(done.unwrap(), begun));
            }
        }
        while let Some(done) = posting.join_next().await {
            outcome.note(done.unwrap(), begun);
        }
        outcome.took.sort_unstable();
        outcome
    }
}

struct Done {
    line: Line,
    number: usize,
    due: Instant,
    status: u16,
    took: Duration,
}

async fn post(mut line: Line, number: usize, due: Instant) -> Done {
    let bytes = callback(&reference(number), number % CLIENTS);
    let status = line.post(&bytes).await.map_or(0, |sample| sample.status);
    Done {
        line,
        number,
        due,
        status,
        took: due.elapsed(),
    }
}

/// The provider reference of the `number`th post.
pub(super) fn reference(number: usize) -> String {
    format!("steady-{number}")
}

impl Outcome {
    fn note(&mut self, done: Done, begun: Instant) -> Line {
        self.took.push(done.took);
        if done.status != 200 {
            let due = done.due - begun;
            self.failed.push((due, done.number, done.status, done.took));
        }
        done.line
    }
}
