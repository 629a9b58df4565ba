//! Between our records and the client library's messages.

use rdkafka::{
    Message as _,
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
};
use schemas::{Position, Timestamp, Topic};

use crate::{Output, Record};

/// The headers of an output.
pub(super) fn headers(output: &Output) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new_with_capacity(output.headers.len());
    for (key, value) in &output.headers {
        headers = headers.insert(Header {
            key,
            value: Some(value),
        });
    }
    headers
}

/// A message as a record; none if its topic is not ours.
pub(super) fn of_message(message: &BorrowedMessage<'_>, prefix: &str) -> Option<Record> {
    let name = message.topic();
    let topic = Topic::from_word(name.strip_prefix(prefix)?.strip_prefix('.')?)?;
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| {
                (
                    header.key.to_owned(),
                    header.value.unwrap_or_default().to_vec(),
                )
            })
            .collect()
    });
    Some(Record {
        topic,
        position: Position {
            topic: name.to_owned(),
            partition: message.partition(),
            offset: message.offset(),
        },
        timestamp: Timestamp::from_micros(
            message
                .timestamp()
                .to_millis()
                .unwrap_or(0)
                .saturating_mul(1_000),
        ),
        key: message.key().map(<[u8]>::to_vec),
        headers,
        value: message.payload().map(<[u8]>::to_vec),
    })
}
