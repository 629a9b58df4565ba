//! Checkpoints (C2SP tlog-checkpoint): what a log says of itself at one size, and signs.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    key::{Kind, SigningKey, VerifierKey},
    note::{Note, NoteError},
    tile::canonical,
    tree::Hash,
};

/// The body of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is; also the name of its key.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Further lines. We write none: a witness's signature need not cover them.
    pub extensions: Vec<String>,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is not accepted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text of the note is no checkpoint.
    #[error("the note is no checkpoint")]
    Form,
    /// It is signed by the key of another log.
    #[error("the checkpoint is that of another log")]
    Origin,
}

impl Checkpoint {
    /// Reads a body; none if it is not exactly how one is written.
    pub fn parse(body: &str) -> Option<Self> {
        let mut lines = body.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let size = canonical(size)?;
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        let control = body.chars().any(|letter| letter < ' ' && letter != '\n');
        let empty = origin.is_empty() || extensions.iter().any(String::is_empty);
        (!control && !empty).then(|| Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions,
        })
    }

    /// Reads a note, and accepts it only with a signature of this log's key over a checkpoint of its own origin.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(note)?;
        if key.kind() != Kind::Log {
            return Err(NoteError::Unsigned.into());
        }
        note.verify(std::slice::from_ref(key))?;
        let checkpoint = Self::parse(note.text()).ok_or(CheckpointError::Form)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::Origin);
        }
        Ok((checkpoint, note))
    }

    /// The checkpoint of a tree, signed: the same text each time. None if the key is not that of the origin's log.
    pub fn sign(&self, key: &SigningKey) -> Option<Note> {
        let own = key.verifier().name() == self.origin && key.verifier().kind() == Kind::Log;
        let mut note = Note::new(&self.to_string()).filter(|_| own)?;
        note.sign(key);
        Some(note)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n{}\n{}",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        )?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    //! Checkpoint bodies against the published vectors.

    use super::*;
    use crate::tests::vectors;

    #[test]
    fn bodies_are_those_of_the_published_vectors() {
        let Some(vectors) = vectors("checkpoint-bodies.json") else {
            return;
        };
        let texts =
            |what: &str| -> Vec<String> { serde_json::from_value(vectors[what].clone()).unwrap() };
        for body in texts("ok") {
            assert_eq!(Checkpoint::parse(&body).unwrap().to_string(), body);
        }
        let bad = texts("bad");
        assert_eq!(bad.len(), 15);
        for body in bad {
            assert_eq!(Checkpoint::parse(&body), None, "{body:?}");
        }
    }

    #[test]
    fn a_checkpoint_is_accepted_from_its_own_log_only() {
        let key = SigningKey::new("example.test/log", Kind::Log, &[7; 32]).unwrap();
        let checkpoint = Checkpoint {
            origin: "example.test/log".to_owned(),
            size: 9,
            root: [3; 32],
            extensions: Vec::new(),
        };
        let note = checkpoint.sign(&key).unwrap().to_string();
        let (opened, _) = Checkpoint::open(note.as_bytes(), key.verifier()).unwrap();
        assert_eq!(opened, checkpoint);
        let other = SigningKey::new("example.test/log", Kind::Log, &[8; 32]).unwrap();
        let refused = Checkpoint::open(note.as_bytes(), other.verifier());
        assert_eq!(refused, Err(CheckpointError::Note(NoteError::Unsigned)));
        let elsewhere = Checkpoint {
            origin: "example.test/other".to_owned(),
            ..checkpoint
        };
        assert_eq!(elsewhere.sign(&key), None);
        let mut note = Note::new(&elsewhere.to_string()).unwrap();
        note.sign(&key);
        let refused = Checkpoint::open(note.to_string().as_bytes(), key.verifier());
        assert_eq!(refused, Err(CheckpointError::Origin));
    }
}
