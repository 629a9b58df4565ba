//! The log as a folder that any static server serves, and that any verifier for C2SP tlog-tiles reads.

use std::path::Path;

use audit::log::tile;

use super::place;
use crate::{
    config::All,
    exit::{Exit, Failure},
    output,
    prove::evidence,
};

/// Writes all tiles of the newest checkpoint, and that last: whoever reads meanwhile finds what the older one needs.
pub(super) async fn write(all: &All, folder: &Path) -> Result<Exit, Failure> {
    let evidence = evidence(all).await?;
    let shown = evidence.checkpoint().await.map_err(Failure::unreachable)?;
    let Some(shown) = shown else {
        output::note("idtrail: nothing is signed yet, so there is nothing that could be verified");
        return Ok(Exit::No);
    };
    let bar = output::progress("files")?;
    let mut files = 0_u64;
    for tile in tile::all(shown.size) {
        let data = evidence.tile(&tile, shown.size).await;
        let data = data.map_err(Failure::unreachable)?.ok_or_else(|| {
            Failure::usage(format!(
                "the history lacks {tile}, which its checkpoint covers"
            ))
        })?;
        place(&folder.join(tile.to_string()), &data)?;
        files += 1;
        bar.set_position(files);
    }
    let key =
        audit::verifier_key(&all.audit).map_err(|error| Failure::usage(format!("{error:#}")))?;
    if let Some(key) = key {
        place(&folder.join("log.vkey"), format!("{key}\n").as_bytes())?;
    }
    place(&folder.join("checkpoint"), shown.note.as_bytes())?;
    bar.finish_and_clear();
    output::line(&format!(
        "{files} files of {} entries in {}; `idtrail verify {}` reads them",
        shown.size,
        folder.display(),
        folder.display()
    ))?;
    Ok(Exit::Yes)
}
