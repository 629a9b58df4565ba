//! What the process says of itself: `/livez`, `/readyz`, `/status`, `/metrics`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use schemas::Timestamp;
use serde::Serialize;

use crate::{Clock, Retry};

pub mod page;

/// The part whose word `/status` shows beside the stages and not among the parts.
pub const SPOOL: &str = "spool";

/// How long a stage may wait for an answer before it counts as not ready: the longest pause between two tries, too.
const SLOW: Duration = Duration::from_secs(15);

/// The state of one stage.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// `starting`, `running`, `standby`, `retrying`, `waiting` or `stopped`.
    pub state: &'static str,
    /// What it waits for, while retrying or waiting.
    pub waits_for: Option<String>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// When it last finished a batch.
    pub last_event: Option<Timestamp>,
    /// Records finished since the start.
    pub records: u64,
    /// Records not yet taken, by the last look.
    pub lag: Option<i64>,
}

/// The states of all stages of the process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Health(
    Arc<Mutex<BTreeMap<String, Status>>>,
    Arc<Mutex<BTreeMap<&'static str, serde_json::Value>>>,
);

impl Health {
    /// No stage yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The handle by which a stage tells its state; the first call makes it known as `starting`.
    ///
    /// Its counters are known at 0 from then on: a series that begins with its first event shows no increase.
    pub fn stage(&self, name: &str) -> StageStatus {
        for counter in [
            "idtrail_retries_total",
            "idtrail_records_in_total",
            "idtrail_records_processed_total",
        ] {
            metrics::counter!(counter, "stage" => name.to_owned()).increment(0);
        }
        self.lock().entry(name.to_owned()).or_insert(Status {
            state: "starting",
            waits_for: None,
            since: None,
            last_event: None,
            records: 0,
            lag: None,
        });
        StageStatus {
            health: self.clone(),
            name: name.to_owned(),
        }
    }

    /// All states, by name.
    pub fn all(&self) -> BTreeMap<String, Status> {
        self.lock().clone()
    }

    /// Tells what a part of the process says of itself beside its state; `/status` shows the last word of each.
    pub fn tell(&self, part: &'static str, what: &impl Serialize) {
        // A value of ours that is no JSON is not shown, which is no reason to stop.
        let what = serde_json::to_value(what).unwrap_or_default();
        self.told_parts().insert(part, what);
    }

    /// What parts say of themselves, by name.
    pub fn told(&self) -> BTreeMap<&'static str, serde_json::Value> {
        self.told_parts().clone()
    }

    fn told_parts(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, serde_json::Value>> {
        // Only whole values are written, so a poisoned map is still whole.
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is not ready, with why; empty means ready.
    pub fn not_ready(&self) -> Vec<String> {
        let all = self.lock();
        let broken = all
            .iter()
            .filter(|(_, status)| !matches!(status.state, "running" | "standby"));
        broken
            .map(|(name, status)| {
                let why = status
                    .waits_for
                    .as_deref()
                    .map(|what| format!(": {what}"))
                    .unwrap_or_default();
                format!("{name} is {}{why}", status.state)
            })
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Status>> {
        // Only whole values are written, so a poisoned map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle of one stage.
#[derive(Clone, Debug)]
pub struct StageStatus {
    health: Health,
    name: String,
}

impl StageStatus {
    /// It does its work.
    pub fn running(&self, now: Timestamp) {
        self.set("running", None, now);
    }

    /// Another process leads; this one is ready to take over.
    pub fn standby(&self, now: Timestamp) {
        self.set("standby", None, now);
    }

    /// It has ended.
    pub fn stopped(&self, now: Timestamp) {
        self.set("stopped", None, now);
    }

    /// The world is not ready; logged once for each pause, which grows.
    pub fn retrying(&self, retry: &Retry, pause: Duration, now: Timestamp) {
        metrics::counter!("idtrail_retries_total", "stage" => self.name.clone()).increment(1);
        tracing::warn!(
            stage = self.name,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "retrying: {retry}"
        );
        self.set("retrying", Some(retry.to_string()), now);
    }

    /// Waits, as long as it takes; what takes longer than 15 s is told, and makes the stage not ready until it goes on. A server
    /// that is there and does not answer would else look like one with nothing to do.
    pub async fn watch<T>(&self, wait: impl Future<Output = T>, clock: &dyn Clock) -> T {
        let mut wait = std::pin::pin!(wait);
        if let Ok(done) = tokio::time::timeout(SLOW, wait.as_mut()).await {
            return done;
        }
        tracing::warn!(stage = self.name, "no answer for {SLOW:?}: waiting on");
        let what = format!("an answer of its database, for more than {SLOW:?}");
        self.set("waiting", Some(what), clock.now());
        wait.await
    }

    /// It has taken records.
    pub fn took(&self, records: usize) {
        metrics::counter!("idtrail_records_in_total", "stage" => self.name.clone())
            .increment(records as u64);
    }

    /// It has finished records.
    pub fn committed(&self, records: usize, now: Timestamp) {
        metrics::counter!("idtrail_records_processed_total", "stage" => self.name.clone())
            .increment(records as u64);
        let mut all = self.health.lock();
        if let Some(status) = all.get_mut(&self.name) {
            status.records += records as u64;
            status.last_event = Some(now);
            if status.state != "running" {
                status.state = "running";
                status.waits_for = None;
                status.since = Some(now);
            }
        }
    }

    /// How far it is behind.
    pub fn lag(&self, records: i64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a lag beyond 2^52 records is no longer a number for people"
        )]
        metrics::gauge!("idtrail_consumer_lag_records", "stage" => self.name.clone())
            .set(records as f64);
        if let Some(status) = self.health.lock().get_mut(&self.name) {
            status.lag = Some(records);
        }
    }

    fn set(&self, state: &'static str, waits_for: Option<String>, now: Timestamp) {
        if let Some(status) = self.health.lock().get_mut(&self.name) {
            if status.state != state {
                status.since = Some(now);
            }
            status.state = state;
            status.waits_for = waits_for;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::oneshot, time::sleep};

    use super::*;
    use crate::SystemClock;

    #[tokio::test(start_paused = true)]
    async fn who_gets_no_answer_is_not_ready_until_it_comes() {
        let health = Health::new();
        let status = health.stage("history");
        status.running(SystemClock.now());
        let (answer, answered) = oneshot::channel();
        let look = async {
            sleep(SLOW.saturating_sub(Duration::from_millis(1))).await;
            assert_eq!(health.not_ready(), [""; 0]);
            sleep(Duration::from_millis(2)).await;
            let said = "history is waiting: an answer of its database, for more than 15s";
            assert_eq!(health.not_ready(), [said]);
            answer.send(7).unwrap();
        };
        let (got, ()) = tokio::join!(status.watch(answered, &SystemClock), look);
        assert_eq!(got, Ok(7));
        status.committed(1, SystemClock.now());
        assert_eq!(health.not_ready(), [""; 0]);
    }
}
