//! Joining a group and leaving it: by which names, and for how long a silent member counts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    groups::GroupInfo,
};
use schemas::Topic;

use super::rebalance::{Changes, Grouped};
use crate::broker::{
    BrokerError,
    kafka::{client::Clients, fault, held::LOOK},
};

/// How long a killed member's partitions wait for their next one.
const SESSION_MS: &str = "10000";
/// Three lost heartbeats end a session.
const HEARTBEAT_MS: &str = "3000";
/// How long leaving may take; after it the session's end tells the others.
const LEAVE_AT_MOST: Duration = Duration::from_secs(3);

/// What the brokers call the member.
pub(super) struct Names {
    group: String,
    instance: String,
    own: String,
}

impl Names {
    pub(super) fn new(clients: &Clients, group: &str) -> Self {
        let instance = &clients.settings().instance;
        Self {
            group: clients.scoped(group),
            instance: format!("{group}-{instance}"),
            own: clients.scoped(&format!("{group}.{instance}")),
        }
    }

    pub(super) fn group(&self) -> &str {
        &self.group
    }

    /// The client's id, which is also the transactional id.
    pub(super) fn own(&self) -> &str {
        &self.own
    }

    /// A consumer that joins the group.
    pub(super) fn subscribe(
        &self,
        clients: &Clients,
        topics: &[Topic],
        changes: &Arc<Changes>,
    ) -> Result<BaseConsumer<Grouped>, BrokerError> {
        let own = [
            ("group.id", self.group.as_str()),
            ("group.instance.id", self.instance.as_str()),
            ("client.id", self.own.as_str()),
            ("group.protocol", "classic"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", SESSION_MS),
            ("heartbeat.interval.ms", HEARTBEAT_MS),
        ];
        let grouped = Grouped::new(Arc::clone(changes));
        let consumer: BaseConsumer<Grouped> = clients.consumer(grouped, &own)?;
        let read: Vec<&str> = topics.iter().map(|topic| clients.topic(*topic)).collect();
        consumer
            .subscribe(&read)
            .map_err(|error| fault::unavailable("the group cannot be joined", error))?;
        Ok(consumer)
    }

    /// Leaves the group; a member with an instance would otherwise count as one until its session ends.
    pub(super) fn leave(&self, consumer: &BaseConsumer<Grouped>) {
        let until = Instant::now() + LEAVE_AT_MOST;
        if consumer.client().fatal_error().is_some() || !coordinator_answers(consumer) {
            return;
        }
        consumer.unsubscribe();
        while Instant::now() < until && self.is_listed(consumer) {
            let _record = consumer.poll(LOOK);
        }
    }

    fn is_listed(&self, consumer: &BaseConsumer<Grouped>) -> bool {
        let told = consumer.fetch_group_list(Some(&self.group), LEAVE_AT_MOST);
        told.is_ok_and(|list| {
            let mut members = list.groups().iter().flat_map(GroupInfo::members);
            members.any(|member| member.client_id() == self.own)
        })
    }
}

/// Whether the group's coordinator is known: leaving without one crashes librdkafka (`deps.md` §1).
fn coordinator_answers(consumer: &BaseConsumer<Grouped>) -> bool {
    let Ok(subscribed) = consumer.subscription() else {
        return false;
    };
    let mut asked = TopicPartitionList::new();
    for topic in subscribed.elements() {
        asked.add_partition(topic.topic(), 0);
    }
    consumer.committed_offsets(asked, LEAVE_AT_MOST).is_ok()
}
