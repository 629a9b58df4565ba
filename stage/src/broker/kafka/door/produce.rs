//! The request that carries batches to a broker (Kafka's protocol guide, "Produce API", version 7).
//!
//! Written in place: a record is copied once, from where the post left it to the request.

use std::collections::BTreeMap;

use bytes::{BufMut as _, BytesMut};
use schemas::Topic;

use super::{
    code::Code,
    partition::Sealed,
    spoken::{Call, Heard, Malformed, Unread, put_text},
    wire,
};

/// How long the leader waits for its followers; below what we wait for the answer.
const REPLICATED_AT_MOST_MS: i32 = 2_500;
/// Every replica that is in sync.
const ALL: i16 = -1;
/// The length of something that is not there.
const NONE: i16 = -1;

/// A request to which batches are added, topic by topic.
pub(super) struct Produce {
    frame: BytesMut,
    topics: Count,
    /// The topic that was begun last, and its partitions.
    begun: Option<(Topic, Count)>,
}

/// A number that is known when all is written, and where it stands.
struct Count {
    at: usize,
    number: i32,
}

impl Count {
    fn begin(frame: &mut BytesMut) -> Self {
        let at = frame.len();
        frame.put_i32(0);
        Self { at, number: 0 }
    }

    fn write(&self, frame: &mut BytesMut) {
        frame[self.at..self.at + 4].copy_from_slice(&self.number.to_be_bytes());
    }
}

impl Produce {
    /// An empty one in this space, whose content goes.
    pub(super) fn begin(mut space: BytesMut, client_id: &str) -> Self {
        wire::begin::<Self>(&mut space, client_id);
        space.put_i16(NONE); // no transaction
        space.put_i16(ALL);
        space.put_i32(REPLICATED_AT_MOST_MS);
        Self {
            topics: Count::begin(&mut space),
            begun: None,
            frame: space,
        }
    }

    /// Adds a batch of a topic, whose name at the broker is `name`; those of one topic must come one after the other.
    pub(super) fn add(&mut self, topic: Topic, name: &str, index: i32, sealed: &Sealed) {
        let known = self.begun.take().filter(|(begun, _)| *begun == topic);
        let mut partitions = if let Some((_, partitions)) = known {
            partitions
        } else {
            self.topics.number += 1;
            put_text(&mut self.frame, name);
            Count::begin(&mut self.frame)
        };
        partitions.number += 1;
        partitions.write(&mut self.frame);
        self.begun = Some((topic, partitions));
        self.frame.put_i32(index);
        let mut length = Count::begin(&mut self.frame);
        let start = self.frame.len();
        sealed.encode(&mut self.frame);
        length.number = i32::try_from(self.frame.len() - start).unwrap_or(i32::MAX);
        length.write(&mut self.frame);
    }

    /// The request as it is sent.
    pub(super) fn end(mut self) -> BytesMut {
        self.topics.write(&mut self.frame);
        self.frame
    }
}

impl Call for Produce {
    const NAME: &'static str = "Produce";
    const KEY: i16 = 0;
    const VERSION: i16 = 7;
    type Answer = Said;
}

/// What a broker says of each batch: its first offset or an error, by topic and partition.
#[derive(Debug, Default)]
pub(super) struct Said(BTreeMap<String, BTreeMap<i32, Result<i64, Code>>>);

impl Said {
    /// Of the partition with this number; none if the broker has said nothing of it.
    pub(super) fn of(&self, topic: &str, index: i32) -> Option<Result<i64, Code>> {
        self.0.get(topic)?.get(&index).copied()
    }
}

impl Heard for Said {
    fn read(answer: &mut Unread) -> Result<Self, Malformed> {
        let topics = answer.all(|topic| {
            let name = topic.text()?;
            let partitions = topic.all(|one| {
                let (index, code, offset) = (one.i32()?, one.i16()?, one.i64()?);
                one.skip(16)?; // the broker's time, and the first offset that it keeps
                Ok((index, Code::check(code).map(|()| offset)))
            })?;
            Ok((name, partitions.into_iter().collect()))
        })?;
        Ok(Self(topics.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kafka_protocol::{
        messages::ProduceRequest,
        protocol::{Decodable as _, decode_request_header_from_buffer},
        records::RecordBatchDecoder,
    };
    use tokio::{
        sync::{Semaphore, oneshot},
        time::Instant,
    };

    use super::{
        super::{
            batch::Identity,
            partition::{Partition, Post},
        },
        *,
    };
    use crate::Output;

    fn partition(index: i32, value: &str) -> Partition {
        let mut partition = Partition::new(index);
        let (caller, waiting) = oneshot::channel();
        // Whoever left would not be sent.
        std::mem::forget(waiting);
        partition.push(Post {
            output: Output {
                topic: Topic::Raw,
                key: b"k".to_vec(),
                headers: Vec::new(),
                value: value.as_bytes().to_vec(),
            },
            millis: 0,
            caller,
            _room: Arc::new(Semaphore::new(1))
                .try_acquire_many_owned(1)
                .unwrap(),
        });
        partition
    }

    /// By the decoder of another implementation.
    #[test]
    fn a_request_is_read_as_it_was_written() {
        let identity = Some(Identity {
            producer_id: 1,
            epoch: 0,
        });
        let old = BytesMut::from(&b"what was here before"[..]);
        let mut produce = Produce::begin(old, "idtrail.a");
        let now = Instant::now();
        let batches = [
            (Topic::Raw, "p.raw", 0, "a"),
            (Topic::Raw, "p.raw", 7, "b"),
            (Topic::Operated, "p.operated", 2, "c"),
        ];
        for (topic, name, index, value) in batches {
            let mut partition = partition(index, value);
            produce.add(
                topic,
                name,
                index,
                partition.take(0, identity, now).unwrap(),
            );
        }
        let mut frame = produce.end().freeze().split_off(4);
        let header = decode_request_header_from_buffer(&mut frame).unwrap();
        assert_eq!(header.client_id.as_deref(), Some("idtrail.a"));
        let request = ProduceRequest::decode(&mut frame, header.request_api_version).unwrap();
        assert!(frame.is_empty());
        assert_eq!((request.acks, request.timeout_ms), (-1, 2_500));
        assert_eq!(request.transactional_id, None);
        let mut read = Vec::new();
        for topic in &request.topic_data {
            for one in &topic.partition_data {
                let mut batch = one.records.clone().unwrap();
                let records = RecordBatchDecoder::decode(&mut batch).unwrap().records;
                let value = String::from_utf8(records[0].value.clone().unwrap().into()).unwrap();
                read.push((topic.name.to_string(), one.index, value));
            }
        }
        let expected = [("p.raw", 0, "a"), ("p.raw", 7, "b"), ("p.operated", 2, "c")];
        let expected =
            expected.map(|(name, index, value)| (name.to_owned(), index, value.to_owned()));
        assert_eq!(read, expected);
    }
}
