//! `spool list | resend`: what a stopped door has answered 200 and could not send.

use ingest::spool::{
    Config,
    aside::{self, AsideError},
};

use crate::{
    command::{Place, Spool, SpoolWhat},
    config::All,
    exit::{Exit, Failure},
    output, process,
};

/// Lists, or puts back.
pub(crate) fn run(arguments: &Spool, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    let config = all
        .door
        .spool
        .as_ref()
        .ok_or_else(|| Failure::usage("no spool is set; the section is `door.spool`"))?;
    process::block_on(async {
        match &arguments.what {
            SpoolWhat::List { json } => list(config, *json).await,
            SpoolWhat::Resend => resend(config).await,
        }
    })
}

async fn list(config: &Config, json: bool) -> Result<Exit, Failure> {
    let shown = aside::list(config).await.map_err(failure)?;
    if json {
        for one in &shown {
            output::json(one)?;
        }
    } else {
        let row = |one: &aside::Aside| {
            let opens = if one.opens { "yes" } else { "no" };
            vec![
                one.number.to_string(),
                one.at.clone(),
                one.bytes.to_string(),
                one.reason.clone(),
                opens.to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        output::table(&["NUMBER", "AT", "BYTES", "REASON", "OPENS"], &rows)?;
    }
    if shown.len() >= aside::SHOWN {
        output::note(&format!("only the first {} are shown", aside::SHOWN));
    }
    Ok(if shown.is_empty() {
        Exit::No
    } else {
        Exit::Yes
    })
}

async fn resend(config: &Config) -> Result<Exit, Failure> {
    let back = aside::resend(config).await.map_err(failure)?;
    let left = aside::list(config).await.map_err(failure)?;
    output::note(&format!(
        "{back} put back; the door sends them when it starts"
    ));
    if left.is_empty() {
        return Ok(Exit::Yes);
    }
    output::note(
        "the keys do not open all of it: name earlier ones in `door.spool.previous_key_files`",
    );
    Ok(Exit::No)
}

fn failure(error: AsideError) -> Failure {
    match error {
        AsideError::Held(_) => Failure::unreachable(error),
        AsideError::File(_, _) => Failure::usage(error),
    }
}
