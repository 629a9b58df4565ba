//! The stage: each record of the six topics gets one entry, once, in an order that never changes.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use schemas::{Timestamp, Topic};
use stage::{
    Chance, Clock, Codec, Record, Retry,
    database::Lead,
    keep::{Keep, KeepError},
};
use tokio::sync::{Mutex, Notify};

use crate::{
    acts::Act,
    ahead::{Ahead, Base, Made},
    batch::{Batch, Ranges},
    growth::Growth,
    keys::{Keys, Resolved},
    naming,
    reconcile::{Fresh, Slice},
    steps::{self, Reading, Steps},
    store::{Store, View, signed},
    tally,
};

/// How far the clock may stand behind the newest entry before somebody should look at it, in milliseconds.
const MAX_STEP_BACK: i64 = 5_000;

/// Appends what it reads.
pub(crate) struct Audit {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Keys,
    pub(crate) codec: Arc<Codec>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    /// The prefix of topic names.
    pub(crate) prefix: String,
    pub(crate) lead: Lead,
    /// What the last append left behind; none when that is not known for certain. One loop alone uses it.
    pub(crate) view: Mutex<Option<View>>,
    /// What the log will be.
    pub(crate) ahead: Ahead,
    /// What the reconciler need not read.
    pub(crate) fresh: Fresh,
    /// Whether the clock was set.
    pub(crate) steps: Steps,
    /// Rung when there are new receipts.
    pub(crate) ring: Arc<Notify>,
}

#[async_trait]
impl Keep for Audit {
    const NAME: &'static str = "audit";
    const READS: &'static [Topic] = &[
        Topic::Raw,
        Topic::Checked,
        Topic::Enriched,
        Topic::Notified,
        Topic::Rejected,
        Topic::Operated,
    ];
    type Ready = Batch;

    async fn lead(&self) -> Result<bool, Retry> {
        self.lead.holds().await
    }

    async fn offsets(&self) -> Result<Vec<(Topic, i32, i64)>, Retry> {
        let view = self.store.view().await?;
        // Reading begins here. What this process knew before may be long past: another one may have led since.
        let mut slot = self.view.lock().await;
        *slot = Some(view.clone());
        self.ahead.forget();
        // A database that was set back has other entries where ours were.
        self.fresh.forget();
        // Nor are keys the same if that one has destroyed some.
        self.keys.forget();
        drop(slot);
        tally::size(signed(view.tree.size()));
        let name_of = |id: i32| {
            view.topics
                .iter()
                .find(|(_, topic)| **topic == id)
                .map(|(name, _)| name)
        };
        let topic_of = |id: i32| {
            let name = name_of(id)?;
            // Under another prefix they are other topics, which stay in the history and are read no more.
            Self::READS
                .iter()
                .copied()
                .find(|topic| topic.name(&self.prefix) == *name)
        };
        let offsets = view.offsets.iter();
        let known =
            offsets.filter_map(|((id, partition), next)| Some((topic_of(*id)?, *partition, *next)));
        Ok(known.collect())
    }

    async fn ready(&self, batch: Vec<Record>) -> Batch {
        // When this returns, the keys of the batch are durable. A crash before the append leaves keys that nobody uses.
        let mut batch = Batch::read(batch, &self.codec, &self.keys).await;
        let mut taken = self.ahead.take();
        if let (Some(base), Some(found)) = (taken.base.take(), batch.found(&self.keys)) {
            // Whatever is in the way of it will be in the way of who keeps the batch, who says so.
            let made = Box::pin(self.make(&batch, found, base)).await.ok();
            // A step of the clock is told by who appends next, and once.
            batch.made = made.filter(|made| made.step.is_none());
        }
        batch.number = self
            .ahead
            .readied(&taken, batch.made.as_deref().map(Made::base));
        batch
    }

    async fn keep(&self, batch: &Batch) -> Result<(), KeepError> {
        let mut slot = self.view.lock().await;
        // Taken out: whatever goes wrong below, the next batch asks the database anew.
        let view = match slot.take() {
            Some(view) => view,
            None => self.store.view().await?,
        };
        let ranges = Ranges::of(batch.records(), &view)?;
        let ahead = batch.made.as_deref().filter(|made| {
            made.fits(&view, self.clock.as_ref()) && batch.found(&self.keys).is_some()
        });
        let anew;
        let made = if let Some(made) = ahead {
            made
        } else {
            let resolved = batch.resolved(&self.keys).await?;
            let counters = Vec::new();
            anew = Box::pin(self.make(batch, &resolved, Base { view, counters })).await?;
            self.ahead.remade(batch.number, anew.base());
            &anew
        };
        let stored = self.store.append(&made.append).await;
        stored.inspect_err(|_| self.ahead.forget())?;
        // From here on the entries, the offsets and the receipts are there, all of them.
        self.steps.appended(made.reading, made.step);
        tally::appended(&made.append, &tally::unreadable(batch));
        ranges.tell_gaps();
        self.fresh.put(&made.slice);
        *slot = Some(made.next.clone());
        self.ring.notify_one();
        Ok(())
    }
}

impl Audit {
    /// Seals a batch on what the log is or will be.
    async fn make(
        &self,
        batch: &Batch,
        resolved: &[Resolved],
        base: Base,
    ) -> Result<Box<Made>, KeepError> {
        let ranges = Ranges::of(batch.records(), &base.view)?;
        let mut counters = self.store.counters(&accounts(resolved)).await?;
        counters.extend(base.counters);
        let reading = Reading::of(self.clock.as_ref());
        let at = time_after(&base.view, reading.now);
        let mut growth = Growth::of(&base.view, at, self.chance);
        let step = self.tell_step(reading, resolved.last(), &mut growth);
        let mut append = batch.seal(resolved, counters, &ranges, growth).await;
        let next = ranges.conclude(&mut append, base.view.clone(), reading.now);
        let slice = Slice::of(
            &append,
            batch.records().iter().zip(batch.said()),
            ranges.read(),
        );
        let made = Made::new(&base.view, append, next, slice, (reading, step));
        Ok(Box::new(made))
    }

    /// Appends entries of the log's own, in this order; gives the index of the first once all are committed.
    pub(crate) async fn act(&self, acts: &[Act]) -> Result<i64, Retry> {
        if !self.lead.holds().await? {
            return Err(Retry::because("another process appends to the log"));
        }
        let mut slot = self.view.lock().await;
        let view = match slot.take() {
            Some(view) => view,
            None => self.store.view().await?,
        };
        let own = self
            .keys
            .resolve(&[naming::own(&self.keys)])
            .await?
            .resolved;
        let own = own.first().ok_or_else(|| Retry::because("no key"))?;
        let reading = Reading::of(self.clock.as_ref());
        let now = reading.now;
        let at = time_after(&view, now);
        let mut growth = Growth::of(&view, at, self.chance);
        let step = self.tell_step(reading, Some(own), &mut growth);
        let first = growth.next();
        for act in acts {
            growth.own(act.kind, own, &act.body);
        }
        let mut append = growth.finish();
        self.ahead.forget();
        let next = Ranges::default().conclude(&mut append, view, now);
        if let Err(error) = self.store.append(&append).await {
            // It may be committed all the same, and must not be so twice. No other leaf is like this one: it is salted.
            let there = self.store.log().leaves(first, first + 1).await?;
            let ours = append.entries.iter().find(|entry| entry.seq == first);
            let ours = ours.map(|entry| &entry.leaf);
            if there.first() != ours {
                return Err(Retry::because(error));
            }
        }
        self.steps.appended(reading, step);
        tally::appended(&append, &BTreeMap::new());
        *slot = Some(next);
        Ok(first)
    }
}

impl Audit {
    /// Tells in the log, before everything that has its time by the clock as it is now, that the clock was set; gives by
    /// how much.
    fn tell_step(
        &self,
        reading: Reading,
        own: Option<&Resolved>,
        growth: &mut Growth,
    ) -> Option<i64> {
        let by = self.steps.step(reading)?;
        growth.clock(own?, &steps::told(by));
        Some(by)
    }
}

/// The time in leaves after those of a view: that of the clock, unless it stands behind them.
fn time_after(view: &View, now: Timestamp) -> i64 {
    if now.millis() < view.at.saturating_sub(MAX_STEP_BACK) {
        tracing::error!(
            behind_ms = view.at - now.millis(),
            "the clock stands far behind the newest entry; entries keep that entry's time until it has caught up"
        );
    }
    now.millis().max(view.at)
}

fn accounts(resolved: &[Resolved]) -> Vec<uuid::Uuid> {
    let mut accounts: Vec<_> = resolved.iter().filter_map(|one| one.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}
