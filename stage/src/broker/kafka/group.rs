//! Membership in a consumer group: the caller's side of a member, which has a thread of its own.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use async_trait::async_trait;
use schemas::Topic;
use tokio::sync::oneshot;

use super::{BrokerError, Subscription, client::Clients, held::LOOK, member::Member};
use crate::{BatchLimit, Output, Record};

/// How long the caller may be silent, because it works on a batch, before the member sees to the group
/// by itself. Below the session time-out; above what a batch takes, because going silent drops what was
/// read ahead.
const PATIENCE: Duration = Duration::from_secs(1);

type Answer<T> = oneshot::Sender<Result<T, BrokerError>>;

/// What the caller asks of its member. Calls are exclusive and awaited, so few are ever under way.
enum Command {
    Next(BatchLimit, Answer<Vec<Record>>),
    Commit(Vec<Output>, Answer<()>),
    Close(oneshot::Sender<()>),
}

/// The caller's side. Dropping it ends the member as a crash would: others take over when its session ends.
pub(super) struct Membership {
    commands: Sender<Command>,
    /// The batch that was asked for by a call that was dropped.
    asked: Option<oneshot::Receiver<Result<Vec<Record>, BrokerError>>>,
}

impl Membership {
    /// Joins, and fences an earlier member of the same instance.
    pub(super) async fn join(
        clients: Arc<Clients>,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, BrokerError> {
        let (commands, orders) = channel();
        let (opened, opening) = oneshot::channel();
        let (group, topics) = (group.to_owned(), topics.to_vec());
        std::thread::Builder::new()
            .name(format!("kafka-{group}"))
            .spawn(move || match Member::join(clients, &group, &topics) {
                Ok(member) => {
                    let _caller_left = opened.send(Ok(()));
                    follow(member, &orders);
                }
                Err(error) => {
                    let _caller_left = opened.send(Err(error));
                }
            })
            .map_err(|error| super::fault::unavailable("no thread for a member", error))?;
        opening.await.map_err(ended)??;
        Ok(Self {
            commands,
            asked: None,
        })
    }
}

#[async_trait]
impl Subscription for Membership {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        let asked = match &mut self.asked {
            Some(asked) => asked,
            none => {
                let (reply, answer) = oneshot::channel();
                self.commands
                    .send(Command::Next(*limit, reply))
                    .map_err(ended)?;
                none.insert(answer)
            }
        };
        let batch = asked.await;
        self.asked = None;
        batch.map_err(ended)?
    }

    async fn commit(&mut self, outputs: Vec<Output>) -> Result<(), BrokerError> {
        self.asked = None;
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(Command::Commit(outputs, reply))
            .map_err(ended)?;
        answer.await.map_err(ended)?
    }

    async fn close(mut self: Box<Self>) {
        self.asked = None;
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).is_ok() {
            // The member answers within its own limits; an error means that it has ended already.
            let _ended = answer.await;
        }
    }
}

fn ended<E>(_: E) -> BrokerError {
    BrokerError::Unavailable("the member of the group has ended".to_owned())
}

/// Does what the caller asks, and keeps the member in its group while nothing is asked.
fn follow(mut member: Member, orders: &Receiver<Command>) {
    let mut patience = PATIENCE;
    loop {
        match orders.recv_timeout(patience) {
            Ok(Command::Next(limit, reply)) => {
                let batch = member.next(&limit, || reply.is_closed());
                // To a caller that has left the batch is out all the same, and will be given out again.
                let _caller_left = reply.send(batch);
                patience = PATIENCE;
            }
            Ok(Command::Commit(outputs, reply)) => {
                let _caller_left = reply.send(member.commit(&outputs));
                patience = PATIENCE;
            }
            Ok(Command::Close(reply)) => {
                member.leave();
                let _caller_left = reply.send(());
                // Dropping the consumer is the last thing: librdkafka may crash there while it does not
                // know the group's coordinator (`deps.md` §1), and then there is nothing left to lose.
                return;
            }
            Err(RecvTimeoutError::Timeout) => {
                member.stay();
                patience = LOOK;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
