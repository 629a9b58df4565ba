//! A token bucket whose time is a parameter.

use schemas::Timestamp;

/// Lets `rate` a second through, and `burst` at once.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Timestamp,
}

impl Bucket {
    pub(super) fn full(rate: u32, burst: u32, now: Timestamp) -> Self {
        Self {
            rate: f64::from(rate),
            burst: f64::from(burst),
            tokens: f64::from(burst),
            filled: now,
        }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let passed = now.micros().saturating_sub(self.filled.micros()).max(0);
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 285 years between two requests"
        )]
        let seconds = passed as f64 / 1e6;
        self.tokens = (self.tokens + seconds * self.rate).min(self.burst);
        self.filled = now;
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_the_burst_through_and_then_the_rate() {
        let at = |millis: i64| Timestamp::from_micros(millis * 1_000);
        let mut bucket = Bucket::full(10, 3, at(0));
        assert_eq!((0..5).filter(|_| bucket.take(at(0))).count(), 3);
        assert!(!bucket.take(at(50)));
        assert!(bucket.take(at(150)));
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_away() {
        let mut bucket = Bucket::full(1, 1, Timestamp::from_micros(10_000_000));
        assert!(bucket.take(Timestamp::from_micros(10_000_000)));
        assert!(!bucket.take(Timestamp::from_micros(0)));
    }
}
