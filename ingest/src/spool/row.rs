//! A spooled record: what stands outside, and how the rest is packed before it is sealed.

use schemas::{Timestamp, Topic};
use stage::{Output, record::Headers};

use super::ring::{Hash, KeyId, Ring};

/// What a row weighs beyond its sealed part: number, time, key id, hash, and its share of the file's structure.
const ROW_BYTES: u64 = 128;

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number: rows are sent in this order.
    pub(super) seq: i64,
    /// When it was taken.
    pub(super) at: Timestamp,
    pub(super) key_id: KeyId,
    pub(super) hash: Hash,
    pub(super) sealed: Vec<u8>,
}

/// What is known of a row without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stub {
    pub(super) seq: i64,
    pub(super) hash: Hash,
    pub(super) bytes: u64,
}

impl Row {
    /// Seals a packed record under its number.
    pub(super) fn seal(
        ring: &Ring,
        nonce: [u8; 12],
        (seq, at, hash): (i64, Timestamp, Hash),
        packed: &[u8],
    ) -> Self {
        let key_id = ring.id();
        let sealed = ring.seal(nonce, &bound(seq, at, &hash), packed);
        Self {
            seq,
            at,
            key_id,
            hash,
            sealed,
        }
    }

    /// The record; none if it, its number, time or hash is not what was sealed.
    pub(super) fn open(&self, ring: &Ring) -> Option<Output> {
        let bound = bound(self.seq, self.at, &self.hash);
        unpack(&ring.open(&self.key_id, &bound, &self.sealed)?)
    }

    pub(super) fn stub(&self) -> Stub {
        Stub {
            seq: self.seq,
            hash: self.hash,
            bytes: weight(self.sealed.len()),
        }
    }
}

/// What a sealed record of this length weighs against `max_bytes`.
pub(super) fn weight(sealed: usize) -> u64 {
    (sealed as u64).saturating_add(ROW_BYTES)
}

/// What a packed record weighs once it is sealed: nonce and tag are 28 bytes.
pub(super) fn weight_of_packed(packed: &[u8]) -> u64 {
    weight(packed.len() + 28)
}

/// What stands outside is bound to what is sealed, so that nobody with the file alone can change the order.
fn bound(seq: i64, at: Timestamp, hash: &Hash) -> Vec<u8> {
    let mut bound = Vec::with_capacity(32);
    bound.extend_from_slice(&seq.to_be_bytes());
    bound.extend_from_slice(&at.micros().to_be_bytes());
    bound.extend_from_slice(hash);
    bound
}

/// Topic, key, headers and value, each after its length.
pub(super) fn pack(output: &Output) -> Vec<u8> {
    let mut packed = Vec::with_capacity(output.bytes() + 128);
    part(&mut packed, output.topic.as_str().as_bytes());
    part(&mut packed, &output.key);
    part(&mut packed, &output.value);
    for (name, value) in &output.headers {
        part(&mut packed, name.as_bytes());
        part(&mut packed, value);
    }
    packed
}

fn part(packed: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    packed.extend_from_slice(&length.to_be_bytes());
    packed.extend_from_slice(bytes);
}

fn unpack(mut packed: &[u8]) -> Option<Output> {
    let topic = Topic::from_word(&text(&mut packed)?)?;
    let key = take(&mut packed)?.to_vec();
    let value = take(&mut packed)?.to_vec();
    let mut headers = Headers::new();
    while !packed.is_empty() {
        headers.push((text(&mut packed)?.into(), take(&mut packed)?.to_vec()));
    }
    Some(Output {
        topic,
        key,
        headers,
        value,
    })
}

fn take<'a>(packed: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = packed.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *packed = rest;
    Some(bytes)
}

fn text(packed: &mut &[u8]) -> Option<String> {
    String::from_utf8(take(packed)?.to_vec()).ok()
}
