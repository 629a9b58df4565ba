//! The sender's loop: what is ready, what is on its way, what has ended and is not recorded yet.

use std::{collections::VecDeque, time::Duration};

use directory::Address;
use schemas::Timestamp;
use stage::{Context, Retry, health::StageStatus, retry::Pauses};
use tokio::{task::JoinSet, time::Instant};

use super::{BATCH, CONCURRENT, DRAIN, GATHER, LOOK, NAME, Sender};
use crate::{
    alert::Failing,
    channel::{Letter, SendError},
    draft::Waiting,
};

/// Pauses of a stopped channel: a wrong login that is tried too often locks the account.
pub(super) const STOPPED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

/// A letter that came back: taken or not.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) waiting: Waiting,
    pub(super) result: Result<Option<String>, SendError>,
    pub(super) at: Timestamp,
}

/// The sender at work, as long as it leads.
pub(super) struct Desk<'a> {
    pub(super) sender: &'a Sender,
    pub(super) context: &'a Context,
    pub(super) status: StageStatus,
    /// Those that were to be marked as started when the database answered with an error: it may have marked them.
    doubtful: Vec<i64>,
    /// Marked as started, waiting for a place among those on their way.
    pub(super) ready: VecDeque<(Waiting, Address)>,
    pub(super) flight: JoinSet<Sent>,
    /// Kept until it is recorded, whatever the database does meanwhile: forgotten, it would be sent twice.
    pub(super) ended: Vec<Sent>,
    /// While the channel is stopped: the pauses between its trials, and the end of this one.
    pub(super) stopped: Option<(Pauses, Instant)>,
    looked: Option<Instant>,
    /// Since when ends wait to be recorded.
    pub(super) gathered: Option<Instant>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(sender: &'a Sender, context: &'a Context) -> Self {
        Self {
            sender,
            context,
            status: context.health.stage(NAME),
            doubtful: Vec::new(),
            ready: VecDeque::new(),
            flight: JoinSet::new(),
            ended: Vec::new(),
            stopped: None,
            looked: None,
            gathered: None,
        }
    }

    /// Works until a stop is asked for or the lead is lost.
    pub(super) async fn work(&mut self) {
        let mut pauses = Pauses::default();
        let stopper = self.context.stopper.clone();
        while !stopper.is_stopping() {
            match self.turn().await {
                Ok(true) => pauses = Pauses::default(),
                Ok(false) => return,
                Err(retry) => {
                    let pause = pauses.next_pause();
                    self.status
                        .retrying(&retry, pause, self.context.clock.now());
                    let _stopped = stopper.run_until_stopped(tokio::time::sleep(pause)).await;
                }
            }
        }
    }

    /// One turn; false when another process has to take over.
    async fn turn(&mut self) -> Result<bool, Retry> {
        if self.is_time_to_record() {
            self.record().await?;
            self.gathered = None;
        }
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            if !self.sender.lead.holds().await? {
                return Ok(false);
            }
            self.close_windows().await?;
            self.measure().await?;
            self.looked = Some(Instant::now());
        }
        self.fill().await?;
        if self.stopped.is_none() {
            self.status.running(self.context.clock.now());
        }
        self.launch();
        Ok(self.wait().await)
    }

    /// Ends are recorded together, as far as nobody waits for them: a transaction for each letter would cost more than
    /// the letters.
    fn is_time_to_record(&self) -> bool {
        let idle = self.flight.is_empty() && self.ready.is_empty();
        let waited = self.gathered.is_some_and(|since| since.elapsed() >= GATHER);
        // A failure may have stopped the channel, which must be known before the next letter.
        let failed = self.ended.iter().any(|sent| sent.result.is_err());
        !self.ended.is_empty() && (idle || waited || failed || self.ended.len() >= BATCH)
    }

    /// Takes what is due, once there is nothing left to be sent.
    async fn fill(&mut self) -> Result<(), Retry> {
        let (limit, quiet) = match &self.stopped {
            // One letter finds out whether the channel works again.
            Some((_, until)) => (1, Instant::now() < *until || !self.flight.is_empty()),
            None => (BATCH, self.flight.len() >= CONCURRENT),
        };
        if quiet || !self.ready.is_empty() || !self.is_clear().await? {
            return Ok(());
        }
        let now = self.context.clock.now();
        let due = self.sender.store.due(now, limit).await?;
        if due.is_empty() {
            return Ok(());
        }
        let addresses = self.addresses(&due).await?;
        let mut reachable = Vec::with_capacity(due.len());
        for (waiting, address) in due.into_iter().zip(addresses) {
            match address {
                Some(address) => reachable.push((waiting, address)),
                None => self.ended.push(Sent {
                    waiting,
                    result: Err(SendError::Never {
                        failing: Failing::NoAddress,
                        why: "the directory knows no such recipient, or nobody active".to_owned(),
                    }),
                    at: now,
                }),
            }
        }
        if reachable.is_empty() {
            return Ok(());
        }
        let numbers: Vec<i64> = reachable.iter().map(|(one, _)| one.number).collect();
        self.doubtful.clone_from(&numbers);
        let started = self.sender.store.start(&numbers, now).await?;
        self.doubtful.clear();
        // From here on a crash leaves marks, and what bears one is sent again after the next start.
        for (mut waiting, address) in reachable {
            if started.contains(&waiting.number) {
                waiting.attempts += 1;
                self.ready.push_back((waiting, address));
            }
        }
        Ok(())
    }

    /// Takes back marks that nobody knows of: they would hold their notices up until the next start of this process. False
    /// if another process leads by now, whose marks they may be.
    async fn is_clear(&mut self) -> Result<bool, Retry> {
        if self.doubtful.is_empty() {
            return Ok(true);
        }
        if !self.sender.lead.holds().await? {
            return Ok(false);
        }
        self.sender.store.release(&self.doubtful).await?;
        self.doubtful.clear();
        Ok(true)
    }

    /// The addresses at this moment, one question for all.
    async fn addresses(&self, due: &[Waiting]) -> Result<Vec<Option<Address>>, Retry> {
        let recipients: Vec<&str> = due
            .iter()
            .map(|one| one.draft.who.recipient.as_str())
            .collect();
        let addresses = self.sender.directory.addresses(&recipients).await;
        let addresses = addresses.map_err(Retry::because)?;
        if addresses.len() == due.len() {
            Ok(addresses)
        } else {
            Err(Retry::because("the directory answered another question"))
        }
    }

    fn launch(&mut self) {
        while self.flight.len() < CONCURRENT
            && let Some((waiting, address)) = self.ready.pop_front()
        {
            let channel = std::sync::Arc::clone(&self.sender.channel);
            let clock = std::sync::Arc::clone(&self.context.clock);
            let letter = Letter {
                id: waiting.draft.id(channel.name()),
                to: address,
                text: waiting.draft.view.text(),
                at: waiting.draft.origin.decided_at,
            };
            metrics::counter!("idtrail_notification_attempts_total", "channel" => channel.name())
                .increment(1);
            self.flight.spawn(async move {
                let result = channel.send(&letter).await;
                Sent {
                    waiting,
                    result,
                    at: clock.now(),
                }
            });
        }
    }

    /// Waits until there is something to do; false if a letter's task has died, after which only the
    /// database knows what was on its way.
    async fn wait(&mut self) -> bool {
        if !self.ended.is_empty() {
            let since = *self.gathered.get_or_insert_with(Instant::now);
            if self.flight.is_empty() || since.elapsed() >= GATHER {
                return true;
            }
        }
        let pause = if self.ended.is_empty() { LOOK } else { GATHER };
        let full = !self.ready.is_empty() || self.flight.len() >= CONCURRENT;
        let bell = self.sender.bells.sender.notified();
        let came = tokio::select! {
            () = self.context.stopper.stopping() => return true,
            () = tokio::time::sleep(pause) => return true,
            () = bell, if !full && self.stopped.is_none() => return true,
            Some(came) = self.flight.join_next() => came,
        };
        let mut came = Some(came);
        while let Some(one) = came {
            match one {
                Ok(sent) => self.ended.push(sent),
                Err(error) => {
                    tracing::error!("a letter's task has died: {error}");
                    return false;
                }
            }
            came = self.flight.try_join_next();
        }
        true
    }

    /// Lets go of what was not begun, and waits, within a bound, for what is on its way.
    pub(super) async fn close(&mut self) {
        let unsent: Vec<i64> = self.ready.drain(..).map(|(one, _)| one.number).collect();
        let (flight, ended) = (&mut self.flight, &mut self.ended);
        let landing = async {
            while let Some(came) = flight.join_next().await {
                ended.extend(came);
            }
        };
        tokio::select! {
            () = landing => {}
            () = tokio::time::sleep(DRAIN) => {}
            () = self.context.stopper.stopping_now() => {}
        }
        self.flight.abort_all();
        let released = if unsent.is_empty() {
            Ok(())
        } else {
            self.sender.store.release(&unsent).await
        };
        if let Err(retry) = released.and(self.record().await) {
            // The marks stay: the next sender counts these as possibly sent, and sends them again.
            tracing::warn!("the end of the last notices could not be recorded: {retry}");
        }
    }
}
