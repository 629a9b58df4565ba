//! The history as one file, with its SHA-256 beside it.

use std::path::Path;

use audit::{Asked, Query, Step, log::tree::sha256};

use super::{cells, parquet::Parquet, place};
use crate::{
    command::{Export, Format},
    config::All,
    exit::{Exit, Failure},
    history::{open, time, unanswered},
    output,
    viewer::viewer,
};

/// Largest file: beyond it the export is asked for by account or by time.
const MAX_FILE: usize = 1 << 30;
const COLUMNS: [&str; 16] = [
    "seq",
    "at",
    "step",
    "provider",
    "provider_reference",
    "customer_reference",
    "transaction_reference",
    "account",
    "contact",
    "event_id",
    "outcome",
    "repeat",
    "topic",
    "partition",
    "offset",
    "leaf_hash",
];

/// Writes every step of the checks that were asked for.
pub(super) async fn write(
    all: &All,
    arguments: &Export,
    (format, out): (Format, &Path),
) -> Result<Exit, Failure> {
    let viewer = viewer(Asked::Export, &arguments.why)?;
    let history = open(all).await?;
    let mut query = Query {
        account: arguments.account.clone(),
        since: time("--since", arguments.since.as_deref())?,
        until: time("--until", arguments.until.as_deref())?,
        ..Query::default()
    };
    let bar = output::progress("steps")?;
    let mut file = Growing::new(format)?;
    let mut steps = 0_u64;
    loop {
        let page = history.checks(&viewer, &query).await.map_err(unanswered)?;
        for step in page.checks.iter().flat_map(|check| &check.steps) {
            file.push(step)?;
            steps += 1;
        }
        bar.set_position(steps);
        if file.len() > MAX_FILE {
            return Err(Failure::usage(
                "more than 1 GiB; narrow it with --account, --since or --until",
            ));
        }
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    let bytes = file.finish()?;
    let sum = hex::encode(sha256(&[&bytes]));
    place(out, &bytes)?;
    let name = out.file_name().unwrap_or(out.as_os_str()).to_string_lossy();
    let mut beside = out.as_os_str().to_owned();
    beside.push(".sha256");
    // As `sha256sum --check` reads it.
    place(Path::new(&beside), format!("{sum}  {name}\n").as_bytes())?;
    bar.finish_and_clear();
    output::line(&format!(
        "{steps} steps in {}, SHA-256 {sum}",
        out.display()
    ))?;
    Ok(Exit::Yes)
}

/// A file that grows step by step.
enum Growing {
    Ndjson(String),
    Csv(String),
    Parquet(Box<Parquet>),
}

impl Growing {
    fn new(format: Format) -> Result<Self, Failure> {
        Ok(match format {
            Format::Ndjson => Self::Ndjson(String::new()),
            Format::Csv => Self::Csv(cells::row(COLUMNS)),
            Format::Parquet => Self::Parquet(Box::new(Parquet::new().map_err(Failure::usage)?)),
        })
    }

    fn push(&mut self, step: &Step) -> Result<(), Failure> {
        match self {
            Self::Ndjson(text) => {
                text.push_str(&serde_json::to_string(step).map_err(Failure::usage)?);
                text.push('\n');
            }
            Self::Csv(text) => text.push_str(&row(step)),
            Self::Parquet(file) => file.push(step).map_err(Failure::usage)?,
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Ndjson(text) | Self::Csv(text) => text.len(),
            Self::Parquet(file) => file.len(),
        }
    }

    fn finish(self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Ndjson(text) | Self::Csv(text) => Ok(text.into_bytes()),
            Self::Parquet(file) => file.finish().map_err(Failure::usage),
        }
    }
}

fn row(step: &Step) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let cells = [
        step.seq.to_string(),
        step.at.to_string(),
        step.step.clone(),
        text(&step.provider),
        text(&step.provider_reference),
        text(&step.customer_reference),
        text(&step.transaction_reference),
        text(&step.account),
        text(&step.contact),
        text(&step.event_id),
        text(&step.outcome),
        step.repeat.to_string(),
        step.source.topic.clone(),
        step.source.partition.to_string(),
        step.source.offset.to_string(),
        step.leaf_hash.clone(),
    ];
    cells::row(cells.iter().map(String::as_str))
}
