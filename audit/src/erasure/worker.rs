//! The service's part: tells in the log what was decided, and destroys keys, in an order that a crash cannot break.

use std::time::Duration;

use schemas::Timestamp;
use serde::Serialize;
use stage::{Context, Retry, Stopper, retry::Rhythm};

use super::{
    Clients, Cover, Erasure, ErasureError, closure, decide, ledger::Ledger, retention, scrub,
    state::State,
};
use crate::{HistoryError, acts::Act, audit::Audit, canonical, config::Job, leaf::Kind};

/// How long a decision waits at most before the service sees it; one question of a small table.
const PAUSE: Duration = Duration::from_secs(1);
/// How often is looked for what is due: it is due by the day, and looking reads all entries of those accounts.
const JOB: Duration = Duration::from_hours(1);

/// The entry that says that keys are destroyed. Under one id it may stand again: if a crash came between, and with a later
/// date if it was not covered in time.
#[derive(Serialize)]
struct Told<'a> {
    what: &'static str,
    id: &'a str,
    subjects: Vec<String>,
    events: i64,
    requester: &'a str,
    requested_at: i64,
    approver: Option<&'a str>,
    approved_at: Option<i64>,
    basis: &'a str,
    effective_by: Option<i64>,
}

/// Does what was decided.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) clients: Clients,
    /// How long backups of the key database are kept.
    pub(crate) backup_days: u32,
    pub(crate) job: Job,
    /// What must stand over the entry of an erasure before keys go.
    pub(crate) cover: Cover,
    /// Ends what waits for others.
    pub(crate) stopper: Stopper,
}

impl Worker {
    /// Works until asked to stop. What a crash left half done is done first.
    pub(crate) async fn run(&self, audit: &Audit, context: &Context) {
        let (mut job_at, mut rhythm) = (context.clock.now(), Rhythm::new(PAUSE));
        loop {
            let now = context.clock.now();
            if now >= job_at {
                job_at = now.plus(JOB);
                if let Err(error) = self.approve_due(audit, now).await {
                    tracing::warn!("what is due is not erased: {error}");
                }
            }
            let turn = self.turn(audit, now).await;
            if let Err(error) = &turn {
                tracing::warn!("holds and erasures wait: {error}");
            }
            let pause = tokio::time::sleep(rhythm.after(&turn));
            if context.stopper.run_until_stopped(pause).await.is_none() {
                return;
            }
        }
    }

    /// Approves the erasure of what is due, where the settings say so.
    pub(crate) async fn approve_due(
        &self,
        audit: &Audit,
        now: Timestamp,
    ) -> Result<(), ErasureError> {
        if self.job != Job::Erase || !audit.lead.holds().await? {
            return Ok(());
        }
        retention::approve_what_is_due(&self.clients, audit.chance, now).await
    }

    /// Everything that is to be done now.
    pub(crate) async fn turn(&self, audit: &Audit, now: Timestamp) -> Result<(), ErasureError> {
        if !audit.lead.holds().await? {
            return Ok(());
        }
        self.tell(audit).await?;
        let mut destroyed = Vec::new();
        for erasure in self.ledger().open().await? {
            if self.go_on(audit, &erasure, now).await? {
                destroyed.push(erasure);
            }
        }
        if destroyed.is_empty() {
            return Ok(());
        }
        // Once for all of them: it may take as long as all keys take to be written.
        scrub::scrub(&self.ledger().0, &self.stopper).await?;
        for erasure in destroyed {
            self.ledger().destroyed(erasure.key, now).await?;
            tracing::info!(
                erasure = erasure.id,
                "the keys of an account were destroyed"
            );
        }
        Ok(())
    }

    fn ledger(&self) -> &Ledger {
        &self.clients.ledger
    }

    /// Tells in the log what was noted.
    async fn tell(&self, audit: &Audit) -> Result<(), Retry> {
        for (number, kind, body) in self.ledger().notes().await? {
            audit.act(&[Act { kind, body }]).await?;
            self.ledger().told(number).await?;
        }
        Ok(())
    }

    /// Goes as far as it can; whether the rows are gone.
    async fn go_on(
        &self,
        audit: &Audit,
        erasure: &Erasure,
        now: Timestamp,
    ) -> Result<bool, ErasureError> {
        let mut erasure = erasure.clone();
        if erasure.state == State::Approved && !self.begin(&mut erasure, now).await? {
            return Ok(false);
        }
        let entry = if let Some(entry) = erasure.entry {
            entry
        } else {
            let entry = self.enter(audit, &erasure).await?;
            self.ledger().entered(erasure.key, entry).await?;
            entry
        };
        // Whoever destroys first could later show a log in which nobody ever asked for it.
        if let Some(lacks) = self.cover.lacks(audit.store.log(), entry).await? {
            if erasure.why.as_ref() != Some(&lacks) {
                self.ledger().waits(erasure.key, &lacks).await?;
            }
            return Ok(false);
        }
        let told = erasure.effective_by;
        if !told.is_some_and(|told| decide::holds_good(told, now, self.backup_days)) {
            let later = decide::effective_by(now, self.backup_days);
            self.ledger().postponed(erasure.key, later).await?;
            return Ok(false);
        }
        self.destroy(audit, &erasure).await?;
        Ok(true)
    }

    /// Marks what is to go; false if it must not.
    pub(crate) async fn begin(
        &self,
        erasure: &mut Erasure,
        now: Timestamp,
    ) -> Result<bool, ErasureError> {
        let ledger = self.ledger();
        let two = erasure.approver.as_deref();
        let two = two.is_some_and(|by| !decide::same_person(by, &erasure.requester));
        if !two {
            ledger
                .refuse(erasure.key, &ErasureError::SamePerson.to_string())
                .await?;
            return Ok(false);
        }
        let effective_by = decide::effective_by(now, self.backup_days);
        let begun = match self.clients.may_erase(&erasure.account, now).await {
            Ok(found) => {
                let subjects: Vec<_> = found.subjects.into_iter().collect();
                ledger
                    .begin(erasure.key, &subjects, (now, effective_by))
                    .await
            }
            Err(error) => Err(error),
        };
        match begun {
            Ok(()) => {
                erasure.effective_by = Some(effective_by);
                Ok(true)
            }
            Err(ErasureError::History(HistoryError::Unavailable(retry))) => Err(retry.into()),
            Err(refused) => {
                tracing::warn!(erasure = erasure.id, "an erasure is refused: {refused}");
                ledger.refuse(erasure.key, &refused.to_string()).await?;
                Ok(false)
            }
        }
    }

    /// Tells of it in the log; gives the index.
    pub(crate) async fn enter(&self, audit: &Audit, erasure: &Erasure) -> Result<i64, Retry> {
        let subjects = self.ledger().subjects_of(erasure.key).await?;
        let events = closure::events_of(&self.clients.opened.bodies, &subjects).await?;
        let told = Told {
            what: "erase",
            id: &erasure.id,
            subjects: subjects.iter().map(ToString::to_string).collect(),
            events,
            requester: &erasure.requester,
            requested_at: erasure.requested_at.micros(),
            approver: erasure.approver.as_deref(),
            approved_at: erasure.approved_at.map(Timestamp::micros),
            basis: &erasure.reason,
            effective_by: erasure.effective_by.map(Timestamp::micros),
        };
        let body = canonical::to_vec(&told).map_err(Retry::because)?;
        let kind = Kind::Erase;
        audit.act(&[Act { kind, body }]).await
    }

    /// Destroys keys and names. Nothing is appended meanwhile: a batch on its way would be sealed with keys that are
    /// gone.
    async fn destroy(&self, audit: &Audit, erasure: &Erasure) -> Result<(), Retry> {
        let _no_batch = audit.view.lock().await;
        let _nobody_looks = audit.keys.alone().await;
        let subjects = self.ledger().subjects_of(erasure.key).await?;
        let checks = closure::checks_of(&self.clients.opened.bodies, &subjects).await?;
        let destroyed = self.ledger().destroy(erasure, &subjects, &checks).await;
        // Also after an error: it may be committed all the same.
        audit.keys.forget();
        destroyed
    }
}
