//! `history`: every check of a client and every step of it, oldest first.

use std::sync::Arc;

use audit::{Asked, Check, HistoryError, Query, Viewer, Viewing};
use schemas::Timestamp;
use stage::{Chance, SystemClock};

use crate::{
    access,
    command::{self, Place},
    config::All,
    erase,
    exit::{Exit, Failure},
    output, process, stores,
    viewer::{Why, viewer},
};

/// Prints the checks that were asked for; 1 if there are none.
pub(crate) fn run(arguments: &command::History, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    if arguments.access {
        return process::block_on(access::run(&all, arguments));
    }
    let query = Query {
        account: arguments.account.clone(),
        contact: arguments.contact.clone(),
        reference: arguments.reference.clone(),
        since: time("--since", arguments.since.as_deref())?,
        until: time("--until", arguments.until.as_deref())?,
        cursor: None,
        limit: 0,
    };
    let (shown, erased) = process::block_on(async {
        let viewer = viewer(Asked::History, &arguments.why)?;
        let history = open(&all).await?;
        let shown = show((&history, &viewer), query, arguments.json).await?;
        let erased = match &arguments.account {
            Some(account) if shown == 0 => erase::erased(&all, account).await,
            Some(_) | None => None,
        };
        Ok((shown, erased))
    })?;
    if shown == 0 {
        let none = "idtrail: the history has no such check";
        output::note(erased.as_deref().unwrap_or(none));
        return Ok(Exit::No);
    }
    Ok(Exit::Yes)
}

/// Opens the history for viewers.
pub(crate) async fn open(all: &All) -> Result<Viewing, Failure> {
    stores::need(all, &["audit"]).await?;
    // The message of `anyhow` leaves causes out, and the cause is what can be mended.
    Viewing::open(&all.audit, Arc::new(SystemClock), Chance::system())
        .await
        .map_err(|error| Failure::usage(format!("{error:#}")))
}

/// Prints the history of one account; how many steps.
pub(crate) async fn of_account(all: &All, account: &str) -> Result<usize, Failure> {
    let viewer = viewer(Asked::History, &Why::default())?;
    let history = open(all).await?;
    show(
        (&history, &viewer),
        Query {
            account: Some(account.to_owned()),
            ..Query::default()
        },
        false,
    )
    .await
}

/// A time that is given on the command line.
pub(crate) fn time(flag: &str, text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let parsed = Timestamp::parse_rfc3339(text);
    parsed.map(Some).ok_or_else(|| {
        Failure::usage(format!(
            "{flag} {text}: no RFC 3339 time, e.g. 2026-11-25T08:00:00Z"
        ))
    })
}

async fn show(
    (history, viewer): (&Viewing, &Viewer),
    mut query: Query,
    json: bool,
) -> Result<usize, Failure> {
    let mut steps = 0;
    loop {
        let page = history.checks(viewer, &query).await.map_err(unanswered)?;
        for check in &page.checks {
            steps += check.steps.len();
            if json {
                for step in &check.steps {
                    output::json(step)?;
                }
            } else {
                table(check)?;
            }
        }
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(steps);
        }
    }
}

/// Why the history gave no answer.
pub(crate) fn unanswered(error: HistoryError) -> Failure {
    match error {
        error @ (HistoryError::Unavailable(_) | HistoryError::Unrecorded(_)) => {
            Failure::unreachable(error)
        }
        HistoryError::Cursor | HistoryError::TooLarge => Failure::usage(error),
    }
}

fn table(check: &Check) -> std::io::Result<()> {
    let provider = check.provider.as_deref().unwrap_or("unknown provider");
    output::line(&format!(
        "{provider}/{}",
        check
            .provider_reference
            .as_deref()
            .unwrap_or("no reference")
    ))?;
    let rows: Vec<Vec<String>> = check
        .steps
        .iter()
        .map(|step| {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            vec![
                format!("  {}", step.at),
                step.step.clone(),
                text(&step.outcome) + if step.repeat { " (repeat)" } else { "" },
                text(&step.account),
                text(&step.contact),
                format!(
                    "{}/{}/{}",
                    step.source.topic, step.source.partition, step.source.offset
                ),
                step.seq.to_string(),
                step.leaf_hash.chars().take(12).collect(),
            ]
        })
        .collect();
    output::table(
        &[
            "  AT", "STEP", "OUTCOME", "ACCOUNT", "CONTACT", "SOURCE", "SEQ", "LEAF",
        ],
        &rows,
    )?;
    output::line("")
}
