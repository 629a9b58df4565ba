//! `history --access`: who looked at what, when, and why.

use audit::{AccessQuery, Asked, Look};

use crate::{
    command,
    config::All,
    exit::{Exit, Failure},
    history::{open, time, unanswered},
    output,
    viewer::viewer,
};

const HEADING: [&str; 8] = [
    "AT", "WHO", "THROUGH", "ASKED", "ROWS", "SEQS", "PURPOSE", "SEQ",
];

/// Prints the looks that were asked for; 1 if there are none.
pub(crate) async fn run(all: &All, arguments: &command::History) -> Result<Exit, Failure> {
    let mut query = AccessQuery {
        account: arguments.account.clone(),
        since: time("--since", arguments.since.as_deref())?,
        until: time("--until", arguments.until.as_deref())?,
        rest: None,
    };
    let viewer = viewer(Asked::Access, &arguments.why)?;
    let history = open(all).await?;
    let mut shown = 0;
    loop {
        let part = history.accesses(&viewer, &query).await;
        let part = part.map_err(unanswered)?;
        shown += part.looks.len();
        if arguments.json {
            part.looks.iter().try_for_each(output::json)?;
        } else if !part.looks.is_empty() {
            // Each part with its heading, since all of them may be more than fits into memory.
            let rows: Vec<Vec<String>> = part.looks.iter().map(row).collect();
            output::table(&HEADING, &rows)?;
        }
        query.rest = part.rest;
        if query.rest.is_none() {
            break;
        }
    }
    if shown == 0 {
        output::note("idtrail: the history tells of no such look");
        return Ok(Exit::No);
    }
    Ok(Exit::Yes)
}

fn row(look: &Look) -> Vec<String> {
    let range = look.first.zip(look.last);
    vec![
        look.at.to_string(),
        look.reader.clone(),
        look.through.clone(),
        look.asked.clone(),
        look.rows.to_string(),
        range.map_or_else(String::new, |(first, last)| format!("{first}-{last}")),
        look.purpose.clone().unwrap_or_default(),
        look.seq
            .map_or_else(|| "noted".to_owned(), |seq| seq.to_string()),
    ]
}
