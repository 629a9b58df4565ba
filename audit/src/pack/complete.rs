//! Whether a pack has all of its account: the entries of an account are numbered from 1 inside their sealed bodies, so
//! that one that is left out leaves a hole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Record;
use crate::verify::Finding;

/// How much of an account a pack claims to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it up to its checkpoint.
    Whole,
    /// What a range of time has; nothing is said of the rest.
    Part,
}

/// The body of an `enriched` entry, as far as it is counted.
#[derive(Deserialize)]
struct Body {
    step: String,
    n: Option<u64>,
    event: Option<Event>,
}

#[derive(Deserialize)]
struct Event {
    checked: Option<Check>,
    party: Option<Party>,
}

#[derive(Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Check {
    provider: Option<String>,
    provider_reference: Option<String>,
}

#[derive(Deserialize)]
struct Party {
    account_id: String,
}

/// What a pack has of one account.
#[derive(Default)]
struct Account {
    checks: BTreeSet<Check>,
    numbers: BTreeSet<u64>,
}

/// Up to which number the account is complete; none where nothing is counted. The account of the pack is the one that all
/// its checks name: a check that was given to another account in between has entries of that one, too.
pub(super) fn complete(records: &[Record]) -> Result<Option<u64>, Finding> {
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    let mut checks = BTreeSet::new();
    for record in records {
        let body = record.body.as_deref();
        let Some((account, check, number)) = body.and_then(counted) else {
            continue;
        };
        checks.insert(check.clone());
        let account = accounts.entry(account).or_default();
        account.checks.insert(check);
        account.numbers.insert(number);
    }
    let named_by_all = |account: &&Account| account.checks.len() == checks.len();
    let mut own: Vec<&Account> = accounts.values().filter(named_by_all).collect();
    if own.is_empty() {
        own = accounts.values().collect();
    }
    let mut up_to: Option<u64> = None;
    for account in own {
        let last = account.numbers.last().copied().unwrap_or(0);
        let lacks = (1..=last).find(|number| !account.numbers.contains(number));
        if let Some(number) = lacks {
            let have = u64::try_from(account.numbers.len()).unwrap_or(u64::MAX);
            return Err(Finding::Incomplete {
                number,
                have,
                of: last,
            });
        }
        up_to = Some(up_to.map_or(last, |before| before.min(last)));
    }
    Ok(up_to)
}

/// Account, check and number of a body that is counted.
fn counted(body: &str) -> Option<(String, Check, u64)> {
    let body: Body = serde_json::from_str(body).ok()?;
    let event = body.event.filter(|_| body.step == "enriched")?;
    Some((event.party?.account_id, event.checked?, body.n?))
}

#[cfg(test)]
mod tests {
    //! Holes are found, and only those of the pack's own account.

    use super::*;

    fn pack(numbered: &[(&str, &str, u64)]) -> Vec<Record> {
        let record = |(account, check, n): &(&str, &str, u64)| {
            let body = serde_json::json!({"step": "enriched", "n": n, "event": {
                "checked": {"provider": "jumio", "provider_reference": check}, "party": {"account_id": account}}});
            Record {
                index: 0,
                leaf: String::new(),
                salt: None,
                body: Some(body.to_string()),
            }
        };
        numbered.iter().map(record).collect()
    }

    #[test]
    fn a_number_that_is_missing_is_named() {
        let whole = [("a", "1", 1), ("a", "2", 2), ("a", "2", 3)];
        assert_eq!(complete(&pack(&whole)), Ok(Some(3)));
        for left_out in 0..2 {
            let mut rest = whole.to_vec();
            rest.remove(left_out);
            let number = u64::try_from(left_out).unwrap() + 1;
            let finding = Finding::Incomplete {
                number,
                have: 2,
                of: 3,
            };
            assert_eq!(complete(&pack(&rest)), Err(finding));
        }
        assert_eq!(complete(&[]), Ok(None));
    }

    #[test]
    fn another_account_of_one_of_the_checks_need_not_be_complete() {
        let shared = [("a", "1", 1), ("b", "2", 7), ("a", "2", 2)];
        assert_eq!(complete(&pack(&shared)), Ok(Some(2)));
        let neither = [("a", "1", 1), ("b", "2", 7)];
        assert!(complete(&pack(&neither)).is_err());
    }
}
