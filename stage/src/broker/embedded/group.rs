//! Consumer groups within the process: members share partitions, and a batch that moved is void.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use schemas::Topic;
use tokio::sync::watch;

use super::{BrokerError, Embedded, Guard, layout::PartitionId, reading::Reading};
use crate::{BatchLimit, Output, Record, Subscription};

#[derive(Debug)]
struct Group {
    members: Vec<u64>,
    generation: watch::Sender<u64>,
}

/// The members of every group of the process. Only `up` runs stages on the embedded broker, and it
/// locks its data folder, so there are no members elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups(Arc<Mutex<(u64, HashMap<String, Group>)>>);

impl Groups {
    fn join(&self, group: &str) -> (u64, watch::Receiver<u64>) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, groups) = &mut *guard;
        *last += 1;
        let member = *last;
        let group = groups.entry(group.to_owned()).or_insert_with(|| Group {
            members: Vec::new(),
            generation: watch::channel(0).0,
        });
        group.members.push(member);
        group.generation.send_modify(|generation| *generation += 1);
        let mut changes = group.generation.subscribe();
        changes.mark_changed();
        (member, changes)
    }

    fn leave(&self, group: &str, member: u64) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = guard.1.get_mut(group) {
            group.members.retain(|one| *one != member);
            group.generation.send_modify(|generation| *generation += 1);
        }
    }

    /// The member's place among the members, and their number.
    fn place(&self, group: &str, member: u64) -> Option<(usize, usize)> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let members = &guard.1.get(group)?.members;
        Some((
            members.iter().position(|one| *one == member)?,
            members.len(),
        ))
    }
}

/// One member of a group.
pub(super) struct Member {
    broker: Embedded,
    group: String,
    topics: Vec<Topic>,
    id: u64,
    changes: watch::Receiver<u64>,
    reading: Reading,
    /// Where each assigned partition's offset stands in the file.
    committed: BTreeMap<PartitionId, i64>,
    /// Where the offsets go once the batch that is out is committed.
    batch: BTreeMap<PartitionId, i64>,
    /// The assignment has changed, and was not taken up yet.
    stale: bool,
}

impl Member {
    pub(super) fn join(broker: Embedded, group: &str, topics: &[Topic]) -> Self {
        let (id, changes) = broker.0.groups.join(group);
        let reading = broker.reading(Vec::new());
        Self {
            broker,
            group: group.to_owned(),
            topics: topics.to_vec(),
            id,
            changes,
            reading,
            committed: BTreeMap::new(),
            batch: BTreeMap::new(),
            stale: true,
        }
    }

    /// Takes up the partitions that are this member's now, at the offsets that stand in the file.
    ///
    /// Changes the member only at its end, so that a caller who leaves halfway leaves it as it was.
    async fn assign(&mut self) -> Result<(), BrokerError> {
        let (place, members) = self
            .broker
            .0
            .groups
            .place(&self.group, self.id)
            .ok_or(BrokerError::Fenced)?;
        let ids = self
            .topics
            .iter()
            .flat_map(|topic| self.broker.partition_ids(*topic));
        let mine: Vec<_> = ids
            .enumerate()
            .filter(|(index, _)| index % members == place)
            .map(|(_, id)| id)
            .collect();
        let offsets = self.broker.offsets(&self.group).await?;
        let mut starts = Vec::with_capacity(mine.len());
        let mut standing = BTreeMap::new();
        for id in mine {
            let committed = offsets.get(&id.number()).copied().unwrap_or(0);
            let first = self.broker.extent(id).await?.first;
            standing.insert(id, committed);
            starts.push((id.topic(), id, committed.max(first)));
        }
        self.committed = standing;
        self.reading = self.broker.reading(starts);
        self.batch.clear();
        self.stale = false;
        Ok(())
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        loop {
            if self.changes.has_changed().unwrap_or(false) {
                self.changes.mark_unchanged();
                self.stale = true;
            }
            // A batch that was given out and not committed is given out again.
            if self.stale || !self.batch.is_empty() {
                self.assign().await?;
            }
            if !self.reading.wait(&mut self.changes).await? {
                self.changes.mark_changed();
                continue;
            }
            let records = self.reading.take(limit).await?;
            for record in &records {
                let id = PartitionId::new(record.topic, record.position.partition);
                self.batch.insert(id, record.position.offset + 1);
            }
            if !records.is_empty() {
                return Ok(records);
            }
        }
    }

    async fn commit(&mut self, outputs: Vec<Output>) -> Result<(), BrokerError> {
        let reassigned = self.stale || self.changes.has_changed().unwrap_or(false);
        // Outputs that no batch led to would be written without anything that guards them.
        if reassigned || self.batch.is_empty() {
            return Err(BrokerError::Revoked);
        }
        let moves: Vec<_> = self
            .batch
            .iter()
            .map(|(id, to)| (*id, self.committed.get(id).copied().unwrap_or(0), *to))
            .collect();
        // The file compares the offsets too, so even a member that slept through a change cannot double a batch.
        let guard = Guard::Offsets {
            group: self.group.clone(),
            moves,
        };
        self.broker.change(guard, outputs).await?;
        self.committed.append(&mut self.batch);
        Ok(())
    }

    async fn close(self: Box<Self>) {}
}

impl Drop for Member {
    fn drop(&mut self) {
        self.broker.0.groups.leave(&self.group, self.id);
    }
}
