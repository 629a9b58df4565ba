//! Steps of the clock: what the wall clock moved by that no time went by for.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use schemas::Timestamp;
use serde::Serialize;
use stage::Clock;

use crate::{canonical, tally};

/// What is no step, in milliseconds: far below the slack of the back-dating rule, and above what a clock that NTP slews (500
/// parts in a million) gains in the hour after which the reconciler appends at the latest.
const BOUND: i64 = 2_000;

/// How long before it is appended a batch may be sealed: as long as checkpoints wait for more.
const FRESH: Duration = Duration::from_secs(1);

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) now: Timestamp,
    ticks: Duration,
}

/// What the clocks said when something was appended last; nothing before the first time in a process.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<Option<Reading>>);

/// The body of the entry.
#[derive(Serialize)]
struct Told {
    what: &'static str,
    by_ms: i64,
    bound_ms: i64,
}

impl Reading {
    /// What the clocks say.
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            ticks: clock.ticks(),
        }
    }

    /// Whether what is told to have happened at this moment may still be said to happen now.
    pub(crate) fn is_fresh(&self, clock: &dyn Clock) -> bool {
        clock.ticks().saturating_sub(self.ticks) < FRESH
    }
}

impl Steps {
    /// By how many milliseconds the clock was set since something was appended last, where that is a step.
    pub(crate) fn step(&self, reading: Reading) -> Option<i64> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.and_then(|last| step(last, reading))
    }

    /// Something was appended, and a step before it was told.
    pub(crate) fn appended(&self, reading: Reading, step: Option<i64>) {
        // Only whole values are written, so a poisoned one is still whole.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        if let Some(by) = step {
            tally::clock_step(by);
        }
    }
}

/// What the log says of a step.
pub(crate) fn told(by_ms: i64) -> Vec<u8> {
    let told = Told {
        what: "clock_step",
        by_ms,
        bound_ms: BOUND,
    };
    canonical::to_vec(&told).expect("it holds text and integers")
}

fn step(last: Reading, reading: Reading) -> Option<i64> {
    let gone = reading.ticks.saturating_sub(last.ticks).as_millis();
    let gone = i64::try_from(gone).unwrap_or(i64::MAX);
    let moved = reading.now.millis().saturating_sub(last.now.millis());
    let by = moved.saturating_sub(gone);
    (by.abs() > BOUND).then_some(by)
}

#[cfg(test)]
mod tests {
    //! What is a step and what is not.

    use super::*;

    #[test]
    fn a_step_is_what_the_clock_moved_without_time_going_by() {
        let at = |now_ms: i64, ticks_ms: u64| Reading {
            now: Timestamp::from_micros(now_ms * 1_000),
            ticks: Duration::from_millis(ticks_ms),
        };
        let last = at(1_000_000, 50);
        assert_eq!(step(last, at(1_000_000 + 3_600_000, 50 + 3_600_000)), None);
        assert_eq!(
            step(last, at(1_002_000, 50)),
            None,
            "the bound itself is none"
        );
        assert_eq!(step(last, at(1_002_001, 50)), Some(2_001));
        assert_eq!(
            step(last, at(1_000_000, 9_000)),
            Some(-8_950),
            "it stood still"
        );
        assert_eq!(step(last, at(0, 1_050)), Some(-1_001_000));
    }
}
