//! Policies (C2SP tlog-policy): whose logs and witnesses somebody trusts, and how many of them must have signed.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    cosignature,
    key::{Kind, VerifierKey},
    note::{Note, NoteError},
};

/// Longest policy file.
const MAX_POLICY: usize = 256 << 10;
/// Most lines that say something: logs, witnesses and groups together; three times what everybody should take.
const MAX_LINES: usize = 300;
/// The quorum that asks for nobody.
const NONE: &str = "none";

/// What must be true of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: BTreeMap<String, VerifierKey>,
    /// How many members must have signed, and which these are.
    groups: BTreeMap<String, (usize, Vec<String>)>,
    /// A witness or a group; none where no cosignature is asked for.
    quorum: Option<String>,
}

/// Why a policy or a checkpoint under it is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A line of the policy is not understood; lines count from 1, and 0 is the file as a whole.
    #[error("line {0} of the policy is not understood or does not fit the lines before it")]
    Line(usize),
    /// The checkpoint is not accepted.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Too few witnesses have cosigned it.
    #[error("the checkpoint has not the cosignatures that the policy asks for")]
    Quorum,
}

/// A checkpoint that a policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Satisfied {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Which witnesses of the policy cosigned it, and when: seconds since 1970.
    pub cosigned: BTreeMap<String, u64>,
}

impl Policy {
    /// The policy that trusts one log, and asks for no witness.
    pub fn of_log(key: VerifierKey) -> Self {
        Self {
            logs: vec![key],
            witnesses: BTreeMap::new(),
            groups: BTreeMap::new(),
            quorum: None,
        }
    }

    /// Reads a policy file.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let allowed = |letter: char| matches!(letter, '\t' | '\n' | ' '..='~' | '\u{80}'..);
        if text.len() > MAX_POLICY || !text.chars().all(allowed) {
            return Err(PolicyError::Line(0));
        }
        let mut reading = Reading::default();
        for (at, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line
                .split([' ', '\t'])
                .filter(|word| !word.is_empty())
                .collect();
            reading.line(&words).ok_or(PolicyError::Line(at + 1))?;
        }
        reading.finish().ok_or(PolicyError::Line(0))
    }

    /// The logs that are trusted.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses by their names in the file.
    pub fn witnesses(&self) -> &BTreeMap<String, VerifierKey> {
        &self.witnesses
    }

    /// The same, asking for no witness.
    #[must_use]
    pub fn without_witnesses(&self) -> Self {
        Self {
            quorum: None,
            ..self.clone()
        }
    }

    /// Accepts a checkpoint that one of the logs has signed and enough witnesses have cosigned. A signature that bears
    /// the name and id of a known key and is not its own spoils all of it.
    pub fn check(&self, note: &[u8]) -> Result<Satisfied, PolicyError> {
        let parsed = Note::parse(note).map_err(CheckpointError::from)?;
        let known: Vec<VerifierKey> = self
            .logs
            .iter()
            .chain(self.witnesses.values())
            .cloned()
            .collect();
        let signed = parsed.verify(&known).map_err(CheckpointError::from)?;
        let checkpoint = Checkpoint::parse(parsed.text()).ok_or(CheckpointError::Form)?;
        let logs: Vec<_> = signed
            .iter()
            .filter(|key| key.kind() == Kind::Log)
            .collect();
        if logs.is_empty() {
            return Err(CheckpointError::Note(NoteError::Unsigned).into());
        }
        if !logs.iter().any(|key| key.name() == checkpoint.origin) {
            return Err(CheckpointError::Origin.into());
        }
        let mut cosigned = BTreeMap::new();
        for (name, key) in &self.witnesses {
            let times = parsed
                .signatures()
                .iter()
                .filter_map(|line| cosignature::time_of(line, key, parsed.text()));
            cosigned.extend(times.max().map(|time| (name.clone(), time)));
        }
        if !self
            .quorum
            .as_ref()
            .is_none_or(|name| self.witnessed(name, &cosigned))
        {
            return Err(PolicyError::Quorum);
        }
        Ok(Satisfied {
            checkpoint,
            cosigned,
        })
    }

    /// Whether a witness has signed, or enough members of a group. Groups name only what stands before them.
    fn witnessed(&self, name: &str, cosigned: &BTreeMap<String, u64>) -> bool {
        match self.groups.get(name) {
            Some((wanted, members)) => {
                members
                    .iter()
                    .filter(|member| self.witnessed(member, cosigned))
                    .count()
                    >= *wanted
            }
            None => cosigned.contains_key(name),
        }
    }
}

/// What a quorum line says.
enum Quorum {
    None,
    Of(String),
}

/// A policy that is being read.
#[derive(Default)]
struct Reading {
    logs: Vec<VerifierKey>,
    witnesses: BTreeMap<String, VerifierKey>,
    groups: BTreeMap<String, (usize, Vec<String>)>,
    /// Who is a member of some group already: nobody counts twice.
    members: BTreeSet<String>,
    quorum: Option<Quorum>,
    lines: usize,
}

impl Reading {
    fn line(&mut self, words: &[&str]) -> Option<()> {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return None;
        }
        match words {
            ["log", key] | ["log", key, _] => {
                let key = VerifierKey::parse(key).filter(|key| key.kind() == Kind::Log)?;
                let new = self.logs.iter().all(|known| known.bytes() != key.bytes());
                new.then(|| self.logs.push(key))
            }
            ["witness", name, key] | ["witness", name, key, _] => {
                let key = VerifierKey::parse(key).filter(|key| key.kind() == Kind::Witness)?;
                let new = self
                    .witnesses
                    .values()
                    .all(|known| known.bytes() != key.bytes());
                (new && self.is_new(name))
                    .then(|| self.witnesses.insert((*name).to_owned(), key))?;
                Some(())
            }
            ["group", name, wanted, members @ ..] => self.group(name, wanted, members),
            ["quorum", NONE] if self.quorum.is_none() => {
                self.quorum = Some(Quorum::None);
                Some(())
            }
            ["quorum", name] if self.quorum.is_none() && self.is_known(name) => {
                self.quorum = Some(Quorum::Of((*name).to_owned()));
                Some(())
            }
            _ => None,
        }
    }

    fn group(&mut self, name: &str, wanted: &str, members: &[&str]) -> Option<()> {
        let wanted = match wanted {
            "any" => 1,
            "all" => members.len(),
            number => super::tile::canonical(number)?,
        };
        if !(1..=members.len()).contains(&wanted) || !self.is_new(name) {
            return None;
        }
        for member in members {
            let free = self.is_known(member) && self.members.insert((*member).to_owned());
            free.then_some(())?;
        }
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.groups.insert(name.to_owned(), (wanted, members));
        Some(())
    }

    fn is_known(&self, name: &str) -> bool {
        self.witnesses.contains_key(name) || self.groups.contains_key(name)
    }

    fn is_new(&self, name: &str) -> bool {
        name != NONE && !self.is_known(name)
    }

    fn finish(self) -> Option<Policy> {
        let quorum = match self.quorum? {
            Quorum::None => None,
            Quorum::Of(name) => Some(name),
        };
        Some(Policy {
            logs: self.logs,
            witnesses: self.witnesses,
            groups: self.groups,
            quorum,
        })
    }
}

#[cfg(test)]
mod tests;
