//! The keys of the spool: the first seals, all of them open.

use std::path::{Path, PathBuf};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hmac,
};
use stage::config::key_file::read_key;
use zeroize::Zeroizing;

/// Separates the id of a key from every other use of SHA-256.
const ID: &[u8] = b"idtrail/spool/id/1\0";
/// What the key that seals is derived for.
const SEAL: &[u8] = b"idtrail/spool/seal/1";
/// What the key that hashes record keys is derived for.
const ORDER: &[u8] = b"idtrail/spool/order/1";

/// Which key sealed a record; safe to store, because the key is random.
pub(super) type KeyId = [u8; 8];
/// What stands for a record key outside the sealed part: equal for equal keys, and nothing to whoever has only the file.
pub(super) type Hash = [u8; 16];

struct Key {
    id: KeyId,
    seal: LessSafeKey,
    order: hmac::Key,
}

/// The keys, the one that seals first.
pub(super) struct Ring(Vec<Key>);

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({} keys)", self.0.len())
    }
}

impl Ring {
    /// Reads the key files: each 32 bytes, or the same as 64 hex digits. The error says which file and why.
    pub(super) fn read(first: &Path, previous: &[PathBuf]) -> Result<Self, String> {
        let files = std::iter::once(first).chain(previous.iter().map(PathBuf::as_path));
        let keys = files.map(|file| read_key(file).map(|key| Key::new(&key)));
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// Which key seals.
    pub(super) fn id(&self) -> KeyId {
        self.first().id
    }

    /// Whether there is a key of this id.
    pub(super) fn knows(&self, id: &[u8]) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// The hash of a record key under the key that seals.
    pub(super) fn hash(&self, record_key: &[u8]) -> Hash {
        self.first().hash(record_key)
    }

    /// The hashes of a record key under all keys: what is left of an earlier one is found by its own.
    pub(super) fn hashes(&self, record_key: &[u8]) -> impl Iterator<Item = Hash> {
        self.0.iter().map(|key| key.hash(record_key))
    }

    /// Seals with the first key: nonce, then ciphertext.
    pub(super) fn seal(&self, nonce: [u8; NONCE_LEN], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (nonce, (_, text)) = (
            Nonce::assume_unique_for_key(nonce),
            sealed.split_at_mut(NONCE_LEN),
        );
        let tag = self
            .first()
            .seal
            .seal_in_place_separate_tag(nonce, Aad::from(aad), text)
            .expect("a record is far below the 64 GiB that AES-GCM can take");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what the key of this id sealed; none if the record is not whole.
    pub(super) fn open(&self, id: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.0.iter().find(|key| key.id == id)?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = key.seal.open_in_place(nonce, Aad::from(aad), &mut text);
        let length = opened.ok()?.len();
        text.truncate(length);
        Some(text)
    }

    fn first(&self) -> &Key {
        self.0
            .first()
            .expect("a ring is made from at least one key")
    }
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, key);
        let seal = hmac::sign(&master, SEAL);
        let seal = UnboundKey::new(&AES_256_GCM, seal.as_ref());
        let mut named = digest::Context::new(&digest::SHA256);
        named.update(ID);
        named.update(key);
        Self {
            id: prefix(named.finish().as_ref()),
            seal: LessSafeKey::new(seal.expect("AES-256 takes the 32 bytes of an HMAC-SHA-256")),
            order: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, ORDER).as_ref()),
        }
    }

    fn hash(&self, record_key: &[u8]) -> Hash {
        prefix(hmac::sign(&self.order, record_key).as_ref())
    }
}

fn prefix<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut short = [0; N];
    short
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    short
}
