//! What people decide about clients, by the commands.

use schemas::Timestamp;
use serde::Serialize;
use stage::{Chance, Retry};
use uuid::Uuid;

use super::{
    ErasureError, Opened,
    closure::{Closure, closure},
    decide, id_of,
    ledger::Ledger,
    state::State,
};
use crate::{Config, canonical, seal::Blind};

/// A request to erase an account. Its names are not in it: nobody could tell them once they are erased.
#[derive(Clone, Debug, Serialize)]
pub struct Erasure {
    /// The request.
    pub id: String,
    /// How far it is.
    pub state: State,
    /// Why, in the words of who asked.
    pub reason: String,
    /// Who asked for it.
    pub requester: String,
    /// When.
    pub requested_at: Timestamp,
    /// Who approved it.
    pub approver: Option<String>,
    /// When.
    pub approved_at: Option<Timestamp>,
    /// The index of its newest entry in the log.
    pub entry: Option<i64>,
    /// When the last backup that may hold the keys is gone.
    pub effective_by: Option<Timestamp>,
    /// When the keys were destroyed.
    pub destroyed_at: Option<Timestamp>,
    /// Why it was refused, or what its keys still wait for.
    pub why: Option<String>,
    #[serde(skip)]
    pub(crate) key: Uuid,
    #[serde(skip)]
    pub(crate) account: Blind,
}

/// The entry that tells of a hold or of the end of a relationship.
#[derive(Serialize)]
struct Told<'a> {
    what: &'static str,
    subjects: Vec<String>,
    until: Option<i64>,
    ended_at: Option<i64>,
    basis: Option<&'a str>,
    by: &'a str,
    at: i64,
}

/// Clients, for whoever decides about them.
#[derive(Debug)]
pub struct Clients {
    pub(super) opened: Opened,
    pub(crate) ledger: Ledger,
}

impl Clients {
    /// Opens both databases, beside whoever writes them.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        Ok(Self::on(Opened::open(config).await?))
    }

    pub(crate) fn on(opened: Opened) -> Self {
        let ledger = Ledger(opened.keys.clone());
        Self { opened, ledger }
    }

    /// Keeps an account's records until a date, whatever is asked; how many clients that are.
    pub async fn hold(
        &self,
        account: &str,
        until: Timestamp,
        (basis, by, now): (&str, &str, Timestamp),
    ) -> Result<usize, ErasureError> {
        somebody(by, basis)?;
        if until <= now {
            return Err(ErasureError::Date("a hold ends in the future"));
        }
        let found = closure(&self.opened, &self.opened.account(account)).await?;
        let subjects: Vec<Uuid> = found.subjects.into_iter().collect();
        let told = Told {
            what: "hold",
            subjects: subjects.iter().map(Uuid::to_string).collect(),
            until: Some(until.micros()),
            ended_at: None,
            basis: Some(basis),
            by,
            at: now.micros(),
        };
        let told = canonical::to_vec(&told).map_err(Retry::because)?;
        self.ledger.hold(&subjects, until, &told).await?;
        Ok(subjects.len())
    }

    /// Asks for an erasure.
    pub async fn request(
        &self,
        account: &str,
        (reason, by, now): (&str, &str, Timestamp),
        chance: Chance,
    ) -> Result<Erasure, ErasureError> {
        somebody(by, reason)?;
        let account = self.opened.account(account);
        self.may_erase(&account, now).await?;
        let key = id_of(chance.bytes());
        let erasure = Erasure {
            id: key.to_string(),
            state: State::Requested,
            reason: reason.to_owned(),
            requester: by.trim().to_owned(),
            requested_at: now,
            approver: None,
            approved_at: None,
            entry: None,
            effective_by: None,
            destroyed_at: None,
            why: None,
            key,
            account,
        };
        self.ledger.request(&erasure).await?;
        Ok(erasure)
    }

    /// Approves an erasure that somebody else asked for; the service does it.
    pub async fn approve(&self, id: &str, by: &str, now: Timestamp) -> Result<(), ErasureError> {
        let id: Uuid = id.parse().map_err(|_| ErasureError::NoRequest)?;
        let erasure = self.ledger.erasure(id).await?;
        let erasure = erasure.ok_or(ErasureError::NoRequest)?;
        somebody(by, &erasure.reason)?;
        if erasure.state != State::Requested {
            return Err(ErasureError::Settled(erasure.state.word()));
        }
        if decide::same_person(&erasure.requester, by) {
            return Err(ErasureError::SamePerson);
        }
        self.may_erase(&erasure.account, now).await?;
        if self.ledger.approve(id, by.trim(), now).await? {
            return Ok(());
        }
        Err(ErasureError::Settled(State::Approved.word()))
    }

    /// A request as it stands now.
    pub async fn erasure(&self, id: &str) -> Result<Option<Erasure>, ErasureError> {
        let id: Uuid = id.parse().map_err(|_| ErasureError::NoRequest)?;
        Ok(self.ledger.erasure(id).await?)
    }

    /// The newest requests, newest first.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, ErasureError> {
        Ok(self.ledger.erasures().await?)
    }

    /// The erasure of an account by any of its names, if there was one.
    pub async fn erased(&self, account: &str) -> Result<Option<Erasure>, ErasureError> {
        Ok(self.ledger.erased(&self.opened.account(account)).await?)
    }

    /// Notes that the relationship with an account ended; gives when its records are due.
    pub async fn end(
        &self,
        account: &str,
        ended: Timestamp,
        (by, now): (&str, Timestamp),
    ) -> Result<Timestamp, ErasureError> {
        somebody(by, "the end")?;
        if ended > now {
            return Err(ErasureError::Date(
                "the end of a relationship is not noted before it",
            ));
        }
        let found = closure(&self.opened, &self.opened.account(account)).await?;
        let told = Told {
            what: "relationship_end",
            subjects: found.subjects.iter().map(Uuid::to_string).collect(),
            until: None,
            ended_at: Some(ended.micros()),
            basis: None,
            by,
            at: now.micros(),
        };
        let told = canonical::to_vec(&told).map_err(Retry::because)?;
        let mut accounts = found.accounts.into_iter();
        let (Some(account), None) = (accounts.next(), accounts.next()) else {
            return Err(ErasureError::Shared);
        };
        self.ledger.ended(&account, ended, (now, &told)).await?;
        Ok(decide::due(ended, now))
    }

    pub(super) async fn may_erase(
        &self,
        account: &Blind,
        now: Timestamp,
    ) -> Result<Closure, ErasureError> {
        let found = closure(&self.opened, account).await?;
        if found.accounts.len() > 1 {
            return Err(ErasureError::Shared);
        }
        let subjects: Vec<Uuid> = found.subjects.iter().copied().collect();
        match self.ledger.held(&subjects, now).await? {
            Some(until) => Err(ErasureError::Held(until)),
            None => Ok(found),
        }
    }
}

fn somebody(by: &str, why: &str) -> Result<(), ErasureError> {
    if by.trim().is_empty() || why.trim().is_empty() {
        return Err(ErasureError::Nobody);
    }
    Ok(())
}
