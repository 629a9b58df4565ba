//! The broker behind its breaker: whoever appends passes here.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use schemas::Position;
use stage::{Broker, BrokerError, Output};
use tokio::time::Instant;

use super::breaker::{Breaker, Leave, Standing};

/// The broker, and what keeps people from waiting for it in vain.
#[derive(Debug)]
pub(crate) struct Gate {
    broker: Arc<dyn Broker>,
    breaker: Mutex<Breaker>,
}

/// Leave to append one record. Dropped without an answer, it leaves the broker's standing as it was.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    gate: &'a Gate,
    leave: Leave,
    told: bool,
}

impl Gate {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        Self {
            broker,
            breaker: Mutex::new(Breaker::closed(Instant::now())),
        }
    }

    /// Leave to append a record; none while the breaker is open.
    ///
    /// What waits here is bounded by whoever asks: the door by the bodies in hand, the drain by its page.
    pub(crate) fn pass(&self) -> Option<Passage<'_>> {
        let leave = self.breaker().ask(Instant::now())?;
        Some(Passage {
            gate: self,
            leave,
            told: false,
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.standing() != Standing::Closed
    }

    pub(crate) fn standing(&self) -> Standing {
        self.breaker().standing()
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // Only whole states are written, so a poisoned one is still whole.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the breaker, and says so where that changed how it stands.
    fn tell(&self, change: impl FnOnce(&mut Breaker)) {
        let (before, after) = {
            let mut breaker = self.breaker();
            let before = breaker.standing();
            change(&mut breaker);
            (before, breaker.standing())
        };
        match (before, after) {
            (Standing::Closed, Standing::Open | Standing::HalfOpen) => {
                tracing::error!(
                    "the broker fails again and again: nobody waits for it but one probe at a time"
                );
            }
            (Standing::Open | Standing::HalfOpen, Standing::Closed) => {
                tracing::warn!("the broker takes records again");
            }
            (Standing::Closed, Standing::Closed)
            | (Standing::Open | Standing::HalfOpen, Standing::Open | Standing::HalfOpen) => return,
        }
        let open = u8::from(after != Standing::Closed);
        metrics::gauge!("idtrail_ingest_breaker_open").set(f64::from(open));
    }
}

impl Passage<'_> {
    /// Appends, and answers by the deadline whatever the broker does.
    pub(crate) async fn append(
        mut self,
        output: Output,
        deadline: Duration,
    ) -> Result<Position, BrokerError> {
        let asked = self.gate.broker.append(output, deadline);
        let answer = tokio::time::timeout(deadline, asked)
            .await
            .unwrap_or_else(|_| Err(BrokerError::Unavailable("no answer in time".to_owned())));
        self.told = true;
        let (now, leave) = (Instant::now(), self.leave);
        self.gate.tell(|breaker| match &answer {
            Ok(_) | Err(BrokerError::TooLarge(_)) => breaker.succeeded(now),
            Err(
                BrokerError::Unavailable(_)
                | BrokerError::Topic(_)
                | BrokerError::Revoked
                | BrokerError::Fenced
                | BrokerError::Settings(_),
            ) => breaker.failed(leave, now),
        });
        answer
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.gate.breaker().left(self.leave);
        }
    }
}
