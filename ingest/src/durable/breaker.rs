//! The breaker: when the broker fails again and again, nobody waits for it but one probe at a time.
//!
//! A pure state machine; the time is a parameter.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it: one is a lost packet, this many within [`WINDOW`] are a broker that is away.
pub const FAILURES: u32 = 5;
/// How long failures count together; at a post every few minutes they say nothing about the broker of now.
pub const WINDOW: Duration = Duration::from_secs(30);
/// The pause before the first probe: a leader election takes about this long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between probes: what a broker that is back waits for us at most.
pub const CEILING: Duration = Duration::from_secs(1);

/// Leave to ask the broker; what came of it is told to [`Breaker::succeeded`], [`Breaker::failed`] or
/// [`Breaker::left`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// In which span between two openings or closings it was given; failures of another span say nothing of this one.
    span: u64,
    /// Whether it is the one probe.
    probe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many failures in a row, the first of them then.
    Closed { failures: u32, since: Instant },
    /// Nobody may ask before `until`; then one.
    Open {
        until: Instant,
        pause: Duration,
        probing: bool,
    },
}

/// How it stands, for people and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everybody may ask the broker.
    Closed,
    /// Nobody may.
    Open,
    /// One asks, the others may not.
    HalfOpen,
}

/// The breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    span: u64,
}

impl Breaker {
    /// A closed one.
    pub fn closed(now: Instant) -> Self {
        Self {
            state: State::Closed {
                failures: 0,
                since: now,
            },
            span: 0,
        }
    }

    /// Leave to ask the broker; none while it is open, but for one probe after each pause.
    pub fn ask(&mut self, now: Instant) -> Option<Leave> {
        let span = self.span;
        match &mut self.state {
            State::Closed { .. } => Some(Leave { span, probe: false }),
            State::Open { until, probing, .. } if !*probing && *until <= now => {
                *probing = true;
                Some(Leave { span, probe: true })
            }
            State::Open { .. } => None,
        }
    }

    /// The broker has answered. It lives, whoever asked and whenever.
    pub fn succeeded(&mut self, now: Instant) {
        if matches!(self.state, State::Open { .. }) {
            self.span += 1;
        }
        self.state = State::Closed {
            failures: 0,
            since: now,
        };
    }

    /// The broker has failed, or has not answered in time.
    pub fn failed(&mut self, leave: Leave, now: Instant) {
        if leave.span != self.span {
            return;
        }
        match &mut self.state {
            State::Closed { failures, since } => {
                if now.saturating_duration_since(*since) > WINDOW {
                    *failures = 0;
                }
                if *failures == 0 {
                    *since = now;
                }
                *failures += 1;
                if *failures >= FAILURES {
                    self.span += 1;
                    self.state = open(now, FIRST_PAUSE);
                }
            }
            State::Open { pause, .. } if leave.probe => {
                let longer = (*pause * 2).min(CEILING);
                self.state = open(now, longer);
            }
            State::Open { .. } => {}
        }
    }

    /// Whoever asked has left without an answer: it says nothing of the broker, but another may probe.
    pub fn left(&mut self, leave: Leave) {
        if let State::Open { probing, .. } = &mut self.state
            && leave.probe
            && leave.span == self.span
        {
            *probing = false;
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        match self.state {
            State::Closed { .. } => Standing::Closed,
            State::Open { probing: false, .. } => Standing::Open,
            State::Open { probing: true, .. } => Standing::HalfOpen,
        }
    }
}

fn open(now: Instant, pause: Duration) -> State {
    State::Open {
        until: now + pause,
        pause,
        probing: false,
    }
}

#[cfg(test)]
mod tests;
