//! Signed notes (C2SP signed-note): a text and who signed it, read strictly.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::key::{Kind, SIGNATURE, SigningKey, VerifierKey, is_name};

/// Longest note: far beyond a checkpoint with all its signatures.
pub const MAX_NOTE: usize = 1 << 20;
/// Most signature lines: six times what everybody must accept.
pub const MAX_SIGNATURES: usize = 100;
/// How a signature line begins: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Why a note is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It has not the form of a note.
    #[error("this is no signed note")]
    Form,
    /// It is beyond one of the limits.
    #[error("the note is too long or has too many signatures")]
    TooLarge,
    /// A key that is known did not make the signature that bears its name.
    #[error("a signature is not by the key whose name it bears")]
    Signature,
    /// None of the keys that are known has signed it.
    #[error("no known key has signed the note")]
    Unsigned,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Signature {
    /// A line from its parts; none if the name cannot stand in a note.
    pub fn new(name: &str, id: [u8; 4], bytes: Vec<u8>) -> Option<Self> {
        is_name(name).then(|| Self {
            name: name.to_owned(),
            id,
            bytes,
        })
    }

    /// Reads a line without its line end.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(bytes).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        Self::new(name, *id, bytes.to_vec()).filter(|signature| !signature.bytes.is_empty())
    }

    /// Who signed, as the line says.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands after the key's id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the line names this key.
    pub fn names(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }

    /// Whether this key made it over this text, in the way of its kind.
    pub fn is_by(&self, key: &VerifierKey, text: &str) -> bool {
        self.names(key)
            && match key.kind() {
                Kind::Log => {
                    self.bytes.len() == SIGNATURE && key.verifies(text.as_bytes(), &self.bytes)
                }
                Kind::Witness => super::cosignature::time_of(self, key, text).is_some(),
            }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = STANDARD.encode([self.id.as_slice(), &self.bytes].concat());
        write!(f, "{DASH}{} {bytes}", self.name)
    }
}

/// A text and its signatures, none of them verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// A text that nobody has signed yet; none if it cannot be signed.
    pub fn new(text: &str) -> Option<Self> {
        let printable =
            text.ends_with('\n') && text.chars().all(|letter| letter >= ' ' || letter == '\n');
        printable.then(|| Self {
            text: text.to_owned(),
            signatures: Vec::new(),
        })
    }

    /// Reads a note.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(note).map_err(|_| NoteError::Form)?;
        // The signatures stand after the last empty line; the text keeps its own line end.
        let end = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        let mut this = Self::new(text).ok_or(NoteError::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        for line in lines.split('\n') {
            if this.signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooLarge);
            }
            this.signatures
                .push(Signature::parse(line).ok_or(NoteError::Form)?);
        }
        Ok(this)
    }

    /// Signs the text with a log's key; a line that this key made before gives way.
    pub fn sign(&mut self, key: &SigningKey) {
        let signature = Signature {
            name: key.verifier().name().to_owned(),
            id: key.verifier().id(),
            bytes: key.sign(self.text.as_bytes()).to_vec(),
        };
        self.add(signature);
    }

    /// Adds a line; one that names the same key gives way.
    pub fn add(&mut self, signature: Signature) {
        self.signatures
            .retain(|one| one.name != signature.name || one.id != signature.id);
        self.signatures.push(signature);
    }

    /// The text, with its last line end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Which of these keys have signed, each once, in the order of the lines. Lines of other keys are passed over; a
    /// line that names one of these and was not made by it is an error, and so is a note without any of them.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<&'a VerifierKey>, NoteError> {
        let mut verified: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| signature.names(key)) {
                if !signature.is_by(key, &self.text) {
                    return Err(NoteError::Signature);
                }
                if !verified.contains(&key) {
                    verified.push(key);
                }
            }
        }
        if verified.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

#[cfg(test)]
mod tests;
