//! What is wrong with a file and where; never the value that is wrong, which may be an address.

use std::io;

use super::{MAX_OWNERS, MAX_ROWS};
use crate::Unavailable;

/// Why nothing was imported; the table is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file is at fault.
    #[error("{}{problem}", prefix(*line, row.as_deref(), field.as_deref()))]
    Refused {
        /// Where, counted from 1.
        line: Option<u64>,
        /// The row in a JSON document, e.g. `accounts[3]`, counted from 0.
        row: Option<String>,
        /// The key or the column.
        field: Option<String>,
        /// What is wrong there.
        problem: Problem,
    },
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(io::ErrorKind),
    /// The database was not ready; the same import may be tried again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Neither JSON nor CSV, or not to its end.
    #[error("not well-formed")]
    Malformed,
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A key or a column that has no meaning here.
    #[error("unknown; misspelt, or nothing that the directory keeps")]
    UnknownField,
    /// A key, a column or a default queue given twice.
    #[error("given twice")]
    GivenTwice,
    /// Something needed is not there.
    #[error("missing")]
    Missing,
    /// A row of this kind does not have it.
    #[error("must be empty in a row of this kind")]
    NotOfThisKind,
    /// The kind of a CSV row.
    #[error("must be `user`, `queue`, `account`, `contact` or `owner`")]
    BadKind,
    /// What a queue is used for.
    #[error("must be `default_onboarding`, `fallback`, or both with a space between")]
    BadUse,
    /// Another JSON type, or neither `true` nor `false`.
    #[error("of the wrong type")]
    BadType,
    /// Not of the shape of an id or a number.
    #[error("must be of [A-Za-z0-9._-], 1 to 64 characters")]
    BadId,
    /// Not of the shape of an e-mail address.
    #[error("not a plain e-mail address")]
    BadEmail,
    /// Not of the shape of a language tag.
    #[error("not a language tag such as `de-AT`")]
    BadLocale,
    /// Used by another row.
    #[error("used before; ids and numbers are unique, also between users and queues")]
    Duplicate,
    /// A contact under two accounts.
    #[error("a contact belongs to one account, and this one was named before")]
    ContactTwice,
    /// No such user in the file.
    #[error("no such user in this file")]
    UnknownUser,
    /// No such queue in the file.
    #[error("no such queue in this file")]
    UnknownQueue,
    /// No such account in the file.
    #[error("no such account in this file")]
    UnknownAccount,
    /// More owners than anybody has.
    #[error("more than {MAX_OWNERS} owners of one account")]
    TooManyOwners,
    /// More rows than one transaction should replace.
    #[error("more than {MAX_ROWS} rows")]
    TooManyRows,
    /// More bytes than that many rows need.
    #[error("the file is larger than 256 MiB")]
    TooLarge,
    /// Neither the file nor the configuration names a queue that the file has.
    #[error("the file names none, and has no queue with the id of the configured one")]
    NoFallbackQueue,
}

impl ImportError {
    pub(crate) fn whole(problem: Problem) -> Self {
        Self::Refused {
            line: None,
            row: None,
            field: None,
            problem,
        }
    }

    pub(crate) fn of_field(field: &str, problem: Problem) -> Self {
        Self::Refused {
            line: None,
            row: None,
            field: Some(printable(field)),
            problem,
        }
    }

    pub(super) fn at_line(line: u64, problem: Problem) -> Self {
        Self::Refused {
            line: Some(line),
            row: None,
            field: None,
            problem,
        }
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) line: u64,
    /// The list and the place in it, in a JSON document.
    pub(super) row: Option<(&'static str, usize)>,
}

impl Place {
    pub(super) fn refused(self, field: &str, problem: Problem) -> ImportError {
        ImportError::Refused {
            line: Some(self.line),
            row: self.row.map(|(list, place)| format!("{list}[{place}]")),
            field: Some(printable(field)),
            problem,
        }
    }
}

/// A field's name as it may be shown. A CSV without header has an address where the name should be.
fn printable(field: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if (1..=40).contains(&field.len()) && field.bytes().all(plain) {
        field.to_owned()
    } else {
        "?".to_owned()
    }
}

fn prefix(line: Option<u64>, row: Option<&str>, field: Option<&str>) -> String {
    let line = line.map(|line| format!("line {line}"));
    let row = row.map(|row| format!("({row})"));
    let field = field.map(|field| format!("field `{field}`"));
    let place = [line, row].into_iter().flatten().collect::<Vec<_>>();
    let all = [
        Some(place.join(" ")).filter(|place| !place.is_empty()),
        field,
    ];
    let all = all.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        all
    } else {
        format!("{all}: ")
    }
}
