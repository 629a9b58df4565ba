//! `hold`, `erase`, `relationship`, `retention` and `keys`: what the law says of clients.

use std::time::Duration;

use audit::{Clients, Erasure, ErasureError, HistoryError, State};
use schemas::{Date, Timestamp};
use stage::{Chance, Clock as _, SystemClock};

use crate::{
    command::{
        Erase, EraseWhat, Hold, Keys, KeysWhat, Place, Relationship, RelationshipWhat, Retention,
    },
    config::All,
    exit::{Exit, Failure},
    output, process, stores,
};

/// How long `approve` waits for the service, which looks every second and first writes into the log.
const PATIENCE: u32 = 15;
const LOOK: Duration = Duration::from_secs(1);

/// Keeps an account's records until a date.
pub(crate) fn hold(arguments: &Hold, place: &Place) -> Result<Exit, Failure> {
    let until = day("--until", &arguments.until)?;
    with_clients(place, async |clients| {
        let said = (
            arguments.basis.as_str(),
            arguments.by.as_str(),
            SystemClock.now(),
        );
        let Some(held) = answer(clients.hold(&arguments.account, until, said).await)? else {
            return Ok(Exit::No);
        };
        output::note(&format!("{held} client keys are held until {until}"));
        Ok(Exit::Yes)
    })
}

/// Asks for an erasure, approves one, or lists them.
pub(crate) fn erase(arguments: &Erase, place: &Place) -> Result<Exit, Failure> {
    with_clients(place, async |clients| match &arguments.what {
        EraseWhat::Request {
            account,
            reason,
            by,
            json,
        } => {
            let said = (reason.as_str(), by.as_str(), SystemClock.now());
            let asked = clients.request(account, said, Chance::system()).await;
            let Some(erasure) = answer(asked)? else {
                return Ok(Exit::No);
            };
            if *json {
                output::json(&erasure)?;
            } else {
                output::line(&erasure.id)?;
                let approve = format!("`idtrail erase approve {} --by …`", erasure.id);
                output::note(&format!("somebody else approves it by {approve}"));
            }
            Ok(Exit::Yes)
        }
        EraseWhat::Approve { id, by } => approve(&clients, id, by).await,
        EraseWhat::List { json } => {
            let Some(erasures) = answer(clients.erasures().await)? else {
                return Ok(Exit::No);
            };
            list(&erasures, *json)
        }
    })
}

async fn approve(clients: &Clients, id: &str, by: &str) -> Result<Exit, Failure> {
    if answer(clients.approve(id, by, SystemClock.now()).await)?.is_none() {
        return Ok(Exit::No);
    }
    let mut waits = None;
    for _ in 0..PATIENCE {
        let erasure = answer(clients.erasure(id).await)?.flatten();
        let Some(erasure) = erasure else {
            return Ok(Exit::No);
        };
        match (erasure.state, erasure.effective_by) {
            (State::Destroyed, Some(by)) => {
                output::note(&format!(
                    "erased; the last backup that may hold the keys is gone by {by}"
                ));
                return Ok(Exit::Yes);
            }
            (State::Refused, _) => {
                let why = erasure.why.unwrap_or_default();
                output::note(&format!("idtrail: it was refused: {why}"));
                return Ok(Exit::No);
            }
            (State::Requested | State::Approved | State::Destroying | State::Destroyed, _) => {
                waits = erasure.why;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    let when = "the audit service erases it when it runs: `idtrail erase list` tells when";
    output::note(&match waits {
        Some(waits) => format!("approved, and {waits}; {when}"),
        None => format!("approved; {when}"),
    });
    Ok(Exit::Yes)
}

fn list(erasures: &[Erasure], json: bool) -> Result<Exit, Failure> {
    if json {
        for erasure in erasures {
            output::json(erasure)?;
        }
        return Ok(Exit::Yes);
    }
    let row = |erasure: &Erasure| {
        let time = |time: Option<Timestamp>| time.map(|at| at.to_string()).unwrap_or_default();
        vec![
            erasure.id.clone(),
            erasure.state.word().to_owned(),
            erasure.requested_at.to_string(),
            erasure.requester.clone(),
            erasure.approver.clone().unwrap_or_default(),
            time(erasure.destroyed_at),
            time(erasure.effective_by),
            erasure
                .why
                .clone()
                .unwrap_or_else(|| erasure.reason.clone()),
        ]
    };
    let rows: Vec<Vec<String>> = erasures.iter().map(row).collect();
    let head = [
        "ID",
        "STATE",
        "REQUESTED",
        "BY",
        "APPROVED BY",
        "DESTROYED",
        "GONE BY",
        "WHY",
    ];
    output::table(&head, &rows)?;
    Ok(Exit::Yes)
}

/// Notes the end of a relationship.
pub(crate) fn relationship(arguments: &Relationship, place: &Place) -> Result<Exit, Failure> {
    let RelationshipWhat::End { account, at, by } = &arguments.what;
    let ended = day("--at", at)?;
    with_clients(place, async |clients| {
        let done = clients.end(account, ended, (by, SystemClock.now())).await;
        let Some(due) = answer(done)? else {
            return Ok(Exit::No);
        };
        output::note(&format!("the account's records are due on {due}"));
        Ok(Exit::Yes)
    })
}

/// Prints what is kept until when; 1 if something should be gone.
pub(crate) fn retention(arguments: &Retention, place: &Place) -> Result<Exit, Failure> {
    with_clients(place, async |clients| {
        let Some(report) = answer(clients.retention(SystemClock.now()).await)? else {
            return Ok(Exit::No);
        };
        if arguments.json {
            output::json(&report)?;
        } else {
            output::line(&format!(
                "clients: {} active, {} held, {} being destroyed, {} destroyed",
                report.active, report.held, report.destroying, report.destroyed
            ))?;
            let row = |one: &audit::Due| {
                let held = one.held_until.map(|until| until.to_string());
                vec![
                    one.account.clone(),
                    one.ended_at.to_string(),
                    one.due_at.to_string(),
                    held.unwrap_or_default(),
                    if one.overdue { "overdue" } else { "" }.to_owned(),
                ]
            };
            let rows: Vec<Vec<String>> = report.ended.iter().map(row).collect();
            output::table(
                &["ACCOUNT (BLIND)", "ENDED", "DUE", "HELD UNTIL", ""],
                &rows,
            )?;
        }
        let overdue = report.ended.iter().any(|one| one.overdue);
        Ok(if overdue { Exit::No } else { Exit::Yes })
    })
}

/// Rotates the key-encryption key.
pub(crate) fn keys(arguments: &Keys, place: &Place) -> Result<Exit, Failure> {
    let KeysWhat::Rotate { new_key_file } = &arguments.what;
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        stores::need(&all, &["audit"]).await?;
        let now = SystemClock.now();
        let rotated = audit::rotate(&all.audit, new_key_file, now, Chance::system()).await;
        let resealed = rotated.map_err(|error| Failure::usage(format!("{error:#}")))?;
        output::note(&format!(
            "{resealed} data keys are sealed anew, and the old key opens nothing any more\nset `audit.key_file` to {} (or let `audit.key_command` print that key) and start the audit service again: until then it waits",
            new_key_file.display()
        ));
        Ok(Exit::Yes)
    })
}

/// When an account was erased, in words; nothing if it was not, or nobody can tell any more.
pub(crate) async fn erased(all: &All, account: &str) -> Option<String> {
    let clients = Clients::open(&all.audit).await.ok()?;
    let erasure = clients.erased(account).await.ok()??;
    let (at, entry) = erasure.destroyed_at.zip(erasure.entry)?;
    Some(format!(
        "idtrail: what was recorded of this account was erased at {at}; entry {entry} of the log says by whom and why"
    ))
}

fn with_clients(
    place: &Place,
    work: impl AsyncFnOnce(Clients) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        stores::need(&all, &["audit"]).await?;
        let opened = Clients::open(&all.audit).await;
        let clients = opened.map_err(|error| Failure::usage(format!("{error:#}")))?;
        work(clients).await
    })
}

/// What was done; nothing where the answer is no, and then it was said why.
fn answer<T>(done: Result<T, ErasureError>) -> Result<Option<T>, Failure> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(ErasureError::History(HistoryError::Unavailable(retry))) => {
            Err(Failure::unreachable(retry))
        }
        Err(wrong @ (ErasureError::Nobody | ErasureError::Date(_) | ErasureError::History(_))) => {
            Err(Failure::usage(wrong))
        }
        Err(no) => {
            output::note(&format!("idtrail: {no}"));
            Ok(None)
        }
    }
}

fn day(flag: &str, text: &str) -> Result<Timestamp, Failure> {
    let midnight = Date::parse(text).map(|date| format!("{date}T00:00:00Z"));
    let time = Timestamp::parse_rfc3339(midnight.as_deref().unwrap_or(text));
    time.ok_or_else(|| Failure::usage(format!("{flag} {text}: no date, e.g. 2031-11-25")))
}
