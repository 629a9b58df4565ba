//! Proofs on their own (C2SP tlog-proof): one text that shows without the log that a leaf stands in it.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    inclusion,
    note::MAX_NOTE,
    policy::{Policy, PolicyError, Satisfied},
    tile::canonical,
    tree::Hash,
};

/// The first line.
const FIRST: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes: the levels of the largest tree.
const MAX_HASHES: usize = 64;
/// Longest text: a note, and salt and body of the record.
pub const MAX_PROOF: usize = MAX_NOTE + (64 << 20);

/// A proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Where the leaf stands.
    pub index: u64,
    /// From the hash beside the leaf to the one below the root.
    pub hashes: Vec<Hash>,
    /// What helps to make the leaf again. Nothing vouches for it until the leaf has been made from it.
    pub extra: Option<Vec<u8>>,
    /// The checkpoint, with its signatures, as it was served.
    pub checkpoint: String,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The checkpoint is not accepted under the policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The hashes do not lead from the leaf to the root of the checkpoint.
    #[error("the proof does not lead from the leaf to the root of the checkpoint")]
    Path,
}

impl Proof {
    /// Reads a proof; none if it is not exactly how one is written.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_PROOF {
            return None;
        }
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n').peekable();
        if lines.next()? != FIRST {
            return None;
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra.map(|line| STANDARD.decode(&line["extra ".len()..]));
        let index = canonical(lines.next()?.strip_prefix("index ")?)?;
        let hashes = lines
            .take(MAX_HASHES + 1)
            .map(|line| STANDARD.decode(line).ok()?.try_into().ok());
        let hashes: Vec<Hash> = hashes.collect::<Option<_>>()?;
        let this = Self {
            index,
            hashes,
            extra: extra.transpose().ok()?,
            checkpoint: checkpoint.to_owned(),
        };
        (this.hashes.len() <= MAX_HASHES).then_some(this)
    }

    /// Whether the leaf of this hash stands in a log of the policy; gives the checkpoint that says so.
    pub fn verify(&self, leaf: &Hash, policy: &Policy) -> Result<Satisfied, ProofError> {
        let satisfied = policy.check(self.checkpoint.as_bytes())?;
        let (place, root) = (
            (self.index, satisfied.checkpoint.size),
            &satisfied.checkpoint.root,
        );
        if !inclusion::verify(leaf, place, &self.hashes, root) {
            return Err(ProofError::Path);
        }
        Ok(satisfied)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
