//! The signed account of a day, alone or held against its log.

use audit::verify::{self, Claims, LogReader};

use super::{What, unread, what};
use crate::{
    command::Verify,
    exit::{Exit, Failure},
    output,
};

/// Checks a statement, and says what it says.
pub(super) async fn check(
    arguments: &Verify,
    note: &[u8],
    claims: &Claims,
) -> Result<Exit, Failure> {
    let log = match arguments.log.as_deref().map(what).transpose()? {
        None => None,
        Some(What::Log(reader)) => Some(reader),
        Some(What::Proof(_) | What::Pack(_) | What::Statement(_)) => {
            return Err(Failure::usage("--log: neither a folder nor a URL of a log"));
        }
    };
    let bar = output::progress("entries")?;
    let mut progress = |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let reader: Option<&dyn LogReader> = log.as_deref();
    let stated = verify::statement(note, reader, claims, &mut progress).await;
    bar.finish_and_clear();
    let stated = stated.map_err(unread)?;
    let holds = stated.findings.is_empty();
    for finding in &stated.findings {
        if arguments.json {
            output::json(&serde_json::json!({
                "finding": finding.word(), "path": finding.path(), "entry": finding.index(),
                "says": finding.to_string(),
            }))?;
        } else {
            output::line(&format!("does not hold: {finding}"))?;
        }
    }
    let one = stated.statement.as_ref();
    if arguments.json {
        output::json(&serde_json::json!({
            "holds": holds, "entries": stated.entries, "day": one.map(|one| &one.day),
            "origin": one.map(|one| &one.origin), "size": one.map(|one| one.checkpoint.0),
            "accepted": one.map(|one| one.account.accepted), "missing": one.map(|one| one.account.missing),
        }))?;
    } else if let Some(one) = one.filter(|_| holds) {
        let account = &one.account;
        output::line(&format!(
            "holds: {} of {}: {} accepted = {} audited + {} refused + {} repeats + {} erased + {} in flight + {} missing",
            one.day,
            one.origin,
            account.accepted,
            account.audited,
            account.refused,
            account.repeats,
            account.erased,
            account.in_flight,
            account.missing
        ))?;
        if log.is_none() {
            output::note(
                "idtrail: held against nothing but its signature; give --log to count the log's entries",
            );
        }
    }
    Ok(if holds { Exit::Yes } else { Exit::No })
}
