//! What the cluster is asked: who leads which partition, and by what name we write.

use std::{collections::BTreeMap, io, time::Duration};

use super::{
    batch::Identity,
    code::Code,
    spoken::{InitProducerId, metadata::Metadata},
    wire::{Connection, Host, Reach},
};

/// How long one broker may take to be reached and to answer: half of what a post waits, so that another can be asked.
const ANSWER_AT_MOST: Duration = Duration::from_secs(1);

/// What is to be asked.
pub(super) struct Question {
    /// Who may be asked, in this order.
    pub(super) hosts: Vec<Host>,
    /// Names of topics.
    pub(super) topics: Vec<String>,
    /// Whether a new identity is wanted.
    pub(super) identity: bool,
}

/// What the first broker that could be reached has said.
pub(super) struct Answer {
    /// Who has said it.
    pub(super) by: Host,
    pub(super) brokers: BTreeMap<i32, Host>,
    pub(super) topics: Vec<(String, Standing)>,
    pub(super) identity: Option<Identity>,
}

/// How a topic stands.
pub(super) enum Standing {
    /// The leaders of its partitions, by number; none where one is being elected.
    There(Vec<Option<i32>>),
    /// The broker knows no such topic, or none that we may see.
    Missing,
    /// It cannot be said now.
    Unknown,
}

/// Asks the brokers in turn until one answers; the last one's fault if none does.
pub(super) async fn ask(reach: &Reach, question: &Question) -> io::Result<Answer> {
    let mut last = io::Error::other("`broker.bootstrap` names no broker");
    for host in &question.hosts {
        let asked = tokio::time::timeout(ANSWER_AT_MOST, ask_one(reach, host, question));
        match asked.await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn ask_one(reach: &Reach, host: &Host, question: &Question) -> io::Result<Answer> {
    let mut connection = Connection::open(reach, host).await?;
    let known = connection.ask(&Metadata(&question.topics)).await?;
    let brokers = known.brokers.into_iter().filter_map(|broker| {
        let host = Host {
            name: broker.host,
            port: u16::try_from(broker.port).ok()?,
        };
        Some((broker.id, host))
    });
    let brokers: BTreeMap<_, _> = brokers.collect();
    let topics = known.topics.into_iter().map(|topic| {
        let standing = match Code::check(topic.code) {
            Ok(()) => leaders(&topic.partitions, |id| brokers.contains_key(&id))
                .map_or(Standing::Unknown, Standing::There),
            Err(Code::MISSING | Code::NO_NAME_OF_A_TOPIC) => Standing::Missing,
            Err(_) => Standing::Unknown,
        };
        (topic.name, standing)
    });
    let mut answer = Answer {
        by: host.clone(),
        topics: topics.collect(),
        brokers,
        identity: None,
    };
    if question.identity {
        let given = connection.ask(&InitProducerId).await?;
        Code::check(given.code).map_err(io::Error::other)?;
        answer.identity = Some(Identity {
            producer_id: given.producer_id,
            epoch: given.epoch,
        });
    }
    Ok(answer)
}

/// Only whole lists: with a partition missing, keys would go where they do not belong. A leader that cannot be reached,
/// because nobody says where it is, is none.
fn leaders(told: &[(i32, i32)], is_there: impl Fn(i32) -> bool) -> Option<Vec<Option<i32>>> {
    let mut leaders = vec![None; told.len()];
    for (index, leader) in told {
        let place = usize::try_from(*index).ok()?;
        *leaders.get_mut(place)? = Some(*leader).filter(|id| is_there(*id));
    }
    (!leaders.is_empty()).then_some(leaders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_are_those_that_can_be_reached_and_lists_are_whole() {
        let found = |told: &[(i32, i32)]| leaders(told, |id| id == 7);
        assert_eq!(
            found(&[(1, 7), (0, -1), (2, 8)]),
            Some(vec![None, Some(7), None])
        );
        for partial in [&[][..], &[(1, 7)], &[(0, 7), (2, 7)], &[(-1, 7)]] {
            assert_eq!(found(partial), None, "{partial:?}");
        }
    }
}
