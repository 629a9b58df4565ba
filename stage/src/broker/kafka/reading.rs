//! Reading partitions without a group: the offsets are the caller's.

use std::sync::{
    Arc,
    mpsc::{Receiver, Sender, channel},
};

use async_trait::async_trait;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use tokio::sync::oneshot;

use super::{
    BrokerError, Reader,
    client::{Clients, Telling},
    fault,
    held::Held,
    record,
};
use crate::{BatchLimit, Record};

type Batch = Result<Vec<Record>, BrokerError>;
type Order = (BatchLimit, oneshot::Sender<Batch>);

/// The caller's side; a thread reads.
pub(super) struct Reading {
    orders: Sender<Order>,
    /// The batch that was asked for by a call that was dropped.
    asked: Option<oneshot::Receiver<Batch>>,
}

impl Reading {
    pub(super) fn open(
        clients: Arc<Clients>,
        starts: &TopicPartitionList,
    ) -> Result<Self, BrokerError> {
        // The client wants a group; this one never has a member or an offset.
        let group = clients.scoped("reader");
        let consumer: BaseConsumer<Telling> =
            clients.consumer(Telling, &[("group.id", group.as_str())])?;
        consumer
            .assign(starts)
            .map_err(|error| fault::unavailable("partitions cannot be read", error))?;
        let (orders, received) = channel();
        std::thread::Builder::new()
            .name("kafka-reader".to_owned())
            .spawn(move || follow(&clients, &consumer, &received))
            .map_err(|error| fault::unavailable("no thread for a reader", error))?;
        Ok(Self {
            orders,
            asked: None,
        })
    }
}

#[async_trait]
impl Reader for Reading {
    async fn next(&mut self, limit: &BatchLimit) -> Batch {
        let asked = match &mut self.asked {
            Some(asked) => asked,
            none => {
                let (reply, answer) = oneshot::channel();
                self.orders.send((*limit, reply)).map_err(ended)?;
                none.insert(answer)
            }
        };
        let batch = asked.await;
        self.asked = None;
        batch.map_err(ended)?
    }
}

fn ended<E>(_: E) -> BrokerError {
    BrokerError::Unavailable("the reader has ended".to_owned())
}

/// Reads what is asked for until the caller is gone.
fn follow(clients: &Clients, consumer: &BaseConsumer<Telling>, orders: &Receiver<Order>) {
    let mut held = Held::default();
    while let Ok((limit, reply)) = orders.recv() {
        let batch = loop {
            if held.is_due(&limit) {
                break Ok(held.take(&limit));
            }
            if reply.is_closed() {
                return;
            }
            match consumer.poll(held.look(&limit)) {
                None => {}
                Some(Ok(message)) => held.extend(record::received(clients, &message)),
                Some(Err(error)) if fault::passes(fault::code(&error)) => {}
                Some(Err(error)) => {
                    break Err(fault::unavailable("reading", fault::text(&error)));
                }
            }
        };
        let _caller_left = reply.send(batch);
    }
}
