//! Which partition a key belongs to: murmur2, as Java's clients have it, so that it does not depend on who writes.
//!
//! librdkafka does the same for the stages (`murmur2_random`); were the two to differ, records of one account would stand
//! in two partitions and lose their order.

/// The seed and the constants of murmur2 in Kafka's clients.
const SEED: u32 = 0x9747_b28c;
const MULTIPLIER: u32 = 0x5bd1_e995;
const SHIFT: u32 = 24;

/// The partition, from 0, of a key among so many (at least one).
pub(super) fn partition_of(key: &[u8], partitions: usize) -> usize {
    let positive = usize::try_from(murmur2(key) & 0x7fff_ffff).unwrap_or_default();
    positive % partitions.max(1)
}

fn murmur2(key: &[u8]) -> u32 {
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        mixed ^= mixed >> SHIFT;
        mixed = mixed.wrapping_mul(MULTIPLIER);
        hash = hash.wrapping_mul(MULTIPLIER) ^ mixed;
    }
    if !rest.is_empty() {
        for (at, byte) in (0_u32..).zip(rest) {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Kafka's own clients.
    #[test]
    fn hashes_are_those_of_javas_clients() {
        for (key, hash) in [
            (&b"21"[..], -973_932_308_i32),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            (b"abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key).cast_signed(), hash);
        }
    }

    #[test]
    fn every_key_has_a_partition() {
        for length in 0..9 {
            assert!(partition_of(&vec![0xff; length], 3) < 3);
        }
        assert_eq!(partition_of(b"any", 1), 0);
    }
}
