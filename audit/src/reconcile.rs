//! The reconciler: proves by pointer that nothing was lost between the topics.
//!
//! Each callback has exactly one successor (understood or refused), each understood one exactly one (enriched or refused),
//! each enriched one ends once for onboarding and once for sales, each refusal once for admins. It takes every entry once,
//! in the order of the log, and keeps only what is open; what does not come to its end in a stated time is a violation.

use std::{sync::Arc, time::Duration};

use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use stage::{Context, Retry, database::Database};

use crate::{
    acts::Acts,
    audit::Audit,
    config::Config,
    keys::{self, KeyStore},
    log::key::SigningKey,
    seal::Kek,
    store::{self, Store},
};

mod days;
mod fresh;
mod hours;
mod journey;
mod judge;
mod piece;
mod tables;
mod tell;
mod walk;

pub(crate) use days::{account, first_hour};
pub(crate) use fresh::{Fresh, Slice};
pub use hours::Range;
pub(crate) use hours::{DAY, Hour, begin_of, hour_of};
pub(crate) use journey::Fault;
pub(crate) use tables::{State, Tables};

/// Pause between two looks for new entries. An idle one is one question; whoever reads the accounts sees what was true so
/// long ago at most.
const PAUSE: Duration = Duration::from_secs(10);
/// Violations whose places are told at once, in the log and on `/status`: somebody must look at the first of them, and a
/// ruined hour must not make a ruined log.
pub(crate) const POINTERS: usize = 20;

/// What does not hold, and at which record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Violation {
    pub(crate) what: Fault,
    /// `<topic>/<partition>/<offset>`.
    pub(crate) place: String,
}

/// Proves the equations, and tells in the log what it found.
#[derive(Debug)]
pub(crate) struct Reconciler {
    tables: Tables,
    store: Arc<dyn Store>,
    keys: Arc<dyn KeyStore>,
    kek: Arc<Kek>,
    /// Signs the days; none where nothing is signed.
    key: Option<Arc<SigningKey>>,
    /// How often it tells.
    period: Duration,
    /// How old an open callback may be.
    grace: Duration,
}

impl Reconciler {
    pub(crate) fn new(
        config: &Config,
        (history, keys): (&Database, &Database),
        kek: Arc<Kek>,
        key: Option<Arc<SigningKey>>,
    ) -> Self {
        Self {
            tables: Tables(history.clone()),
            store: store::open(history),
            keys: keys::open(keys),
            kek,
            key,
            period: Duration::from_secs(config.reconcile_s),
            grace: Duration::from_secs(config.reconcile_grace_s),
        }
    }

    /// Works until asked to stop.
    pub(crate) async fn run(&self, audit: &Audit, acts: &Acts, context: &Context) {
        loop {
            let turn = self.turn((audit, acts), context, context.clock.now());
            // What is cut off is a transaction that was not committed, or an act that may stand twice.
            match context.stopper.run_until_stopped(turn).await {
                None => return,
                Some(Err(retry)) => tracing::warn!("reconciling waits: {retry}"),
                Some(Ok(())) => {}
            }
            // Sooner where more comes than may be handed over meanwhile.
            let pause = tokio::time::timeout(PAUSE, audit.fresh.filling.notified());
            if context.stopper.run_until_stopped(pause).await.is_none() {
                return;
            }
        }
    }

    /// Everything that is to be done now, if this process leads.
    pub(crate) async fn turn(
        &self,
        (audit, acts): (&Audit, &Acts),
        context: &Context,
        now: Timestamp,
    ) -> Result<(), Retry> {
        if !audit.lead.holds().await? {
            return Ok(());
        }
        let state = Box::pin(self.walk(&audit.fresh, now)).await?;
        if now.millis() >= state.ran_at + millis(self.period) {
            self.judge(now).await?;
            self.tell(acts, context, now).await?;
        }
        self.sign_days(now).await
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
