//! The door's producer: one for the process, idempotent, acknowledged by every in-sync replica.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseProducer, Producer as _, ProducerContext},
    types::RDKafkaErrorCode,
};
use schemas::Position;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    BrokerError,
    bell::Bell,
    client::{self, Clients},
    fault, record,
};
use crate::Output;

/// How long the client goes on trying. Above what a post waits (2 s unless set otherwise); not far above,
/// because what nobody waits for any more only delays what comes after it.
const TRYING_MS: &str = "3000";
/// Bytes that may wait for the broker, in KiB: bounds the door's memory while it is away.
const WAITING_KBYTES: &str = "65536";

type Delivered = Result<(i32, i64), RDKafkaErrorCode>;
type Producer = BaseProducer<Reporting>;

/// Tells each caller how its record fared.
struct Reporting;

impl ClientContext for Reporting {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        client::tell_log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::tell_error(&error, reason);
    }
}

impl ProducerContext for Reporting {
    type DeliveryOpaque = Box<oneshot::Sender<Delivered>>;

    fn delivery(&self, result: &DeliveryResult<'_>, caller: Self::DeliveryOpaque) {
        let delivered = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(fault::code(error)),
        };
        let _caller_left = caller.send(delivered);
    }
}

/// Makes single records durable.
pub(super) struct Door {
    clients: Arc<Clients>,
    /// Made by the first append: only the door's process has one. Replaced when it has failed for good.
    producer: RwLock<Option<Arc<Running>>>,
}

/// A producer, and the task that serves its reports.
struct Running {
    producer: Arc<Producer>,
    serving: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The client is going too: what it still had is reported as failed by the channels that close.
        self.serving.abort();
    }
}

impl Door {
    pub(super) fn new(clients: Arc<Clients>) -> Self {
        Self {
            clients,
            producer: RwLock::default(),
        }
    }

    /// The contract of [`Broker::append`](crate::Broker::append).
    pub(super) async fn append(
        &self,
        output: Output,
        deadline: Duration,
    ) -> Result<Position, BrokerError> {
        record::weigh(std::slice::from_ref(&output))?;
        let topic = self.clients.topic(output.topic);
        let bytes = output.bytes();
        let running = self.running()?;
        let (caller, report) = oneshot::channel();
        let outgoing = record::sent(&self.clients, &output, Box::new(caller));
        let failed = match running.producer.send(outgoing) {
            Err((error, _)) => fault::code(&error),
            Ok(()) => match tokio::time::timeout(deadline, report).await {
                Ok(Ok(Ok((partition, offset)))) => {
                    return Ok(Position {
                        topic: topic.to_owned(),
                        partition,
                        offset,
                    });
                }
                Ok(Ok(Err(code))) => code,
                Ok(Err(_)) => RDKafkaErrorCode::BrokerDestroy,
                Err(_) => {
                    let limit = deadline.as_millis();
                    let why = format!("no acknowledgement within {limit} ms");
                    return Err(BrokerError::Unavailable(why));
                }
            },
        };
        self.replace_if_dead(&running);
        Err(fault::of_record(failed, topic, bytes))
    }

    fn running(&self) -> Result<Arc<Running>, BrokerError> {
        let known = self.producer.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = known.as_ref().filter(|one| one.is_heard()) {
            return Ok(Arc::clone(running));
        }
        drop(known);
        let mut slot = self.slot();
        if let Some(running) = slot.as_ref().filter(|one| one.is_heard()) {
            return Ok(Arc::clone(running));
        }
        let own = [
            ("message.timeout.ms", TRYING_MS),
            ("queue.buffering.max.kbytes", WAITING_KBYTES),
        ];
        let producer = Arc::new(self.clients.producer(&client::POSTING, Reporting, &own)?);
        let bell = Bell::of(Arc::clone(&producer))
            .map_err(|error| BrokerError::Unavailable(format!("no pipe can be had: {error}")))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "it belongs to `Running`, which ends it, and waits for nobody"
        )]
        let serving = tokio::spawn(async move {
            let error = bell.serve().await;
            tracing::error!("reports of delivery are no longer heard: {error}");
        });
        let running = Arc::new(Running { producer, serving });
        *slot = Some(Arc::clone(&running));
        Ok(running)
    }

    /// An idempotent producer whose sequence is broken never works again; the next append makes a new one.
    fn replace_if_dead(&self, one: &Arc<Running>) {
        let Some((code, _)) = one.producer.client().fatal_error() else {
            return;
        };
        let mut slot = self.slot();
        if slot.as_ref().is_some_and(|held| Arc::ptr_eq(held, one)) {
            tracing::error!(error = %code, "the door's producer has failed for good and is made anew");
            *slot = None;
        }
    }

    fn slot(&self) -> std::sync::RwLockWriteGuard<'_, Option<Arc<Running>>> {
        self.producer
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Whether reports are still served: not once the runtime of the first append has ended.
    fn is_heard(&self) -> bool {
        !self.serving.is_finished()
    }
}
