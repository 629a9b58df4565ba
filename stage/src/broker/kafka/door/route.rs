//! Where the posts of a topic go: each to the partition of its key, once the cluster has told which there are.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    super::BrokerError,
    batch::Identity,
    cluster::Standing,
    code::Code,
    partition::{Partition, Post},
    partitioner::partition_of,
};

/// How long a topic may be missing that was just made; then its posts fail.
const MISSING_AT_MOST: Duration = Duration::from_secs(2);

/// The way of one topic.
#[derive(Default)]
pub(super) struct Route {
    /// Empty until the cluster has told of them.
    partitions: Vec<Partition>,
    unplaced: VecDeque<Post>,
    missing_since: Option<Instant>,
}

impl Route {
    /// Takes a post to its partition.
    pub(super) fn place(&mut self, post: Post) {
        if self.partitions.is_empty() {
            self.unplaced.push_back(post);
        } else {
            let at = partition_of(&post.output.key, self.partitions.len());
            self.partitions[at].push(post);
        }
    }

    /// Whether the cluster must be asked before all that waits can go.
    pub(super) fn is_lost(&self) -> bool {
        let leaderless = |one: &Partition| one.leader.is_none() && one.is_waiting();
        !self.unplaced.is_empty() || self.partitions.iter().any(leaderless)
    }

    pub(super) fn needs_identity(&self) -> bool {
        !self.unplaced.is_empty() || self.partitions.iter().any(Partition::needs_identity)
    }

    /// The partitions that a broker leads, with their numbers.
    pub(super) fn led_by(&mut self, broker: i32) -> impl Iterator<Item = (i32, &mut Partition)> {
        let all = (0..).zip(&mut self.partitions);
        all.filter(move |(_, one)| one.leader == Some(broker))
    }

    /// What the cluster says of the topic, whose name is `name`.
    pub(super) fn learn(&mut self, standing: Standing, name: &str, now: Instant) -> Vec<Identity> {
        match standing {
            Standing::Unknown => Vec::new(),
            Standing::Missing => {
                let since = *self.missing_since.get_or_insert(now);
                if now.saturating_duration_since(since) < MISSING_AT_MOST {
                    return Vec::new();
                }
                self.missing_since = None;
                self.fail(&BrokerError::Topic(name.to_owned()))
            }
            Standing::There(leaders) => {
                self.missing_since = None;
                self.lead(&leaders)
            }
        }
    }

    fn lead(&mut self, leaders: &[Option<i32>]) -> Vec<Identity> {
        let mut spoilt = Vec::new();
        if leaders.len() < self.partitions.len() {
            // It was made anew, or this broker has not heard of all: what was on its way is not durable for certain.
            let why = BrokerError::Unavailable("the topic has fewer partitions".to_owned());
            let all = self.partitions.drain(..);
            spoilt = all.filter_map(|one| one.end(&why)).collect();
        }
        for (index, leader) in (0..).zip(leaders) {
            let place = usize::try_from(index).unwrap_or_default();
            if place == self.partitions.len() {
                self.partitions.push(Partition::new(index));
            }
            self.partitions[place].leader = *leader;
        }
        for post in std::mem::take(&mut self.unplaced) {
            self.place(post);
        }
        spoilt
    }

    fn fail(&mut self, why: &BrokerError) -> Vec<Identity> {
        for post in self.unplaced.drain(..) {
            post.answer(Err(why.clone()));
        }
        let all = self.partitions.iter_mut();
        all.filter_map(|one| one.fail(why)).collect()
    }

    /// What the leader has answered for a partition: an offset, or an error. None: nobody knows whether it has it.
    /// The identity of a batch that was given up is told.
    pub(super) fn answered(
        &mut self,
        index: i32,
        request: u64,
        answer: Option<Result<i64, Code>>,
    ) -> Option<Identity> {
        let place = usize::try_from(index).ok()?;
        let one = self.partitions.get_mut(place)?;
        if !one.is_carried_by(request) {
            return None;
        }
        match answer {
            Some(Ok(offset @ 0..)) => one.written(offset),
            Some(Err(code)) if code.is_too_large() => return one.too_large(),
            Some(Err(code)) if !code.passes() => {
                let why = BrokerError::Unavailable(format!("a record was not written: {code}"));
                return one.refused(&why);
            }
            Some(Err(_) | Ok(_)) | None => {
                // It goes again as soon as the cluster has said to whom; so it is asked at its own pace, too.
                one.again();
                one.leader = None;
            }
        }
        None
    }

    /// Lets go of what nobody waits for any more; the identities of batches that were given up.
    pub(super) fn tend(&mut self, now: Instant) -> Vec<Identity> {
        self.unplaced.retain(|post| !post.is_left());
        let all = self.partitions.iter_mut();
        all.filter_map(|one| one.tend(now)).collect()
    }
}

#[cfg(test)]
mod tests;
