//! The time, as a parameter.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use schemas::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now, UTC.
    fn now(&self) -> Timestamp;

    /// Time since some moment of this process, by a clock that nobody sets. Where it and [`now`](Self::now) have moved by
    /// different times, the clock was set, or the machine slept.
    fn ticks(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's time comes in"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn ticks(&self) -> Duration {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGUN.elapsed()
    }
}

/// A clock that stands until it is moved, for tests.
#[derive(Clone, Debug)]
pub struct MockClock {
    now: Arc<AtomicI64>,
    ticks: Arc<AtomicI64>,
}

impl MockClock {
    /// A clock that stands at this time.
    pub fn at(time: Timestamp) -> Self {
        Self {
            now: Arc::new(AtomicI64::new(time.micros())),
            ticks: Arc::default(),
        }
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.now.fetch_add(by, Ordering::Relaxed);
        self.ticks.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets it by so many microseconds, forwards or back; no time goes by.
    pub fn set_by(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::Relaxed))
    }

    fn ticks(&self) -> Duration {
        let micros = self.ticks.load(Ordering::Relaxed);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}
