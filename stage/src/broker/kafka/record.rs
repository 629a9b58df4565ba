//! Records from and to the form in which Kafka's client has them.

use rdkafka::{
    Message as _,
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
    producer::BaseRecord,
    util::IntoOpaque,
};
use schemas::{Position, Timestamp};

use super::{
    BrokerError,
    client::{Clients, MAX_RECORD_BYTES},
};
use crate::{Output, Record};

/// What was read; nothing if the topic is none of ours.
pub(super) fn received(clients: &Clients, message: &BorrowedMessage<'_>) -> Option<Record> {
    let topic = clients.topic_of(message.topic())?;
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        let owned = |header: Header<'_, &[u8]>| {
            let value = header.value.unwrap_or_default();
            (header.key.to_owned().into(), value.to_vec())
        };
        headers.iter().map(owned).collect()
    });
    let millis = message.timestamp().to_millis().unwrap_or_default();
    Some(Record {
        topic,
        position: Position {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
        },
        timestamp: Timestamp::from_micros(millis.saturating_mul(1_000)),
        key: message.key().map(<[u8]>::to_vec),
        headers,
        value: message.payload().map(<[u8]>::to_vec),
    })
}

/// What is to be written; `opaque` comes back with the report of its delivery.
pub(super) fn sent<'a, D: IntoOpaque>(
    clients: &'a Clients,
    output: &'a Output,
    opaque: D,
) -> BaseRecord<'a, [u8], [u8], D> {
    let mut headers = OwnedHeaders::new_with_capacity(output.headers.len());
    for (name, value) in &output.headers {
        headers = headers.insert(Header {
            key: name,
            value: Some(value),
        });
    }
    BaseRecord::with_opaque_to(clients.topic(output.topic), opaque)
        .key(output.key.as_slice())
        .payload(output.value.as_slice())
        .timestamp(clients.now_millis())
        .headers(headers)
}

/// Refuses what the embedded broker would refuse too, before it is sent: at the broker, a record that is
/// too large takes those down that travel with it.
pub(super) fn weigh(outputs: &[Output]) -> Result<(), BrokerError> {
    let mut weights = outputs.iter().map(Output::bytes);
    match weights.find(|bytes| *bytes > MAX_RECORD_BYTES) {
        Some(large) => Err(BrokerError::TooLarge(large)),
        None => Ok(()),
    }
}
