//! SCRAM (RFC 5802, RFC 7677): client and broker prove to each other that they know the password, and neither says it.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::login::Refused;

/// The fewest that RFC 7677 allows.
pub(super) const FEWEST_ROUNDS: u32 = 4_096;
/// A second of a core; what brokers are told to use is a tenth of it at most.
pub(super) const MOST_ROUNDS: u32 = 1_000_000;
/// Bytes of a message of the broker; real ones have some hundred.
const LONGEST: usize = 4_096;
/// Bytes of the longest hash.
const HASH_BYTES: usize = digest::SHA512_OUTPUT_LEN;
/// The client has no binding to the channel and acts for nobody else.
const HEADER: &str = "n,,";

/// What hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn keyed(self, key: &[u8]) -> hmac::Key {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::Key::new(algorithm, key)
    }

    fn salted(self, password: &str, challenge: &Challenge<'_>) -> hmac::Key {
        let algorithm = match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let mut space = Zeroizing::new([0; HASH_BYTES]);
        let salted = &mut space[..self.digest().output_len()];
        let (rounds, salt) = (challenge.rounds, &challenge.salt);
        pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), salted);
        self.keyed(salted)
    }
}

/// The client's side of one exchange.
pub(super) struct Scram {
    hash: Hash,
    password: Zeroizing<String>,
    nonce: String,
    /// The client's first message without its header: the proofs are of all that was said.
    opening: String,
    step: Step,
}

/// What is waited for.
enum Step {
    /// The broker's challenge.
    Begun,
    /// The broker's proof, which is this.
    Answered(hmac::Tag),
    /// Nothing more.
    Ended,
}

impl Scram {
    pub(super) fn new(hash: Hash, user: &str, password: Zeroizing<String>, nonce: &str) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self {
            hash,
            password,
            nonce: nonce.to_owned(),
            opening: format!("n={user},r={nonce}"),
            step: Step::Begun,
        }
    }

    pub(super) fn first(&self) -> String {
        format!("{HEADER}{}", self.opening)
    }

    /// The answer to what the broker says; none once it has proved that it knows the password. After a refusal nothing
    /// more is answered.
    pub(super) fn answer(&mut self, said: &[u8]) -> Result<Option<String>, Refused> {
        let text = std::str::from_utf8(said).ok();
        let text = text.filter(|text| text.len() <= LONGEST);
        let text = text.ok_or(Refused::Unreadable);
        match std::mem::replace(&mut self.step, Step::Ended) {
            Step::Begun => self.prove(text?).map(Some),
            Step::Answered(proof) => proved(&proof, text?).map(|()| None),
            Step::Ended => Err(Refused::Ended),
        }
    }

    /// Answers the challenge, and remembers what the broker must prove.
    fn prove(&mut self, said: &str) -> Result<String, Refused> {
        let challenge = Challenge::read(said, &self.nonce)?;
        let ending = format!("c={},r={}", STANDARD.encode(HEADER), challenge.nonce);
        let all = format!("{},{said},{ending}", self.opening);
        let salted = self.hash.salted(&self.password, &challenge);
        let client = hmac::sign(&salted, b"Client Key");
        let stored = digest::digest(self.hash.digest(), client.as_ref());
        let signature = hmac::sign(&self.hash.keyed(stored.as_ref()), all.as_bytes());
        let pairs = client.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = pairs.map(|(key, mask)| key ^ mask).collect();
        let server = hmac::sign(&salted, b"Server Key");
        let server = self.hash.keyed(server.as_ref());
        self.step = Step::Answered(hmac::sign(&server, all.as_bytes()));
        Ok(format!("{ending},p={}", STANDARD.encode(proof)))
    }
}

/// Whether the broker's last message proves that it knows the password. The comparison takes equally long wherever the
/// first difference is.
fn proved(proof: &hmac::Tag, said: &str) -> Result<(), Refused> {
    refusal(said)?;
    let said = decoded(field(said.split(',').next(), "v=")?)?;
    constant_time::verify_slices_are_equal(proof.as_ref(), &said).map_err(|_| Refused::Unproved)
}

/// The broker's first message.
struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    rounds: NonZeroU32,
}

impl<'a> Challenge<'a> {
    fn read(said: &'a str, ours: &str) -> Result<Self, Refused> {
        refusal(said)?;
        let mut fields = said.split(',');
        let nonce = field(fields.next(), "r=")?;
        let salt = decoded(field(fields.next(), "s=")?)?;
        let rounds = field(fields.next(), "i=")?;
        let theirs = nonce.strip_prefix(ours).unwrap_or_default();
        if theirs.is_empty() || !theirs.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refused::Nonce);
        }
        let rounds = counted(rounds)?;
        Ok(Self {
            nonce,
            salt,
            rounds,
        })
    }
}

/// What a message may begin with instead of what is expected.
fn refusal(said: &str) -> Result<(), Refused> {
    match said.get(..2) {
        Some("e=") => Err(Refused::ByBroker),
        Some("m=") => Err(Refused::Extension),
        _ => Ok(()),
    }
}

fn field<'a>(field: Option<&'a str>, name: &str) -> Result<&'a str, Refused> {
    let value = field.and_then(|field| field.strip_prefix(name));
    value
        .filter(|value| !value.is_empty())
        .ok_or(Refused::Unreadable)
}

fn decoded(value: &str) -> Result<Vec<u8>, Refused> {
    STANDARD.decode(value).map_err(|_| Refused::Unreadable)
}

fn counted(digits: &str) -> Result<NonZeroU32, Refused> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::Unreadable);
    }
    // Digits that make no number make one that is too large.
    match digits.parse() {
        Ok(..FEWEST_ROUNDS) => Err(Refused::FewRounds),
        Ok(rounds @ FEWEST_ROUNDS..=MOST_ROUNDS) => {
            NonZeroU32::new(rounds).ok_or(Refused::FewRounds)
        }
        Ok(_) | Err(_) => Err(Refused::ManyRounds),
    }
}

#[cfg(test)]
mod tests;
