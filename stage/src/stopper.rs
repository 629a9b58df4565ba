//! Stopping: the first wish drains, the second means now.

use std::{future::Future, time::Duration};

use tokio_util::sync::CancellationToken;

/// Passes on the wish to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stopper {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Stopper {
    /// Nobody wishes to stop yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a drain: what is in flight reaches a safe state, what only waits is let go.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Asks to stop at once; what is in flight is repeated after the next start.
    pub fn stop_now(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Whether a drain was asked for.
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits until a drain is asked for.
    pub async fn stopping(&self) {
        self.soft.cancelled().await;
    }

    /// Waits until an immediate stop is asked for.
    pub async fn stopping_now(&self) {
        self.hard.cancelled().await;
    }

    /// Runs a wait; nothing comes back if a drain is asked for first. The wait is dropped, so it must
    /// be one that may be forgotten.
    pub async fn run_until_stopped<F: Future>(&self, wait: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.soft.cancelled() => None,
            output = wait => Some(output),
        }
    }

    /// Follows SIGTERM and SIGINT: the first drains, the second stops now, and so does the end of the time for a drain, which
    /// something that does not answer would otherwise hold up for ever. From the call on, so that whoever calls it before
    /// anybody can reach the process is never ended outright; what it gives ends when an immediate stop is asked for.
    pub fn follow_signals(self, drain: Duration) -> std::io::Result<impl Future<Output = ()>> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            let overdue = async {
                self.stopping().await;
                tokio::time::sleep(drain).await;
            };
            tokio::pin!(overdue);
            loop {
                tokio::select! {
                    () = self.hard.cancelled() => return,
                    () = &mut overdue => {
                        tracing::warn!("not drained after {drain:?}: stopping now; what was in flight is repeated after the next start");
                        return self.stop_now();
                    }
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if self.is_stopping() {
                    tracing::warn!("second signal: stopping now");
                    self.stop_now();
                } else {
                    tracing::info!("signal: draining");
                    self.stop();
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_is_let_go_once_a_stop_is_asked_for() {
        let stopper = Stopper::new();
        assert_eq!(stopper.run_until_stopped(async { 1 }).await, Some(1));
        stopper.stop();
        assert_eq!(
            stopper
                .run_until_stopped(std::future::pending::<i32>())
                .await,
            None
        );
    }
}
