//! What the end of a sending leads to: recorded, tried again, or given up.

use schemas::Timestamp;
use stage::{Retry, retry::Pauses};
use tokio::time::Instant;

use super::desk::{Desk, STOPPED, Sent};
use crate::{
    alert::Failing,
    channel::SendError,
    plan::{End, Plan},
    store::Work,
    tally,
    windows::Windows,
};

/// What becomes of a notice whose letter came back.
enum Fate {
    /// It was told; the channel's id.
    Taken(Option<String>),
    /// It is tried again when this is due.
    Later(Timestamp),
    /// Nobody is told.
    GivenUp(Failing),
    /// Its mark was taken back; it stays where it is.
    Released,
}

impl Fate {
    fn may_alert(&self) -> bool {
        matches!(self, Self::GivenUp(_))
    }
}

impl Desk<'_> {
    /// Records what has ended, all in one transaction.
    pub(super) async fn record(&mut self) -> Result<(), Retry> {
        if self.ended.is_empty() {
            return Ok(());
        }
        let why_stopped = self.ended.iter().find_map(why_stopped);
        if why_stopped.is_some() {
            self.release_all().await?;
        }
        let now = self.context.clock.now();
        let fates: Vec<Fate> = self.ended.iter().map(|sent| self.fate(sent)).collect();
        let mut work = self.sender.store.begin().await?;
        let windows = if fates.iter().any(Fate::may_alert) {
            work.windows().await?
        } else {
            Vec::new()
        };
        let mut plan = Plan::new(&self.sender.telling, Windows::of(windows));
        self.apply(&fates, &mut plan, work.as_mut()).await?;
        plan.store(work.as_mut(), now).await?;
        // Until here a crash sends these again, with the same ids. From here on they have ended.
        work.commit().await?;
        let works = self.ended.iter().any(shows_that_the_channel_works);
        let recorded = std::mem::take(&mut self.ended).len();
        self.after_commit(&plan);
        if let Some(why) = why_stopped {
            self.stop_channel(why);
        } else if works {
            self.stopped = None;
            self.show_stopped(0.0);
        }
        if self.stopped.is_none() {
            self.status.committed(recorded, now);
        }
        Ok(())
    }

    fn fate(&self, sent: &Sent) -> Fate {
        match &sent.result {
            Ok(id) => Fate::Taken(id.clone()),
            Err(SendError::Later(why)) => {
                note(sent, why);
                let pause = self.sender.schedule.after(sent.waiting.attempts);
                pause.map_or(Fate::GivenUp(Failing::GivenUp), |pause| {
                    Fate::Later(sent.at.plus(pause))
                })
            }
            Err(SendError::Never { failing, why }) => {
                note(sent, why);
                Fate::GivenUp(*failing)
            }
            Err(SendError::Stopped(_)) => Fate::Released,
        }
    }

    async fn apply(
        &self,
        fates: &[Fate],
        plan: &mut Plan<'_>,
        work: &mut dyn Work,
    ) -> Result<(), Retry> {
        let mut over = Vec::new();
        let mut later = Vec::new();
        for (sent, fate) in self.ended.iter().zip(fates) {
            match fate {
                Fate::Taken(_) | Fate::GivenUp(_) => over.push(sent.waiting.number),
                Fate::Later(due_at) => later.push((sent.waiting.number, *due_at)),
                Fate::Released => {}
            }
        }
        if !later.is_empty() {
            work.postpone(&later).await?;
        }
        // Where somebody else has recorded the end of one, theirs is the record.
        let ours = work.remove(&over).await?;
        for (sent, fate) in self.ended.iter().zip(fates) {
            let waiting = &sent.waiting;
            if !ours.contains(&waiting.number) {
                continue;
            }
            let draft = &waiting.draft;
            match fate {
                Fate::Taken(id) => plan.sent(draft, (waiting.attempts, id.clone()), sent.at),
                Fate::GivenUp(failing) => {
                    let end = End {
                        failing: *failing,
                        attempts: waiting.attempts,
                        at: sent.at,
                    };
                    plan.fail(&draft.who, draft.view.template(), end, &draft.origin);
                }
                Fate::Later(_) | Fate::Released => {}
            }
        }
        Ok(())
    }

    /// Nothing of this was the letters' fault: all go back, and their tries do not count.
    async fn release_all(&mut self) -> Result<(), Retry> {
        let stopped = self.ended.iter().filter(|one| why_stopped(one).is_some());
        let ready = self.ready.iter().map(|(waiting, _)| waiting);
        let numbers: Vec<i64> = stopped
            .map(|one| &one.waiting)
            .chain(ready)
            .map(|waiting| waiting.number)
            .collect();
        self.sender.store.release(&numbers).await?;
        self.ready.clear();
        Ok(())
    }

    fn stop_channel(&mut self, why: String) {
        let (mut pauses, _) = self
            .stopped
            .take()
            .unwrap_or_else(|| (Pauses::between(STOPPED.0, STOPPED.1), Instant::now()));
        let pause = pauses.next_pause();
        self.status
            .retrying(&Retry::because(why), pause, self.context.clock.now());
        self.stopped = Some((pauses, Instant::now() + pause));
        self.show_stopped(1.0);
    }

    fn show_stopped(&self, value: f64) {
        let channel = self.sender.telling.channel;
        metrics::gauge!("idtrail_notification_channel_stopped", "channel" => channel).set(value);
    }

    fn after_commit(&self, plan: &Plan<'_>) {
        tally::ended(&plan.ended);
        if !plan.ended.is_empty() {
            self.sender.bells.relay.notify_one();
        }
        if !plan.waiting.is_empty() {
            self.sender.bells.sender.notify_one();
        }
    }

    /// Ends the alert windows whose time is over: each with a count, where something was counted.
    pub(super) async fn close_windows(&self) -> Result<(), Retry> {
        let now = self.context.clock.now();
        if !self.sender.store.window_ended(now).await? {
            return Ok(());
        }
        let mut work = self.sender.store.begin().await?;
        let mut plan = Plan::new(&self.sender.telling, Windows::default());
        for window in work.windows().await? {
            if window.ends_at <= now {
                work.close_window(&window.kind).await?;
                if let Some(count) = window.count(now) {
                    plan.tell(count);
                }
            }
        }
        plan.store(work.as_mut(), now).await?;
        work.commit().await?;
        self.after_commit(&plan);
        Ok(())
    }

    /// What waits, for alarms: a backlog that grows old is people who are not told.
    pub(super) async fn measure(&self) -> Result<(), Retry> {
        let (count, oldest) = self.sender.store.backlog().await?;
        let age = |since: Timestamp| self.context.clock.now().micros() - since.micros();
        let micros = oldest.map_or(0, age);
        #[expect(
            clippy::cast_precision_loss,
            reason = "beyond 2^52 neither is a number for people"
        )]
        let (count, seconds) = (count as f64, micros as f64 / 1e6);
        metrics::gauge!("idtrail_notifications_pending").set(count);
        metrics::gauge!("idtrail_notification_oldest_pending_age_seconds").set(seconds);
        Ok(())
    }
}

fn why_stopped(sent: &Sent) -> Option<String> {
    match &sent.result {
        Err(SendError::Stopped(why)) => Some(why.clone()),
        Ok(_) | Err(SendError::Later(_) | SendError::Never { .. }) => None,
    }
}

fn shows_that_the_channel_works(sent: &Sent) -> bool {
    match &sent.result {
        Ok(_) => true,
        Err(SendError::Never { failing, .. }) => *failing == Failing::Refused,
        Err(SendError::Later(_) | SendError::Stopped(_)) => false,
    }
}

fn note(sent: &Sent, why: &str) {
    tracing::warn!(
        recipient.id = sent.waiting.draft.who.recipient,
        attempts = sent.waiting.attempts,
        "a notice was not taken: {why}"
    );
}
