//! From a batch of events to what is told: decided and stored in one transaction with the source offsets.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use schemas::Topic;
use stage::{
    Clock, Codec, Record, Retry,
    database::Lead,
    keep::{Keep, KeepError},
};

use crate::{
    bells::Bells,
    decide::Told,
    met::Met,
    plan::{Plan, Telling},
    store::{Offset, Store},
    tally,
    windows::Windows,
};

/// The stage that decides.
#[derive(Debug)]
pub(crate) struct Notify {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) lead: Arc<Lead>,
    pub(crate) codec: Arc<Codec>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) telling: Arc<Telling>,
    pub(crate) bells: Arc<Bells>,
    /// Where this process believes the offsets to stand. Only `offsets` and `keep` change it, and the
    /// loop never calls both at once.
    pub(crate) believed: Mutex<HashMap<(Topic, i32), i64>>,
}

#[async_trait]
impl Keep for Notify {
    const NAME: &'static str = "notify";
    const READS: &'static [Topic] = &[Topic::Enriched, Topic::Rejected, Topic::Operated];
    // What is decided rests on what was told before, so nothing can be known ahead.
    type Ready = Vec<Record>;

    async fn lead(&self) -> Result<bool, Retry> {
        self.lead.holds().await
    }

    async fn offsets(&self) -> Result<Vec<Offset>, Retry> {
        let stored = self.store.offsets().await?;
        *self.believed() = by_partition(&stored);
        Ok(stored)
    }

    async fn ready(&self, batch: Vec<Record>) -> Vec<Record> {
        batch
    }

    async fn keep(&self, batch: &Vec<Record>) -> Result<(), KeepError> {
        let now = self.clock.now();
        let met: Vec<Met> = batch
            .iter()
            .map(|record| Met::read(record, &self.codec, now))
            .collect();
        let moves = moves(batch);
        let mut work = self.store.begin().await?;
        if !self.stands(&work.offsets().await?, batch) {
            return Err(KeepError::Moved);
        }
        let checks: BTreeSet<&str> = met.iter().filter_map(Met::check_told_of).collect();
        let names: Vec<&str> = checks.into_iter().collect();
        let mut told = work.told(&names).await?;
        let mut plan = Plan::new(&self.telling, Windows::of(work.windows().await?));
        let mut changed: BTreeSet<&str> = BTreeSet::new();
        for one in &met {
            if let Some(check) = one.plan(&mut plan, &mut told) {
                changed.insert(check);
            }
        }
        let changed: Vec<(&str, &Told)> = changed
            .into_iter()
            .filter_map(|check| Some((check, told.get(check)?)))
            .collect();
        work.remember(&changed, now).await?;
        plan.store(work.as_mut(), now).await?;
        work.move_offsets(&moves).await?;
        // Until here a crash leaves no trace, and the batch is decided again. From here on it is decided
        // for good; what has not been told yet waits in the outbox.
        work.commit().await?;
        self.believed()
            .extend(moves.iter().map(|(topic, at, next)| ((*topic, *at), *next)));
        self.after_commit(&plan, &met);
        Ok(())
    }
}

impl Notify {
    /// Whether the offsets stand where this process left them, and the batch lies beyond them.
    ///
    /// The batch alone cannot tell: transaction markers leave holes in offsets, so it need not begin at
    /// the stored one.
    fn stands(&self, stored: &[Offset], batch: &[Record]) -> bool {
        let stored = by_partition(stored);
        let believed = self.believed();
        batch.iter().all(|record| {
            let partition = (record.topic, record.position.partition);
            let next = stored.get(&partition);
            next == believed.get(&partition)
                && next.is_none_or(|next| record.position.offset >= *next)
        })
    }

    fn after_commit(&self, plan: &Plan<'_>, met: &[Met]) {
        if !plan.waiting.is_empty() {
            self.bells.sender.notify_one();
        }
        if !plan.ended.is_empty() {
            self.bells.relay.notify_one();
        }
        tally::ended(&plan.ended);
        show_unreadable(met);
    }

    fn believed(&self) -> std::sync::MutexGuard<'_, HashMap<(Topic, i32), i64>> {
        // Only whole entries are written, so a poisoned map is still whole.
        self.believed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line for a batch: who floods a topic with rubbish shall not flood the log.
fn show_unreadable(met: &[Met]) {
    let mut first = None;
    let mut count = 0_usize;
    for one in met {
        let Some(reason) = one.unreadable() else {
            continue;
        };
        first.get_or_insert((&one.origin.source, reason));
        count += 1;
        metrics::counter!(
            "idtrail_unreadable_records_total",
            "stage" => Notify::NAME,
            "reason" => reason.as_str(),
        )
        .increment(1);
    }
    if let Some((position, reason)) = first {
        tracing::error!(
            record.position = %position,
            records = count,
            "{count} records cannot be read; the first is {position}: {reason}"
        );
    }
}

fn by_partition(offsets: &[Offset]) -> HashMap<(Topic, i32), i64> {
    let key = |(topic, partition, next): &Offset| ((*topic, *partition), *next);
    offsets.iter().map(key).collect()
}

/// The offset after the last record of each partition.
fn moves(batch: &[Record]) -> Vec<Offset> {
    let mut next: HashMap<(Topic, i32), i64> = HashMap::new();
    for record in batch {
        let position = &record.position;
        next.insert((record.topic, position.partition), position.offset + 1);
    }
    next.into_iter()
        .map(|((topic, partition), next)| (topic, partition, next))
        .collect()
}
