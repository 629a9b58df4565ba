//! A member of a consumer group: reads batches, commits what they led to, and gives up what moves elsewhere.
//!
//! One thread owns it, and rebalances happen only inside its calls.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    types::RDKafkaErrorCode,
};
use schemas::Topic;

use self::{
    joining::Names,
    rebalance::{Changes, Grouped, Partition},
};
use super::{BrokerError, client::Clients, fault, held::Held, record, transaction::Transactions};
use crate::{BatchLimit, Output, Record};

mod joining;
mod rebalance;

/// How long putting partitions back to an offset, or asking for the group's offsets, may take.
const PUT_BACK_AT_MOST: Duration = Duration::from_secs(5);
/// The part of a batch that is in one partition.
struct Span {
    first: i64,
    next: i64,
}

/// The member. See [`Subscription`](crate::Subscription) for what it promises.
pub(super) struct Member {
    clients: Arc<Clients>,
    names: Names,
    topics: Vec<Topic>,
    consumer: BaseConsumer<Grouped>,
    changes: Arc<Changes>,
    transactions: Transactions,
    held: Held,
    /// The batch that is out, but for partitions that were taken away since.
    out: BTreeMap<Partition, Span>,
    /// A partition of the batch that is out was taken away: it cannot be committed any more.
    void: bool,
    /// Nobody knows whether the batch that is out was committed.
    in_doubt: bool,
    /// Somebody has taken over: this member never works again.
    fenced: bool,
}

impl Member {
    pub(super) fn join(
        clients: Arc<Clients>,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, BrokerError> {
        let names = Names::new(&clients, group);
        let mut transactions = Transactions::new(Arc::clone(&clients), names.own().to_owned());
        // The predecessor is fenced before its partitions are asked for.
        transactions.take_over()?;
        let changes = Arc::<Changes>::default();
        Ok(Self {
            consumer: names.subscribe(&clients, topics, &changes)?,
            topics: topics.to_vec(),
            clients,
            names,
            changes,
            transactions,
            held: Held::default(),
            out: BTreeMap::new(),
            void: false,
            in_doubt: false,
            fenced: false,
        })
    }

    /// The next batch; an empty one once the caller has left.
    pub(super) fn next(
        &mut self,
        limit: &BatchLimit,
        caller_left: impl Fn() -> bool,
    ) -> Result<Vec<Record>, BrokerError> {
        self.resume()?;
        self.put_back()?;
        while !self.held.is_due(limit) {
            if caller_left() {
                return Ok(Vec::new());
            }
            self.look(self.held.look(limit))?;
        }
        let batch = self.held.take(limit);
        for record in &batch {
            let offset = record.position.offset;
            let partition = (record.position.topic.clone(), record.position.partition);
            let begun = Span {
                first: offset,
                next: 0,
            };
            self.out.entry(partition).or_insert(begun).next = offset + 1;
        }
        Ok(batch)
    }

    /// Commits the batch that is out with what it led to.
    pub(super) fn commit(&mut self, outputs: &[Output]) -> Result<(), BrokerError> {
        self.alive()?;
        if self.void || self.in_doubt || self.out.is_empty() {
            return Err(BrokerError::Revoked);
        }
        let offsets = list(self.out.iter().map(|(name, span)| (name, span.next)))?;
        let consumer = &self.consumer;
        let member = || {
            // In this order: what was asked for before the loss names the old generation, which the broker refuses.
            let member = consumer.group_metadata();
            let kept = member.filter(|_| !consumer.assignment_lost());
            kept.map(Arc::new)
        };
        let Err(failed) = self.transactions.commit(outputs, &offsets, member) else {
            self.out.clear();
            return Ok(());
        };
        self.in_doubt = failed.in_doubt;
        self.fenced = failed.why == BrokerError::Fenced;
        if self.in_doubt && matches!(self.settle(), Ok(true)) {
            return Ok(());
        }
        Err(failed.why)
    }

    /// Sees to the group while the caller works on its batch: pauses, so that no records come, and lets
    /// rebalances happen.
    pub(super) fn stay(&mut self) {
        if !self.changes.pause() {
            let assigned = self.consumer.assignment();
            let _not_paused = assigned.and_then(|assigned| self.consumer.pause(&assigned));
        }
        // An error is told by the next call, which meets it again.
        let _error = self.look(Duration::ZERO);
    }

    fn resume(&mut self) -> Result<(), BrokerError> {
        self.alive()?;
        if self.changes.is_paused() {
            self.consumer
                .assignment()
                .and_then(|assigned| self.consumer.resume(&assigned))
                .map_err(|error| fault::unavailable("partitions cannot be resumed", error))?;
            self.changes.resume();
        }
        Ok(())
    }

    /// One look at the client: a record is kept, a rebalance happens.
    fn look(&mut self, wait: Duration) -> Result<(), BrokerError> {
        let looked = match self.consumer.poll(wait) {
            None => Ok(()),
            Some(Ok(message)) => {
                self.held.extend(record::received(&self.clients, &message));
                Ok(())
            }
            Some(Err(error)) if fault::passes(fault::code(&error)) => Ok(()),
            Some(Err(error)) => Err(fault::unavailable("reading", fault::text(&error))),
        };
        self.let_go();
        self.alive().and(looked)
    }

    /// What was taken away is neither given out nor put back by this member.
    fn let_go(&mut self) {
        let taken_away = self.changes.taken_away();
        if !taken_away.is_empty() {
            self.held.forget(|record| is_in(&taken_away, record));
        }
        for partition in &taken_away {
            self.void |= self.out.remove(partition).is_some();
        }
    }

    /// Puts the partitions of a batch that was not committed back to where it began, so that it is given out again.
    fn put_back(&mut self) -> Result<(), BrokerError> {
        self.transactions.take_over()?;
        if self.in_doubt {
            self.settle()?;
        }
        if !self.out.is_empty() {
            let starts = list(self.out.iter().map(|(name, span)| (name, span.first)))?;
            let put_back = self.consumer.seek_partitions(starts, PUT_BACK_AT_MOST);
            let failed = match &put_back {
                Ok(list) => list.elements().iter().find_map(|one| one.error().err()),
                Err(error) => Some(error.clone()),
            };
            if let Some(error) = failed {
                // It may have been taken away just now: looking lets that happen before the next try.
                self.look(Duration::ZERO)?;
                return Err(fault::unavailable("a batch cannot be put back", error));
            }
            let back: Vec<Partition> = self.out.keys().cloned().collect();
            self.held.forget(|record| is_in(&back, record));
            self.out.clear();
        }
        self.void = false;
        Ok(())
    }

    /// Finds out whether the batch that is out was committed, once nobody can commit it any more.
    fn settle(&mut self) -> Result<bool, BrokerError> {
        self.alive()?;
        self.transactions.take_over()?;
        let asked = list(self.out.iter().map(|(name, span)| (name, span.next)))?;
        let unknown =
            |error| fault::unavailable("the group's offsets are not known", fault::text(&error));
        let told = self
            .consumer
            .committed_offsets(asked, PUT_BACK_AT_MOST)
            .map_err(unknown)?;
        for one in told.elements() {
            one.error().map_err(unknown)?;
            let partition = (one.topic().to_owned(), one.partition());
            let span = self.out.get_mut(&partition);
            if let (Offset::Offset(committed), Some(span)) = (one.offset(), span) {
                span.first = span.first.max(committed);
            }
        }
        self.in_doubt = false;
        self.out.retain(|_, span| span.first < span.next);
        Ok(self.out.is_empty() && !self.void)
    }

    /// Whether the client may still be used; joins anew if it may not, and nobody has taken over.
    fn alive(&mut self) -> Result<(), BrokerError> {
        if self.fenced {
            return Err(BrokerError::Fenced);
        }
        match self.consumer.client().fatal_error() {
            None => return Ok(()),
            Some((RDKafkaErrorCode::FencedInstanceId, _)) => {
                let ours = self.transactions.still_ours();
                self.fenced = ours == Err(BrokerError::Fenced);
                ours?;
            }
            Some((_, why)) => return Err(BrokerError::Settings(why)),
        }
        tracing::warn!(group = self.names.group(), "joins its group anew");
        self.changes = Arc::default();
        self.consumer = self
            .names
            .subscribe(&self.clients, &self.topics, &self.changes)?;
        self.held = Held::default();
        // Whatever is out begins anew at the group's offsets, so it does not matter what became of it.
        self.void |= !self.out.is_empty();
        self.out.clear();
        self.in_doubt = false;
        Ok(())
    }

    /// Leaves the group, so that others take over at once.
    pub(super) fn leave(&self) {
        self.names.leave(&self.consumer);
    }
}

fn is_in(partitions: &[Partition], record: &Record) -> bool {
    let place = (&record.position.topic, record.position.partition);
    partitions
        .iter()
        .any(|(topic, number)| (topic, *number) == place)
}

fn list<'a>(
    offsets: impl Iterator<Item = (&'a Partition, i64)>,
) -> Result<TopicPartitionList, BrokerError> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(offset))
            .map_err(|error| fault::unavailable("an offset cannot be named", error))?;
    }
    Ok(list)
}
