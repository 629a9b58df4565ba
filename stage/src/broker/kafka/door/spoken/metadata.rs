//! Which brokers there are, and who leads the partitions of a topic.

use bytes::{BufMut as _, BytesMut};

use super::{Call, Heard, Malformed, Spoken, Unread, put_count, put_text};

/// Of these topics.
pub(in super::super) struct Metadata<'a>(pub(in super::super) &'a [String]);

/// What the broker knows.
pub(in super::super) struct Cluster {
    pub(in super::super) brokers: Vec<Broker>,
    pub(in super::super) topics: Vec<Topic>,
}

/// Where a broker listens.
pub(in super::super) struct Broker {
    pub(in super::super) id: i32,
    pub(in super::super) host: String,
    pub(in super::super) port: i32,
}

/// A topic and its partitions.
pub(in super::super) struct Topic {
    pub(in super::super) code: i16,
    pub(in super::super) name: String,
    /// Number and leader, which is -1 while one is elected.
    pub(in super::super) partitions: Vec<(i32, i32)>,
}

impl Call for Metadata<'_> {
    const NAME: &'static str = "Metadata";
    const KEY: i16 = 3;
    const VERSION: i16 = 7;
    type Answer = Cluster;
}

impl Spoken for Metadata<'_> {
    fn write(&self, space: &mut BytesMut) {
        put_count(space, self.0.len());
        for name in self.0 {
            put_text(space, name);
        }
        space.put_u8(0); // a topic that is missing is not to be made
    }
}

impl Heard for Cluster {
    fn read(answer: &mut Unread) -> Result<Self, Malformed> {
        answer.skip(4)?; // how long the broker holds us back
        let brokers = answer.all(broker)?;
        answer.text()?; // the cluster's id
        answer.skip(4)?; // its controller
        let topics = answer.all(topic)?;
        Ok(Self { brokers, topics })
    }
}

fn broker(answer: &mut Unread) -> Result<Broker, Malformed> {
    let broker = Broker {
        id: answer.i32()?,
        host: answer.text()?,
        port: answer.i32()?,
    };
    answer.text()?; // its rack
    Ok(broker)
}

fn topic(answer: &mut Unread) -> Result<Topic, Malformed> {
    let (code, name) = (answer.i16()?, answer.text()?);
    answer.skip(1)?; // whether it is one of Kafka's own
    let partitions = answer.all(partition)?;
    Ok(Topic {
        code,
        name,
        partitions,
    })
}

fn partition(answer: &mut Unread) -> Result<(i32, i32), Malformed> {
    answer.skip(2)?; // why it has no leader
    let (index, leader) = (answer.i32()?, answer.i32()?);
    answer.skip(4)?; // the leader's epoch
    for _replicas_in_sync_and_offline in 0..3 {
        answer.all(Unread::i32)?;
    }
    Ok((index, leader))
}
