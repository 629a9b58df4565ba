//! What is submitted to a witness: the body of `add-checkpoint`, written and read strictly.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::log::tree::Hash;

/// Most hashes of a proof: a tree of 2^63 leaves has no longer one.
const MAX_PROOF: usize = 63;

/// A checkpoint, and the proof that it continues the one that the witness has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// How many leaves the witness has seen.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The checkpoint, signed by its log.
    pub note: String,
}

impl Submission {
    /// Reads a body; none if it is not exactly how one is written.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (head, note) = std::str::from_utf8(body).ok()?.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = number(lines.next()?.strip_prefix("old ")?)?;
        let proof: Option<Vec<Hash>> = lines
            .map(|line| STANDARD.decode(line).ok()?.try_into().ok())
            .collect();
        let proof = proof.filter(|proof| proof.len() <= MAX_PROOF)?;
        Some(Self {
            old,
            proof,
            note: note.to_owned(),
        })
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// A decimal number without sign and without leading zeros.
pub(super) fn number(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

#[cfg(test)]
mod tests {
    //! What is read is what is written, and nothing else.

    use super::*;

    #[test]
    fn a_body_is_read_as_it_was_written() {
        for proof in [vec![], vec![[7; 32]], vec![[9; 32]; MAX_PROOF]] {
            let submission = Submission {
                old: 257,
                proof,
                note: "example.test/log\n9\nx\n\n\u{2014} a b\n".to_owned(),
            };
            let read = Submission::parse(submission.to_string().as_bytes());
            assert_eq!(read, Some(submission));
        }
    }

    #[test]
    fn what_is_not_exactly_a_body_is_none() {
        let hash = STANDARD.encode([7; 32]);
        let long = format!("{hash}\n").repeat(MAX_PROOF + 1);
        for body in [
            String::new(),
            "old 1\n".to_owned(),
            "old 01\n\nnote".to_owned(),
            "old +1\n\nnote".to_owned(),
            "old -1\n\nnote".to_owned(),
            "old 18446744073709551616\n\nnote".to_owned(),
            "new 1\n\nnote".to_owned(),
            format!("old 1\n{}\n\nnote", &hash[4..]),
            format!("old 1\n {hash}\n\nnote"),
            format!("old 1\n{long}\nnote"),
        ] {
            assert_eq!(Submission::parse(body.as_bytes()), None, "{body:?}");
        }
        assert_eq!(Submission::parse(b"old 1\n\n\xff"), None);
    }
}
