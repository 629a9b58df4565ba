//! Keys of signed notes (C2SP signed-note): how they are written, which id they have, and what each may sign. Ed25519 only.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::tree::sha256;

/// How the text of a private key begins.
const PRIVATE: &str = "PRIVATE+KEY+";
/// Bytes of an Ed25519 signature.
pub const SIGNATURE: usize = 64;

/// What a key signs, and by which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The text of a note: a log's key.
    Log = 0x01,
    /// A checkpoint at a time: a witness's key.
    Witness = 0x04,
}

/// A key that verifies.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    key: [u8; 32],
    id: [u8; 4],
}

impl VerifierKey {
    /// The key of somebody; none if the name cannot stand in a note.
    pub fn new(name: &str, kind: Kind, key: [u8; 32]) -> Option<Self> {
        is_name(name).then(|| Self {
            name: name.to_owned(),
            kind,
            key,
            id: id_of(name, kind, &key),
        })
    }

    /// Reads `<name>+<id>+<base64 of kind and key>`; none if that is not exactly how it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = STANDARD.decode(key).ok()?;
        let (kind, key) = key.split_first()?;
        let kind = [Kind::Log, Kind::Witness]
            .into_iter()
            .find(|known| *known as u8 == *kind)?;
        let this = Self::new(name, kind, key.try_into().ok()?)?;
        (hex::encode(this.id) == id).then_some(this)
    }

    /// Whose key it is; of a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The first bytes of a hash over name, kind and key: they say which key signed a line, and prove nothing.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The public key.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// Whether this key made this Ed25519 signature over these bytes. The library refuses a scalar that is not reduced,
    /// and a point that is not written the one way that follows from the equation.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[self.kind as u8], self.key.as_slice()].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// A key that signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SigningKey {
    /// The key of somebody from its seed; none if the name cannot stand in a note.
    pub fn new(name: &str, kind: Kind, seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let key = pair.public_key().as_ref().try_into().ok()?;
        let verifier = VerifierKey::new(name, kind, key)?;
        Some(Self { pair, verifier })
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64 of kind and seed>`, as Go's tools write it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PRIVATE)?.splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = Zeroizing::new(STANDARD.decode(key).ok()?);
        let (kind, seed) = key.split_first()?;
        if *kind != Kind::Log as u8 {
            return None;
        }
        let this = Self::new(name, Kind::Log, seed.try_into().ok()?)?;
        (hex::encode(this.verifier.id) == id).then_some(this)
    }

    /// The key that verifies what this one signs.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature over these bytes: the same each time.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE] {
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// Whether a name can stand in a signature line and in a key's text.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '+')
}

fn id_of(name: &str, kind: Kind, key: &[u8; 32]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[kind as u8], key]);
    [hash[0], hash[1], hash[2], hash[3]]
}
