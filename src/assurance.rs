//! `assurance`: whether everything that came in has come to its end, hour by hour; and the signed statement of a day.

use audit::{Assurance, Hour, Standing};

use crate::{
    command::{self, Place},
    config::All,
    exit::{Exit, Failure},
    output, process, stores,
};

/// Prints the accounts; 1 if something is missing or does not add up, or if there is no such statement.
pub(crate) fn run(arguments: &command::Assurance, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        stores::need(&all, &["audit.database"]).await?;
        let opened = Assurance::open(&all.audit).await;
        let assurance = opened.map_err(|error| Failure::usage(format!("{error:#}")))?;
        if let (Some(day), true) = (&arguments.day, arguments.statement) {
            return statement(&assurance, day).await;
        }
        let standing = assurance.standing(arguments.day.as_deref()).await;
        let standing = standing.map_err(Failure::unreachable)?;
        let standing = standing.ok_or_else(|| Failure::usage("--day: no date, e.g. 2026-11-25"))?;
        if arguments.json {
            for hour in &standing.hours {
                output::json(hour)?;
            }
            output::json(&whole(&standing))?;
        } else {
            table(&standing)?;
        }
        let holds = standing.missing == 0 && standing.violations == 0;
        Ok(if holds { Exit::Yes } else { Exit::No })
    })
}

async fn statement(assurance: &Assurance, day: &str) -> Result<Exit, Failure> {
    let note = assurance.statement(day).await;
    let Some(note) = note.map_err(Failure::unreachable)? else {
        output::note(
            "idtrail: this day is not signed; the audit service signs it when all that is of it had its time",
        );
        return Ok(Exit::No);
    };
    output::text(&note)?;
    Ok(Exit::Yes)
}

/// The last line of `--json`: how it stands, without the hours.
fn whole(standing: &Standing) -> serde_json::Value {
    serde_json::json!({
        "size": standing.size, "reconciled": standing.reconciled, "told_at": standing.told_at,
        "missing": standing.missing, "oldest_missing": standing.oldest_missing,
        "violations": standing.violations, "signed_day": standing.signed_day,
    })
}

fn table(standing: &Standing) -> Result<(), Failure> {
    let row = |hour: &Hour| {
        let mut row = vec![hour.hour.to_string()];
        row.extend(hour.account.counts().map(|(_, count)| count.to_string()));
        row.push(format!("{}..{}", hour.from_seq, hour.to_seq));
        let checkpoint = hour.checkpoint.map(|size| size.to_string());
        row.push(checkpoint.unwrap_or_else(|| "none yet".to_owned()));
        row
    };
    let rows: Vec<Vec<String>> = standing.hours.iter().map(row).collect();
    let head = [
        "HOUR (UTC)",
        "ACCEPTED",
        "AUDITED",
        "REFUSED",
        "REPEATS",
        "ERASED",
        "IN FLIGHT",
        "MISSING",
        "ENTRIES",
        "CHECKPOINT",
    ];
    output::table(&head, &rows)?;
    output::line(&format!(
        "{} of {} entries reconciled, {} callbacks missing, {} violations",
        standing.reconciled, standing.size, standing.missing, standing.violations
    ))?;
    for place in &standing.oldest_missing {
        output::line(&format!("nothing follows {place}"))?;
    }
    Ok(())
}
