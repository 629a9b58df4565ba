//! The door's producer: one for the process, idempotent, acknowledged by every in-sync replica.
//!
//! Our own and not the library's, because a post that waits for its acknowledgement is what the door is made of: the
//! library sends a request for each partition and serves each report through two more threads, half of what a post cost.
//! It is small, because one request at a time to each broker leaves nothing to be put in order.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use schemas::Position;
use tokio::sync::{
    Semaphore,
    mpsc::{self, error::TrySendError},
    oneshot,
};

use self::{
    courier::Courier,
    partition::Post,
    wire::{Host, Reach},
};
use super::{BrokerError, client::Clients, record, security::Security};
use crate::{Chance, Output};

mod batch;
mod cluster;
mod code;
mod courier;
mod lane;
mod partition;
mod partitioner;
mod produce;
mod route;
mod spoken;
mod wire;

/// Records that may wait for the broker: a few seconds of posts at full load.
const WAITING: usize = 100_000;
/// Bytes that may wait for the broker: bounds the door's memory while it is away.
const WAITING_BYTES: usize = 64 << 20;
/// Where a broker listens if nothing else is said.
const PORT: u16 = 9092;

/// Makes single records durable.
pub(super) struct Door {
    clients: Arc<Clients>,
    reach: Arc<Reach>,
    room: Arc<Semaphore>,
    /// Made by the first append: only the door's process has one. Made anew when its runtime has ended.
    posts: RwLock<Option<mpsc::Sender<Post>>>,
}

impl Door {
    /// An error is one of the properties.
    pub(super) fn new(clients: Arc<Clients>) -> Result<Self, BrokerError> {
        let settings = clients.settings();
        let reach = Reach {
            security: Security::of(&settings.properties)?,
            client_id: clients.scoped(&settings.instance).into(),
            chance: Chance::system(),
        };
        Ok(Self {
            reach: Arc::new(reach),
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            posts: RwLock::default(),
            clients,
        })
    }

    /// The contract of [`Broker::append`](crate::Broker::append).
    pub(super) async fn append(
        &self,
        output: Output,
        deadline: Duration,
    ) -> Result<Position, BrokerError> {
        record::weigh(std::slice::from_ref(&output))?;
        let topic = self.clients.topic(output.topic);
        let bytes = u32::try_from(batch::weight(&output)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        let (caller, delivered) = oneshot::channel();
        self.post(Post {
            output,
            millis: self.clients.now_millis(),
            caller,
            _room: room.map_err(|_| full())?,
        })?;
        match tokio::time::timeout(deadline, delivered).await {
            Ok(Ok(delivered)) => delivered.map(|(partition, offset)| Position {
                topic: topic.to_owned(),
                partition,
                offset,
            }),
            Ok(Err(_)) => Err(BrokerError::Unavailable(
                "the producer has ended, and nobody knows what became of the record".to_owned(),
            )),
            Err(_) => {
                let limit = deadline.as_millis();
                let why = format!("no acknowledgement within {limit} ms");
                Err(BrokerError::Unavailable(why))
            }
        }
    }

    fn post(&self, post: Post) -> Result<(), BrokerError> {
        let known = self.posts.read().unwrap_or_else(PoisonError::into_inner);
        let post = match send(known.as_ref(), post) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(_)) => return Err(full()),
            Err(TrySendError::Closed(post)) => post,
        };
        drop(known);
        let mut slot = self.posts.write().unwrap_or_else(PoisonError::into_inner);
        // Another may have been here in between.
        let post = match send(slot.as_ref(), post) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(_)) => return Err(full()),
            Err(TrySendError::Closed(post)) => post,
        };
        let posts = slot.insert(self.start());
        posts.try_send(post).map_err(|_| full())
    }

    fn start(&self) -> mpsc::Sender<Post> {
        let bootstrap = hosts(&self.clients.settings().bootstrap);
        let courier = Courier::new(
            Arc::clone(&self.clients),
            Arc::clone(&self.reach),
            bootstrap,
        );
        let (posts, taken) = mpsc::channel(WAITING);
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends when the door is dropped, and what it still had is answered by the channels that close"
        )]
        tokio::spawn(courier.run(taken));
        posts
    }
}

fn send(posts: Option<&mpsc::Sender<Post>>, post: Post) -> Result<(), TrySendError<Post>> {
    match posts {
        Some(posts) => posts.try_send(post),
        None => Err(TrySendError::Closed(post)),
    }
}

fn full() -> BrokerError {
    BrokerError::Unavailable("too much waits for the broker already".to_owned())
}

/// The brokers of a list like `a:9092,[::1]:9093`; as in the library, a protocol before a name says nothing.
fn hosts(bootstrap: &str) -> Vec<Host> {
    let listed = bootstrap.split(',').map(str::trim);
    let hosts = listed.filter(|one| !one.is_empty()).map(|one| {
        let bare = one.rsplit_once("://").map_or(one, |(_, bare)| bare);
        let split = bare.rsplit_once(':').filter(|(name, _)| {
            // Of a bare IPv6 address the last part is no port.
            name.ends_with(']') || !name.contains(':')
        });
        let (name, port) = match split.map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) => (name, port),
            Some((_, Err(_))) | None => (bare, PORT),
        };
        Host {
            name: name.trim_matches(['[', ']']).to_owned(),
            port,
        }
    });
    hosts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_found_in_the_list() {
        let found: Vec<_> = hosts("a:1, SSL://b.example:2,c,[::1]:3,::1,")
            .into_iter()
            .map(|host| (host.name, host.port))
            .collect();
        let expected = [
            ("a", 1),
            ("b.example", 2),
            ("c", 9092),
            ("::1", 3),
            ("::1", 9092),
        ];
        assert_eq!(found, expected.map(|(name, port)| (name.to_owned(), port)));
    }
}
