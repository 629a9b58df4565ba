//! The evidence pack of an account: records, proofs, checkpoint, and a page that checks them offline.

use std::path::Path;

use audit::{
    Asked, Check, Evidence, Query, Viewer, Viewing,
    log::{checkpoint::Checkpoint, note::MAX_NOTE, note::Note, policy::Policy},
    pack::{self, Given, MAX_RECORDS},
};

use super::place;
use crate::{
    command::Export,
    config::All,
    exit::{Exit, Failure},
    history::{open, time, unanswered},
    output,
    prove::evidence,
    verify::read,
    viewer::viewer,
};

/// Writes the pack of what was asked for.
pub(super) async fn write(
    all: &All,
    arguments: &Export,
    (account, out): (&str, &Path),
) -> Result<Exit, Failure> {
    let viewer = viewer(Asked::Pack, &arguments.why)?;
    let history = open(all).await?;
    let evidence = evidence(all).await?;
    let mut query = Query {
        account: Some(account.to_owned()),
        since: time("--since", arguments.since.as_deref())?,
        until: time("--until", arguments.until.as_deref())?,
        ..Query::default()
    };
    let checks = all_checks(&history, &viewer, &mut query).await?;
    let shown = evidence.checkpoint().await.map_err(Failure::unreachable)?;
    let (Some(shown), false) = (shown, checks.is_empty()) else {
        output::note("idtrail: there is no check of this account that a checkpoint covers");
        return Ok(Exit::No);
    };
    let records = history.openings(&checks).await.map_err(unanswered)?;
    if records.len() > MAX_RECORDS {
        return Err(too_many());
    }
    // A pack that leaves out the newest steps would look whole, and not be.
    let later = records.iter().filter(|record| record.index >= shown.size);
    let later = later.count();
    if later > 0 {
        output::note(&format!(
            "idtrail: {later} records of this account are newer than the newest checkpoint; nothing was written, try again in a second"
        ));
        return Ok(Exit::No);
    }
    let bar = output::progress("records")?;
    let mut proved = Vec::new();
    for mut record in records {
        let lacking = || Failure::usage(format!("the history lacks entry {}", record.index));
        let proof = evidence.proof(record.index, &shown).await;
        let proof = proof.map_err(Failure::unreachable)?.ok_or_else(lacking)?;
        let leaf = evidence.leaf(record.index).await;
        let leaf = leaf.map_err(Failure::unreachable)?.ok_or_else(lacking)?;
        record.leaf = String::from_utf8(leaf).map_err(Failure::usage)?;
        proved.push((record, proof));
        bar.inc(1);
    }
    let count = proved.len();
    let entries: Vec<u64> = proved.iter().map(|(record, _)| record.index).collect();
    let stamps = evidence.stamps(&entries, &shown).await;
    let stamps = stamps.map_err(Failure::unreachable)?;
    let given = Given {
        records: proved,
        policy: policy(all, &shown.note)?,
        consistency: consistency(arguments, &evidence, shown.size).await?,
        checkpoint: shown.note,
        stamps,
    };
    let zip = pack::write(&given).ok_or_else(too_many)?;
    place(out, &zip)?;
    bar.finish_and_clear();
    output::line(&format!(
        "{count} records in {}; it may hold personal data",
        out.display()
    ))?;
    if arguments.since.is_some() || arguments.until.is_some() {
        output::note("idtrail: narrowed by time, so it is not complete: verify it with --part");
    }
    Ok(Exit::Yes)
}

/// Every check of the question, as far as one pack can hold them.
async fn all_checks(
    history: &Viewing,
    viewer: &Viewer,
    query: &mut Query,
) -> Result<Vec<Check>, Failure> {
    let mut checks: Vec<Check> = Vec::new();
    loop {
        let page = history.checks(viewer, query).await.map_err(unanswered)?;
        checks.extend(page.checks);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(checks);
        }
        if checks.len() > MAX_RECORDS {
            return Err(too_many());
        }
    }
}

fn too_many() -> Failure {
    Failure::usage("more than one pack can hold; narrow it with --since or --until")
}

/// The policy of the settings, which the checkpoint must satisfy already: nobody is handed a pack that its own policy
/// refuses.
fn policy(all: &All, checkpoint: &str) -> Result<String, Failure> {
    let text = audit::policy(&all.audit);
    let text = text.map_err(|error| Failure::usage(format!("{error:#}")))?;
    let text =
        text.ok_or_else(|| Failure::usage("the setting `audit.log_key_file` names no key"))?;
    Policy::parse(&text)
        .and_then(|policy| policy.check(checkpoint.as_bytes()))
        .map_err(|error| {
            Failure::usage(format!(
                "nothing was written: by `audit.witnesses` and `audit.witness_quorum` {error}"
            ))
        })?;
    Ok(text)
}

/// The way from the auditor's older checkpoint to the newest one.
async fn consistency(
    arguments: &Export,
    evidence: &Evidence,
    size: u64,
) -> Result<Option<Vec<[u8; 32]>>, Failure> {
    let Some(path) = &arguments.since_checkpoint else {
        return Ok(None);
    };
    let note = Note::parse(&read(path, MAX_NOTE)?).map_err(Failure::usage)?;
    let old = Checkpoint::parse(note.text())
        .ok_or_else(|| Failure::usage(format!("{}: no checkpoint", path.display())))?;
    let hashes = evidence.consistency(old.size, size).await;
    let hashes = hashes.map_err(Failure::unreachable)?;
    let hashes = hashes.ok_or_else(|| {
        Failure::usage(format!(
            "the log has {size} entries, and the older checkpoint {}",
            old.size
        ))
    })?;
    Ok(Some(hashes))
}
