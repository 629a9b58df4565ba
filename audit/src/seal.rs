//! Sealing: one data key per client over the bodies, one key-encryption key over the data keys, and blind indexes for
//! finding. Only the key-encryption key comes from outside; whoever loses it loses every body.

use std::path::Path;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time, hmac,
};
use stage::config::key_file::read_key;
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use crate::log::tree::{Hash, sha256};

/// Separates the id of a key-encryption key from every other use of SHA-256.
const KEK_ID: &[u8] = b"idv-audit/kek/1\0";
/// What the key that makes blind indexes is derived for.
const INDEX: &[u8] = b"idv-audit/index/1";
/// What the key that signs cursors is derived for.
const CURSOR: &[u8] = b"idv-audit/cursor/1";

/// What a blind index is an index of. The number stands in the key database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A client: the key of its records.
    Client = 1,
    /// The one that seals records without a key.
    Service = 2,
    /// A check: provider and provider reference, or a position.
    Check = 3,
    /// An account, by its id or its number.
    Account = 4,
    /// A contact.
    Contact = 5,
    /// A provider's reference or one of ours.
    Reference = 6,
    /// The id of an event or of a refusal.
    Event = 7,
}

impl Kind {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Client => b"client",
            Self::Service => b"service",
            Self::Check => b"check",
            Self::Account => b"account",
            Self::Contact => b"contact",
            Self::Reference => b"reference",
            Self::Event => b"event",
        }
    }

    /// The number in the key database.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }
}

/// What stands in the key database for a name: nobody can tell the name from it without the key-encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Blind(pub(crate) [u8; 16]);

/// The key-encryption key, ready for its uses.
pub(crate) struct Kek {
    id: [u8; 8],
    wrapping: LessSafeKey,
    index: hmac::Key,
    /// What `index` is made of. A rotation hands it on, or no name would be found again.
    index_secret: Zeroizing<[u8; 32]>,
    cursor: hmac::Key,
}

impl std::fmt::Debug for Kek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kek({})", hex::encode(self.id))
    }
}

impl Kek {
    /// Reads the key file: 32 bytes, or the same as 64 hex digits.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        Ok(Self::new(&*read_key(file)?))
    }

    /// The key from its bytes.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = |purpose: &[u8]| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, purpose).as_ref())
        };
        let mut index_secret = Zeroizing::new([0; 32]);
        index_secret.copy_from_slice(hmac::sign(&master, INDEX).as_ref());
        let mut id = [0; 8];
        id.copy_from_slice(&sha256(&[KEK_ID, key])[..8]);
        Self {
            id,
            wrapping: aes(key),
            index: hmac::Key::new(hmac::HMAC_SHA256, &*index_secret),
            index_secret,
            cursor: derived(CURSOR),
        }
    }

    /// Which key it is; safe to publish, because the key is random.
    pub(crate) fn id(&self) -> [u8; 8] {
        self.id
    }

    /// The blind index of a name.
    pub(crate) fn blind(&self, kind: Kind, name: &[u8]) -> Blind {
        blind(&self.index, kind.word(), name)
    }

    /// The secret behind the blind indexes, sealed for the key that comes after this one.
    pub(crate) fn index_for(&self, next: &Self, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        seal(&next.wrapping, nonce, INDEX, &[&*self.index_secret])
    }

    /// The same key with the blind indexes of the one before it; none if what was sealed is for another key.
    pub(crate) fn with_index(mut self, sealed: &[u8]) -> Option<Self> {
        let opened = open(&self.wrapping, INDEX, sealed)?;
        self.index_secret = Zeroizing::new(opened.as_slice().try_into().ok()?);
        self.index = hmac::Key::new(hmac::HMAC_SHA256, &*self.index_secret);
        Some(self)
    }

    /// Seals a data key for its subject: nonce, then ciphertext.
    pub(crate) fn wrap(&self, subject: Uuid, key: &DataKey, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        seal(&self.wrapping, nonce, subject.as_bytes(), &[&*key.0])
    }

    /// Opens a data key; none if it was sealed by another key or for another subject.
    pub(crate) fn unwrap(&self, subject: Uuid, wrapped: &[u8]) -> Option<DataKey> {
        let opened = open(&self.wrapping, subject.as_bytes(), wrapped)?;
        let key: [u8; 32] = opened.as_slice().try_into().ok()?;
        Some(DataKey(Zeroizing::new(key)))
    }

    /// Signs what a client of the API hands back later.
    pub(crate) fn sign(&self, what: &[u8]) -> [u8; 16] {
        first_half(hmac::sign(&self.cursor, what))
    }

    /// Whether that is our signature; takes the same time whatever differs.
    pub(crate) fn signed(&self, what: &[u8], signature: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.sign(what), signature).is_ok()
    }
}

/// The key of one client.
#[derive(Clone)]
pub(crate) struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// The key from its bytes, which must be random.
    pub(crate) fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// The bytes, for looking whether they lie anywhere.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals salt and body to their leaf: nonce, then ciphertext.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        leaf: &Hash,
        opening: (&[u8; 32], &[u8]),
    ) -> Vec<u8> {
        seal(&aes(&self.0), nonce, leaf, &[opening.0, opening.1])
    }

    /// Opens what was sealed: the salt, then the body. None if key, leaf or ciphertext is another.
    pub(crate) fn open(&self, leaf: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&aes(&self.0), leaf, sealed)
    }
}

fn aes(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes"))
}

fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut sealed = Vec::with_capacity(NONCE_LEN + length + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    for part in parts {
        sealed.extend_from_slice(part);
    }
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut sealed[NONCE_LEN..],
        )
        .expect("a body is far below the 64 GiB that AES-GCM can take");
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

fn open(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let mut text = Zeroizing::new(text.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key
        .open_in_place(nonce, Aad::from(aad), &mut text)
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

fn blind(key: &hmac::Key, kind: &[u8], name: &[u8]) -> Blind {
    let mut context = hmac::Context::with_key(key);
    context.update(kind);
    context.update(&[0]);
    context.update(name);
    Blind(first_half(context.sign()))
}

fn first_half(tag: hmac::Tag) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&tag.as_ref()[..16]);
    half
}

#[cfg(test)]
mod tests;
