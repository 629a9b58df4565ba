//! An import as the rows of the database, in chunks that one statement takes.

use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::Import;

/// About 1 MB a statement: large enough that round trips do not count, small enough to hold several in memory.
const CHUNK: usize = 10_000;

/// The tables that an import fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableName {
    User,
    Queue,
    Account,
    Contact,
    Owner,
}

/// A chunk: the table, and a JSON array with an array for each row, its values in the order of the columns.
pub(crate) type Rows = (TableName, String);

impl Import {
    /// Every row, chunk by chunk.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Rows> {
        let users = self
            .users
            .iter()
            .map(|user| json!([user.id, user.email, user.active, user.locale]));
        let queues = self
            .queues
            .iter()
            .map(|queue| json!([queue.id, queue.email]));
        let accounts = self
            .accounts
            .iter()
            .map(|account| json!([account.id, account.number, account.onboarding_queue]));
        let contacts = self.accounts.iter().flat_map(|account| {
            account
                .contacts
                .iter()
                .map(|contact| json!([contact, account.id]))
        });
        let owners = self.accounts.iter().flat_map(|account| {
            let owners = account.owners.iter().enumerate();
            owners.map(|(position, user)| json!([account.id, position, user]))
        });
        chunked(TableName::User, users)
            .chain(chunked(TableName::Queue, queues))
            .chain(chunked(TableName::Account, accounts))
            .chain(chunked(TableName::Contact, contacts))
            .chain(chunked(TableName::Owner, owners))
    }

    /// How many rows there are.
    pub(crate) fn row_count(&self) -> i64 {
        let of_accounts = self
            .accounts
            .iter()
            .map(|account| 1 + account.owners.len() + account.contacts.len());
        let rows = self.users.len() + self.queues.len() + of_accounts.sum::<usize>();
        i64::try_from(rows).unwrap_or(i64::MAX)
    }

    /// A hash of the content. The same content is the same version, so what was read under a version stays true of it
    /// even after a restored backup, and importing a file again changes nothing.
    pub(crate) fn version(&self) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        let defaults = json!([self.default_onboarding_queue, self.fallback_queue]);
        hash.update(defaults.to_string().as_bytes());
        for (table, rows) in self.rows() {
            hash.update(format!("\n{table:?}\n").as_bytes());
            hash.update(rows.as_bytes());
        }
        hex::encode(hash.finish())
    }
}

fn chunked(table: TableName, mut rows: impl Iterator<Item = Value>) -> impl Iterator<Item = Rows> {
    std::iter::from_fn(move || {
        let chunk: Vec<Value> = rows.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then(|| (table, Value::Array(chunk).to_string()))
    })
}
