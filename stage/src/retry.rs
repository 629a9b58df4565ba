//! Pauses between tries: the only file that names the `backoff` crate.
//!
//! `backoff` is unmaintained (RUSTSEC-2025-0012); leaving it is a change of this file alone.

use std::{future::Future, time::Duration};

use backoff::{ExponentialBackoff, backoff::Backoff as _};

use crate::{Retry, Stopper};

/// First pause: long enough to let a broker's leader election begin, short enough that nobody notices.
const FIRST: Duration = Duration::from_millis(100);
/// Longest pause: what a person on call waits for at most after mending the cause.
const CEILING: Duration = Duration::from_secs(15);

/// Growing pauses with jitter, up to a ceiling, for ever.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Default for Pauses {
    fn default() -> Self {
        Self::between(FIRST, CEILING)
    }
}

impl Pauses {
    /// Pauses that grow from `first` to `ceiling`.
    pub fn between(first: Duration, ceiling: Duration) -> Self {
        Self(ExponentialBackoff {
            current_interval: first,
            initial_interval: first,
            max_interval: ceiling,
            multiplier: 2.0,
            randomization_factor: 0.2,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        })
    }

    /// The next pause.
    pub fn next_pause(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(CEILING)
    }
}

/// Pauses of a loop that looks again and again: always the same while all is well, growing to the ceiling while it is not, so
/// that a night without a database is told of hundreds of times and not of tens of thousands.
#[derive(Debug)]
pub struct Rhythm {
    every: Duration,
    failing: Pauses,
}

impl Rhythm {
    /// A look `every` so often; less than the ceiling of 15 s.
    pub fn new(every: Duration) -> Self {
        Self {
            every,
            failing: Pauses::between(every, CEILING),
        }
    }

    /// The pause after this look.
    pub fn after<T, E>(&mut self, look: &Result<T, E>) -> Duration {
        if look.is_err() {
            return self.failing.next_pause();
        }
        self.failing = Pauses::between(self.every, CEILING);
        self.every
    }
}

/// Tries until it succeeds; nothing comes back if a stop is asked for during a pause.
///
/// `on_retry` hears of each failure with the pause that follows, so that it is seen as lag and alarm.
pub async fn until_done<T, F, Fut>(
    stopper: &Stopper,
    mut on_retry: impl FnMut(&Retry, Duration),
    mut attempt: F,
) -> Option<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Retry>>,
{
    let mut pauses = Pauses::default();
    loop {
        match attempt().await {
            Ok(value) => return Some(value),
            Err(retry) => {
                let pause = pauses.next_pause();
                on_retry(&retry, pause);
                stopper.run_until_stopped(tokio::time::sleep(pause)).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tries_until_the_world_is_ready() {
        let mut tries = 0;
        let mut heard = 0;
        let done = until_done(
            &Stopper::new(),
            |_, _| heard += 1,
            || {
                tries += 1;
                let ready = tries == 4;
                async move {
                    if ready {
                        Ok(7)
                    } else {
                        Err(Retry::because("not ready"))
                    }
                }
            },
        )
        .await;
        assert_eq!((done, heard), (Some(7), 3));
    }

    #[test]
    fn a_look_that_fails_is_repeated_less_and_less_and_one_that_does_not_as_often_as_ever() {
        const EVERY: Duration = Duration::from_millis(500);
        let mut rhythm = Rhythm::new(EVERY);
        let (well, ill) = (Ok::<_, ()>(()), Err::<(), _>(()));
        assert_eq!(rhythm.after(&well), EVERY);
        let hour = Duration::from_hours(1);
        let (mut told, mut passed) = (0, Duration::ZERO);
        while passed < hour {
            passed += rhythm.after(&ill);
            told += 1;
        }
        assert!((200..400).contains(&told), "told {told} times in an hour");
        assert_eq!(rhythm.after(&well), EVERY);
        assert!(rhythm.after(&ill) < 2 * EVERY);
    }

    #[test]
    fn pauses_grow_to_their_ceiling_and_stay_there() {
        let mut pauses = Pauses::default();
        let all: Vec<_> = (0..20).map(|_| pauses.next_pause()).collect();
        assert!(all[0] < Duration::from_millis(130), "{:?}", all[0]);
        assert!(
            all[19] > Duration::from_secs(10) && all[19] < Duration::from_secs(19),
            "{:?}",
            all[19]
        );
    }
}
