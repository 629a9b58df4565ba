//! How records lie in the file: one table whose key is partition and offset in one number.

use schemas::Topic;

use crate::record::Headers;

/// Offsets take the low 40 bits of a row's key: a trillion records in one partition.
const OFFSET_BITS: u32 = 40;
/// Partitions of one topic; the number only spaces the ids.
const MAX_PARTITIONS: i64 = 1_024;

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS partitions (
  partition_id INTEGER PRIMARY KEY, first_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
  place INTEGER PRIMARY KEY, at INTEGER NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL, value BLOB) STRICT;
CREATE TABLE IF NOT EXISTS offsets (
  name TEXT NOT NULL, partition_id INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (name, partition_id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS publishers (
  name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS schemas (
  id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (subject, text)) STRICT;
";

/// A partition of a topic, as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(i64);

impl PartitionId {
    /// The partition of a topic.
    pub fn new(topic: Topic, partition: i32) -> Self {
        let index = Topic::ALL
            .iter()
            .position(|one| *one == topic)
            .unwrap_or_default();
        // At most seven topics, so the index fits.
        Self(i64::try_from(index).unwrap_or_default() * MAX_PARTITIONS + i64::from(partition))
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }

    pub(super) fn of_number(number: i64) -> Self {
        Self(number)
    }

    /// The partition's number within its topic.
    pub fn partition(self) -> i32 {
        i32::try_from(self.0 % MAX_PARTITIONS).unwrap_or_default()
    }

    /// The topic.
    pub fn topic(self) -> Topic {
        let index = usize::try_from(self.0 / MAX_PARTITIONS).unwrap_or_default();
        Topic::ALL.get(index).copied().unwrap_or(Topic::Raw)
    }

    /// The row key of an offset.
    pub(super) fn place(self, offset: i64) -> i64 {
        (self.0 << OFFSET_BITS) | offset
    }

    /// The offset in a row key of this partition.
    pub(super) fn offset(self, place: i64) -> i64 {
        place - (self.0 << OFFSET_BITS)
    }
}

/// The partition of a key: FNV-1a, which is stable over releases and platforms.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // FNV's low bits are weak for short keys; folding mixes the high ones in.
    let folded = hash ^ (hash >> 32);
    i32::try_from(folded % u64::try_from(partitions.max(1)).unwrap_or(1)).unwrap_or_default()
}

/// Headers as bytes: for each, two big-endian lengths (u16 name, u32 value), then name and value.
pub(super) fn pack(headers: &Headers) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    for (name, value) in headers {
        // Names are ours and short; a value is bounded by the record's size limit.
        bytes.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// The reverse of [`pack`]; stops at the first part that is cut off.
pub(super) fn unpack(mut bytes: &[u8]) -> Headers {
    let mut headers = Vec::new();
    while let Some((lengths, rest)) = bytes.split_at_checked(6) {
        let name = usize::from(u16::from_be_bytes([lengths[0], lengths[1]]));
        let value = u32::from_be_bytes([lengths[2], lengths[3], lengths[4], lengths[5]]) as usize;
        let Some((name, rest)) = rest.split_at_checked(name) else {
            break;
        };
        let Some((value, rest)) = rest.split_at_checked(value) else {
            break;
        };
        headers.push((
            String::from_utf8_lossy(name).into_owned().into(),
            value.to_vec(),
        ));
        bytes = rest;
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_and_offset_survive_the_row_key() {
        for topic in Topic::ALL {
            let id = PartitionId::new(topic, 11);
            assert_eq!(
                (id.topic(), id.partition(), id.offset(id.place(123_456))),
                (topic, 11, 123_456)
            );
        }
    }

    #[test]
    fn headers_survive_their_bytes() {
        let headers = vec![("a".into(), vec![0, 255]), ("empty".into(), Vec::new())];
        assert_eq!(unpack(&pack(&headers)), headers);
    }

    #[test]
    fn keys_spread_over_the_partitions() {
        let mut counts = [0; 12];
        for number in 0..12_000 {
            counts[usize::try_from(partition_of(format!("CONTACT-{number:06}").as_bytes(), 12))
                .unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (700..1_300).contains(count)),
            "{counts:?}"
        );
    }
}
