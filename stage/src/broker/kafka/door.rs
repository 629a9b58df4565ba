//! The door's producer: one record, one answer.

use std::time::Duration;

use rdkafka::{
    ClientContext, Message as _,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};
use schemas::Position;
use tokio::sync::oneshot;

use super::{BrokerError, KafkaSettings, client, failure, record};
use crate::Output;

type Delivered = Result<(i32, i64), KafkaError>;

/// Answers whoever waits for a record.
struct Answering;

impl ClientContext for Answering {}

impl ProducerContext for Answering {
    type DeliveryOpaque = Box<oneshot::Sender<Delivered>>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Self::DeliveryOpaque) {
        let delivered = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        // Whoever waited may have met its deadline; the record is kept all the same.
        let _answered_already = waiting.send(delivered);
    }
}

/// The idempotent producer of the process.
pub(super) struct Door {
    producer: ThreadedProducer<Answering>,
    prefix: String,
}

impl Door {
    pub(super) fn open(settings: &KafkaSettings) -> Result<Self, BrokerError> {
        let producer = client::door(settings)
            .create_with_context(Answering)
            .map_err(|error| failure::of_settings(&error))?;
        Ok(Self {
            producer,
            prefix: settings.prefix.clone(),
        })
    }

    pub(super) async fn append(
        &self,
        output: Output,
        deadline: Duration,
    ) -> Result<Position, BrokerError> {
        let bytes = output.bytes();
        if bytes > client::MAX_RECORD_BYTES {
            return Err(BrokerError::TooLarge(bytes));
        }
        let topic = output.topic.name(&self.prefix);
        let (answer, waiting) = oneshot::channel();
        let record = BaseRecord::with_opaque_to(&topic, Box::new(answer))
            .key(&output.key)
            .payload(&output.value)
            .headers(record::headers(&output));
        let named = |error: &KafkaError| match failure::of(error) {
            BrokerError::Topic(_) => BrokerError::Topic(topic.clone()),
            BrokerError::TooLarge(_) => BrokerError::TooLarge(bytes),
            other @ (BrokerError::Unavailable(_)
            | BrokerError::Revoked
            | BrokerError::Fenced
            | BrokerError::Settings(_)) => other,
        };
        self.producer
            .send(record)
            .map_err(|(error, _)| named(&error))?;
        match tokio::time::timeout(deadline, waiting).await {
            Ok(Ok(Ok((partition, offset)))) => Ok(Position {
                topic,
                partition,
                offset,
            }),
            Ok(Ok(Err(error))) => Err(named(&error)),
            Ok(Err(_)) => Err(BrokerError::Unavailable(
                "the client has stopped".to_owned(),
            )),
            Err(_) => Err(BrokerError::Unavailable(format!(
                "no acknowledgement within {} ms",
                deadline.as_millis()
            ))),
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // What has been accepted and not yet answered is still sent; its poster has been told 503 or waits.
        let _unsent = self.producer.flush(Duration::from_secs(1));
    }
}
