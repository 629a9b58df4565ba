//! Who looked: what is recorded of every answer that tells of checks, before it is given.

use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use stage::Retry;
use uuid::Uuid;

use crate::{
    acts::{Act, Acts},
    canonical,
    history::Query,
    leaf::Kind,
    log::tree::sha256,
};

mod noted;
mod viewing;

pub(crate) use noted::Noted;
pub use viewing::Viewing;

/// Longest purpose, in characters: a case number and a sentence. It is kept for ever.
pub const MAX_PURPOSE: usize = 200;

/// What somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A page of checks.
    Checks,
    /// The check of an event.
    Check,
    /// The proofs of a check.
    Proof,
    /// `idtrail history`.
    History,
    /// `idtrail export --format`.
    Export,
    /// `idtrail export --pack`.
    Pack,
    /// `idtrail prove`.
    Prove,
    /// `idtrail rejected`.
    Rejected,
    /// `idtrail history --access`.
    Access,
}

impl Asked {
    /// The word in the entry.
    fn word(self) -> &'static str {
        match self {
            Self::Checks => "checks",
            Self::Check => "check",
            Self::Proof => "proof",
            Self::History => "history",
            Self::Export => "export",
            Self::Pack => "pack",
            Self::Prove => "prove",
            Self::Rejected => "rejected",
            Self::Access => "access",
        }
    }
}

/// Why somebody looks, in their words: one line, not empty, at most [`MAX_PURPOSE`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose(String);

impl Purpose {
    /// Reads a purpose; none if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty()
            && text.chars().count() <= MAX_PURPOSE
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }
}

/// Who looks, at what, and why.
#[derive(Clone, Debug)]
pub struct Viewer {
    through: &'static str,
    name: String,
    asked: Asked,
    purpose: Option<Purpose>,
}

impl Viewer {
    /// Somebody who runs a command, by the name of the user that it runs as.
    pub fn of_command(user: &str, asked: Asked, purpose: Option<Purpose>) -> Self {
        Self {
            through: "command",
            name: user.to_owned(),
            asked,
            purpose,
        }
    }

    /// A reader of the API by name; who asks on loopback has none.
    pub(crate) fn of_api(reader: Option<&str>, asked: Asked, purpose: Option<Purpose>) -> Self {
        Self {
            through: "api",
            name: reader.unwrap_or("loopback").to_owned(),
            asked,
            purpose,
        }
    }
}

/// What was asked, as one text for one question, whatever page of it.
#[derive(Clone, Copy, Default, Serialize)]
struct Question<'a> {
    asked: &'static str,
    account: Option<&'a str>,
    contact: Option<&'a str>,
    reference: Option<&'a str>,
    since: Option<i64>,
    until: Option<i64>,
    event: Option<&'a str>,
    seq: Option<i64>,
}

impl<'a> Question<'a> {
    fn of_query(query: &'a Query) -> Self {
        Self {
            account: query.account.as_deref(),
            contact: query.contact.as_deref(),
            reference: query.reference.as_deref(),
            since: query.since.map(Timestamp::micros),
            until: query.until.map(Timestamp::micros),
            ..Self::default()
        }
    }

    fn of_event(event: &'a str) -> Self {
        Self {
            event: Some(event),
            ..Self::default()
        }
    }
}

/// What an answer shows.
#[derive(Default)]
struct Seen {
    rows: usize,
    /// The least and the greatest index among the rows.
    range: Option<(i64, i64)>,
    /// The handles of their checks: random, and without meaning once an account is erased.
    checks: Vec<Uuid>,
}

impl Seen {
    /// Rows by their indexes.
    fn of(seqs: impl Iterator<Item = i64>, checks: Vec<Uuid>) -> Self {
        let mut seen = Self {
            checks,
            ..Self::default()
        };
        for seq in seqs {
            seen.rows += 1;
            let (first, last) = seen.range.unwrap_or((seq, seq));
            seen.range = Some((first.min(seq), last.max(seq)));
        }
        seen
    }
}

/// The body of an `access` entry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Told from the other entries of the log's own by this word.
    what: AccessWord,
    /// Under one id it may stand twice, if a crash came between.
    pub(crate) id: String,
    /// `api` or `command`.
    pub(crate) through: String,
    pub(crate) reader: String,
    pub(crate) asked: String,
    /// SHA-256 of the canonical question, hex.
    pub(crate) question: String,
    pub(crate) rows: i64,
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    pub(crate) checks: Vec<String>,
    pub(crate) purpose: Option<String>,
    /// When, in microseconds since 1970.
    pub(crate) at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AccessWord {
    Access,
}

impl Told {
    fn of(
        viewer: &Viewer,
        question: Question<'_>,
        seen: &Seen,
        (id, at): (Uuid, Timestamp),
    ) -> Result<Self, Retry> {
        let asked = viewer.asked.word();
        let question = Question { asked, ..question };
        let question = canonical::to_vec(&question).map_err(Retry::because)?;
        Ok(Self {
            what: AccessWord::Access,
            id: id.to_string(),
            through: viewer.through.to_owned(),
            reader: viewer.name.clone(),
            asked: asked.to_owned(),
            question: hex::encode(sha256(&[&question])),
            rows: i64::try_from(seen.rows).unwrap_or(i64::MAX),
            first: seen.range.map(|(first, _)| first),
            last: seen.range.map(|(_, last)| last),
            checks: seen.checks.iter().map(Uuid::to_string).collect(),
            purpose: viewer.purpose.as_ref().map(|purpose| purpose.0.clone()),
            at: at.micros(),
        })
    }

    /// Reads a body; none if it is of another kind.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// Where looks are recorded.
#[derive(Clone, Debug)]
pub(crate) enum Book {
    /// In the log, before the answer is given: for the service.
    Log(Acts),
    /// In the key database, before the answer is given, and from there in the log: for commands beside the service.
    Notes(Noted),
}

impl Book {
    async fn write(&self, told: &Told) -> Result<(), Retry> {
        match self {
            Self::Log(acts) => {
                let act = Act::new(Kind::Access, told).map_err(Retry::because)?;
                acts.append(act).await.map(|_| ())
            }
            Self::Notes(noted) => {
                let body = canonical::to_vec(told).map_err(Retry::because)?;
                noted.note(&body).await.map(|_| ())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Purposes.

    use super::*;

    #[test]
    fn a_purpose_is_one_line_of_bounded_length() {
        let longest = "ä".repeat(MAX_PURPOSE);
        for good in ["case 4711", " yearly audit ", &longest] {
            assert!(Purpose::parse(good).is_some(), "{good}");
        }
        let longer = format!("{longest}x");
        for bad in ["", "  ", "two\nlines", "bell\u{7}", &longer] {
            assert!(Purpose::parse(bad).is_none(), "{bad}");
        }
    }
}
