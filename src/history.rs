//! `history`: every check of a client and every step of it, oldest first.

use audit::{Check, History, HistoryError, Query};
use schemas::Timestamp;

use crate::{
    command::{self, Place},
    config::All,
    erase,
    exit::{Exit, Failure},
    output, process, stores,
};

/// Prints the checks that were asked for; 1 if there are none.
pub(crate) fn run(arguments: &command::History, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
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
        let history = open(&all).await?;
        let shown = show(&history, query, arguments.json).await?;
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

/// Opens the history for reading.
pub(crate) async fn open(all: &All) -> Result<History, Failure> {
    stores::need(all, &["audit"]).await?;
    // The message of `anyhow` leaves causes out, and the cause is what can be mended.
    History::open(&all.audit)
        .await
        .map_err(|error| Failure::usage(format!("{error:#}")))
}

/// Prints the history of one account; how many steps.
pub(crate) async fn of_account(all: &All, account: &str) -> Result<usize, Failure> {
    let history = open(all).await?;
    show(
        &history,
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

async fn show(history: &History, mut query: Query, json: bool) -> Result<usize, Failure> {
    let mut steps = 0;
    loop {
        let page = history.checks(&query).await.map_err(unanswered)?;
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
        HistoryError::Unavailable(retry) => Failure::unreachable(retry),
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
