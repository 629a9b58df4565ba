//! Records as Kafka keeps them: the record batch, format 2 (Kafka's protocol guide, "Record Batch").

use bytes::{BufMut as _, BytesMut};

use crate::Output;

/// Everything of a batch before its records.
const HEAD: usize = 61;
/// Where the checksum stands, and what it covers begins.
const CRC_AT: usize = 17;
const COVERED_FROM: usize = 21;
const LENGTH_AT: usize = 8;
/// What `length` does not count: the base offset and itself.
const BEFORE_LENGTH_COUNTS: usize = 12;
/// What a varint of 64 bits takes at most.
const VARINT: usize = 10;

/// By what name the broker tells a repeat from a new batch (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) producer_id: i64,
    pub(super) epoch: i16,
}

/// At most what this record takes in a batch.
pub(super) fn weight(output: &Output) -> usize {
    // Length, attributes, both deltas, and the lengths of key, value and the count of headers.
    let fixed = 7 * VARINT;
    output.bytes() + fixed + output.headers.len() * 2 * VARINT
}

/// Writes the batch of these records with their times in milliseconds; `sequence` is the number of the first.
pub(super) fn encode<'a>(
    batch: &mut BytesMut,
    records: impl ExactSizeIterator<Item = (&'a Output, i64)> + Clone,
    identity: Identity,
    sequence: i32,
) {
    let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
    let room: usize = records.clone().map(|(output, _)| weight(output)).sum();
    let times = records.clone().map(|(_, millis)| millis);
    let (base, latest) = times.fold((i64::MAX, i64::MIN), |(low, high), one| {
        (low.min(one), high.max(one))
    });
    batch.reserve(HEAD + room);
    let begun = batch.len();
    batch.put_i64(0); // base offset: the broker sets it
    batch.put_i32(0); // length: below
    batch.put_i32(-1); // partition leader epoch: the broker sets it
    batch.put_i8(2);
    batch.put_u32(0); // checksum: below
    batch.put_i16(0); // attributes: not compressed, times of ours, no transaction
    batch.put_i32(count - 1);
    batch.put_i64(base);
    batch.put_i64(latest);
    batch.put_i64(identity.producer_id);
    batch.put_i16(identity.epoch);
    batch.put_i32(sequence);
    batch.put_i32(count);
    for (delta, (output, millis)) in (0_i64..).zip(records) {
        put_record(batch, output, millis - base, delta);
    }
    let written = &mut batch[begun..];
    let length = i32::try_from(written.len() - BEFORE_LENGTH_COUNTS).unwrap_or(i32::MAX);
    written[LENGTH_AT..BEFORE_LENGTH_COUNTS].copy_from_slice(&length.to_be_bytes());
    let sum = crc32c::crc32c(&written[COVERED_FROM..]);
    written[CRC_AT..COVERED_FROM].copy_from_slice(&sum.to_be_bytes());
}

fn put_record(batch: &mut BytesMut, output: &Output, time_delta: i64, offset_delta: i64) {
    let headers: usize = output
        .headers
        .iter()
        .map(|(name, value)| sized(name.len()) + sized(value.len()))
        .sum();
    let length = 1
        + varint_bytes(time_delta)
        + varint_bytes(offset_delta)
        + sized(output.key.len())
        + sized(output.value.len())
        + varint_bytes(number(output.headers.len()))
        + headers;
    put_varint(batch, number(length));
    batch.put_i8(0);
    put_varint(batch, time_delta);
    put_varint(batch, offset_delta);
    put_sized(batch, &output.key);
    put_sized(batch, &output.value);
    put_varint(batch, number(output.headers.len()));
    for (name, value) in &output.headers {
        put_sized(batch, name.as_bytes());
        put_sized(batch, value);
    }
}

/// Records are bounded far below this (`record::weigh`).
fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn sized(length: usize) -> usize {
    varint_bytes(number(length)) + length
}

fn put_sized(batch: &mut BytesMut, bytes: &[u8]) {
    put_varint(batch, number(bytes.len()));
    batch.put_slice(bytes);
}

/// Zigzag, so that small negative numbers stay short.
fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

fn varint_bytes(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros();
    usize::try_from(bits.div_ceil(7)).unwrap_or(VARINT)
}

fn put_varint(batch: &mut BytesMut, value: i64) {
    let mut left = zigzag(value);
    while left >= 0x80 {
        batch.put_u8(0x80 | u8::try_from(left & 0x7f).unwrap_or_default());
        left >>= 7;
    }
    batch.put_u8(u8::try_from(left).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use kafka_protocol::records::RecordBatchDecoder;
    use proptest::prelude::*;
    use schemas::Topic;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..300)
    }

    fn outputs() -> impl Strategy<Value = Vec<(Output, i64)>> {
        let headers = proptest::collection::vec(("[a-zé]{0,9}", bytes()), 0..5);
        let one = (bytes(), headers, bytes(), 0..4_000_000_000_000_i64);
        let one = one.prop_map(|(key, headers, value, millis)| {
            let headers = headers
                .into_iter()
                .map(|(name, value)| (name.into(), value));
            let output = Output {
                topic: Topic::Raw,
                key,
                headers: headers.collect(),
                value,
            };
            (output, millis)
        });
        proptest::collection::vec(one, 1..20)
    }

    proptest! {
        /// By the decoder of another implementation, which also holds the checksum against the bytes.
        #[test]
        fn a_batch_is_read_as_it_was_written(records in outputs(), sequence in 0..i32::MAX - 30) {
            let identity = Identity { producer_id: 7_000_000_000, epoch: 3 };
            let mut batch = BytesMut::from(&b"before"[..]);
            encode(&mut batch, records.iter().map(|(output, millis)| (output, *millis)), identity, sequence);
            let batch = batch.split_off(6).freeze();
            let read = RecordBatchDecoder::decode(&mut batch.clone()).unwrap().records;
            prop_assert_eq!(read.len(), records.len());
            let mut weights = HEAD;
            for ((output, millis), (at, record)) in records.iter().zip((0..).zip(&read)) {
                prop_assert_eq!(record.key.as_deref(), Some(output.key.as_slice()));
                prop_assert_eq!(record.value.as_deref(), Some(output.value.as_slice()));
                prop_assert_eq!(record.timestamp, *millis);
                prop_assert_eq!((record.producer_id, record.producer_epoch), (7_000_000_000, 3));
                prop_assert_eq!(record.sequence, sequence + at);
                prop_assert!(!record.transactional);
                weights += weight(output);
            }
            prop_assert!(batch.len() <= weights);
        }
    }
}
