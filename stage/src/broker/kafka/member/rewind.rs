//! A batch that was not committed is read again, by whoever holds its partitions then.

use std::time::Duration;

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _};

use super::thread::Driver;
use crate::{BrokerError, broker::kafka::failure};

/// How long seeking back may take.
const SEEK: Duration = Duration::from_secs(5);

impl Driver {
    /// Seeks back to where the batch that is out began, as far as its partitions are still here.
    pub(super) fn rewind(&mut self) -> Result<(), BrokerError> {
        let assignment = self
            .consumer
            .assignment()
            .map_err(|error| failure::of(&error))?;
        let mut list = TopicPartitionList::new();
        for ((topic, partition), (first, _)) in &self.out {
            if assignment.find_partition(topic, *partition).is_some() {
                list.add_partition_offset(topic, *partition, Offset::Offset(*first))
                    .map_err(|error| failure::of(&error))?;
            }
        }
        if list.count() > 0 {
            self.consumer
                .seek_partitions(list, SEEK)
                .map_err(|error| failure::of(&error))?;
        }
        let out = std::mem::take(&mut self.out);
        // What was read behind the batch will be read again behind it.
        self.kept.retain(|record| {
            !out.contains_key(&(record.position.topic.clone(), record.position.partition))
        });
        self.void = false;
        Ok(())
    }
}
