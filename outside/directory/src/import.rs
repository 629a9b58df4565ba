//! The file that replaces the table: read whole, checked whole, and only then an [`Import`].

use std::{fs::File, io::Read, path::Path};

mod csv;
mod draft;
mod flaw;
mod json;
mod rows;

pub use flaw::{ImportError, Problem};
pub(crate) use rows::TableName;

/// As many rows as one transaction replaces in about ten seconds; users, queues, accounts, contacts and owners all count.
pub(crate) const MAX_ROWS: usize = 1_000_000;

/// Room for `MAX_ROWS` rows of 256 bytes, which is longer than any row of sound ids; a larger file is something else.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Each look-up of an account reads its owners; nobody has a hundred people earn on one account.
const MAX_OWNERS: usize = 100;

/// A whole directory that holds together: every id is unique, every user and queue that is named exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    users: Vec<User>,
    queues: Vec<Queue>,
    accounts: Vec<Account>,
    default_onboarding_queue: String,
    fallback_queue: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct User {
    id: String,
    email: String,
    active: bool,
    locale: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Queue {
    id: String,
    email: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    id: String,
    number: String,
    onboarding_queue: Option<String>,
    /// Users in the order in which they earn.
    owners: Vec<String>,
    contacts: Vec<String>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({})", self.id)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({})", self.id)
    }
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// Whether the table had other content before; false when the same was imported again.
    pub changed: bool,
    /// A hash of the content, the same for the same content.
    pub version: String,
    /// Users in the table now.
    pub users: usize,
    /// Queues in the table now.
    pub queues: usize,
    /// Accounts in the table now.
    pub accounts: usize,
    /// Contacts in the table now.
    pub contacts: usize,
    /// Accounts on which nobody active earns, so that the fallback queue hears of them.
    pub accounts_without_active_owner: usize,
}

impl Import {
    /// Reads a file; `.json` and `.csv` say what it is, else its first character does (`{` is JSON).
    pub fn from_path(path: &Path) -> Result<Self, ImportError> {
        let mut bytes = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|error| ImportError::File(error.kind()))?;
        let name = path.file_name().and_then(|name| name.to_str());
        Self::parse(name.unwrap_or_default(), &bytes)
    }

    /// Reads the bytes of a file of this name.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, ImportError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(ImportError::whole(Problem::TooLarge));
        }
        // Spreadsheets write a byte order mark in front.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let lines = bytes[..error.valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n');
            ImportError::at_line(1 + lines.count() as u64, Problem::NotUtf8)
        })?;
        let is_json = match Path::new(name).extension().and_then(|end| end.to_str()) {
            Some(end) if end.eq_ignore_ascii_case("json") => true,
            Some(end) if end.eq_ignore_ascii_case("csv") => false,
            _ => text.trim_start().starts_with('{'),
        };
        let draft = if is_json {
            json::read(text)?
        } else {
            csv::read(text)?
        };
        draft.finish()
    }

    /// The queue that hears where nobody active earns on an account, if the file names one.
    pub(crate) fn fallback_queue(&self) -> Option<&str> {
        self.fallback_queue.as_deref()
    }

    pub(crate) fn default_onboarding_queue(&self) -> &str {
        &self.default_onboarding_queue
    }

    pub(crate) fn has_queue(&self, id: &str) -> bool {
        self.queues.iter().any(|queue| queue.id == id)
    }

    pub(crate) fn report(&self, changed: bool, version: String) -> ImportReport {
        let active = self.users.iter().filter(|user| user.active);
        let active: std::collections::HashSet<&str> = active.map(|user| user.id.as_str()).collect();
        let hears =
            |account: &&Account| !account.owners.iter().any(|id| active.contains(id.as_str()));
        ImportReport {
            changed,
            version,
            users: self.users.len(),
            queues: self.queues.len(),
            accounts: self.accounts.len(),
            contacts: self
                .accounts
                .iter()
                .map(|account| account.contacts.len())
                .sum(),
            accounts_without_active_owner: self.accounts.iter().filter(hears).count(),
        }
    }
}

#[cfg(test)]
mod tests;
