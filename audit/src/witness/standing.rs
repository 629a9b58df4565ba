//! What is known of one witness by now, and whether it is asked again.

use std::time::Duration;

use stage::retry::Pauses;
use tokio::time::Instant;

/// Longest pause after failures: what an operator waits for at most after mending the cause.
const CEILING: Duration = Duration::from_mins(1);
/// How old a cosignature of a log that does not grow may become before the same checkpoint is cosigned again.
const FRESH: Duration = Duration::from_mins(5);

/// How a witness stands to the log.
#[derive(Debug)]
pub(super) struct Standing {
    /// How many leaves it has seen; none before it has said so.
    pub(super) seen: Option<u64>,
    /// The time in its last cosignature, in seconds; 0 before the first.
    pub(super) at: u64,
    /// The last checkpoint that it cosigned, and when.
    cosigned: Option<(u64, Instant)>,
    period: Duration,
    pauses: Pauses,
    /// Nothing is submitted before.
    not_before: Option<Instant>,
    /// It has refused a checkpoint: asking again does not make it another one.
    forked: bool,
}

impl Standing {
    /// Nothing yet; it is asked once in this period.
    pub(super) fn new(period: Duration) -> Self {
        Self {
            seen: None,
            at: 0,
            cosigned: None,
            period,
            pauses: Pauses::between(period.min(CEILING), CEILING),
            not_before: None,
            forked: false,
        }
    }

    /// Whether a checkpoint of this size is to be submitted now.
    pub(super) fn is_due(&self, size: u64, now: Instant) -> bool {
        let fresh = |(cosigned, since): (u64, Instant)| cosigned == size && now < since + FRESH;
        !self.forked
            && self.not_before.is_none_or(|then| then <= now)
            && !self.cosigned.is_some_and(fresh)
    }

    /// It has cosigned a checkpoint of this size, and says when.
    pub(super) fn has_cosigned(&mut self, size: u64, at: u64, now: Instant) {
        self.seen = Some(size);
        self.cosigned = Some((size, now));
        self.at = at;
    }

    /// A visit went well.
    pub(super) fn is_well(&mut self) {
        self.pauses = Pauses::between(self.period.min(CEILING), CEILING);
        self.not_before = None;
    }

    /// A visit did not go well; if it is a fork, there is no other one.
    pub(super) fn has_failed(&mut self, fork: bool, now: Instant) {
        self.not_before = Some(now + self.pauses.next_pause());
        // What it has seen is asked again: it may have been set up anew meanwhile.
        self.seen = None;
        self.forked = fork;
    }
}

#[cfg(test)]
mod tests {
    //! When a witness is asked again.

    use super::*;

    const PERIOD: Duration = Duration::from_secs(2);

    #[test]
    fn each_new_checkpoint_is_submitted_and_an_old_one_once_in_a_while() {
        let (mut standing, now) = (Standing::new(PERIOD), Instant::now());
        assert!(standing.is_due(0, now));
        standing.has_cosigned(9, 1, now);
        assert!(!standing.is_due(9, now));
        assert!(standing.is_due(10, now));
        assert!(!standing.is_due(9, now + FRESH - PERIOD));
        assert!(standing.is_due(9, now + FRESH));
    }

    #[test]
    fn after_a_failure_there_is_a_pause_that_grows_and_after_a_fork_no_end_of_it() {
        let (mut standing, now) = (Standing::new(PERIOD), Instant::now());
        standing.seen = Some(9);
        standing.has_failed(false, now);
        assert_eq!(standing.seen, None);
        assert!(!standing.is_due(9, now + PERIOD / 2));
        assert!(standing.is_due(9, now + PERIOD * 2));
        for _ in 0..9 {
            standing.has_failed(false, now);
        }
        assert!(!standing.is_due(9, now + CEILING / 2));
        assert!(standing.is_due(9, now + CEILING * 2));
        standing.is_well();
        assert!(standing.is_due(9, now));
        standing.has_failed(true, now);
        assert!(!standing.is_due(99, now + CEILING * 1_000));
    }
}
