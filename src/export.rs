//! `export`: the log as static files, the history as a table, and the evidence pack of an account.

use std::path::Path;

use crate::{
    command::{Export, Place},
    config::All,
    exit::{Exit, Failure},
    process,
};

mod cells;
mod history;
mod pack;
mod parquet;
mod tiles;

/// Writes what was asked for.
pub(crate) fn run(arguments: &Export, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        match (&arguments.tiles, &arguments.pack, &arguments.account) {
            (Some(folder), _, _) => tiles::write(&all, folder).await,
            (None, Some(out), Some(account)) => pack::write(&all, arguments, (account, out)).await,
            (None, _, _) => match (arguments.format, &arguments.out) {
                (Some(format), Some(out)) => history::write(&all, arguments, (format, out)).await,
                _ => Err(Failure::usage(
                    "give --tiles DIR, --pack FILE with --account A, or --format with --out",
                )),
            },
        }
    })
}

/// Writes a file so that it is there whole or not at all.
fn place(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, bytes).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
