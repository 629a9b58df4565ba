//! `prove`: the proof that an entry stands in the log, as a text that needs nothing of ours to be checked.

use audit::{Asked, Evidence, Shown, Viewer, Viewing, log::proof::Proof};

use crate::{
    command::{Place, Prove},
    config::All,
    exit::{Exit, Failure},
    history::{open, unanswered},
    output, process,
    viewer::viewer,
};

mod remote;

/// Proves one entry, or every step of a check.
pub(crate) fn run(arguments: &Prove, place: &Place) -> Result<Exit, Failure> {
    if let (Some(url), Some(event)) = (&arguments.url, &arguments.event) {
        return process::block_on(remote::run(arguments, url, event));
    }
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        let viewer = viewer(Asked::Prove, &arguments.why)?;
        let history = open(&all).await?;
        let steps = match (&arguments.event, arguments.seq) {
            (_, Some(seq)) => {
                history.entry(&viewer, seq).await.map_err(unanswered)?;
                vec![seq]
            }
            (Some(event), None) => steps((&history, &viewer), event, arguments.json).await?,
            (None, None) => Vec::new(),
        };
        if steps.is_empty() {
            output::note("idtrail: the history has no such event");
            return Ok(Exit::No);
        }
        let evidence = evidence(&all).await?;
        let shown = evidence.checkpoint().await.map_err(Failure::unreachable)?;
        let Some(shown) = shown else {
            return Ok(unsigned());
        };
        let mut exit = Exit::Yes;
        for seq in steps {
            if !prove(&evidence, seq, &shown, arguments.json).await? {
                exit = unsigned();
            }
        }
        Ok(exit)
    })
}

/// Opens the log for reading.
pub(crate) async fn evidence(all: &All) -> Result<Evidence, Failure> {
    crate::stores::need(all, &["audit.database"]).await?;
    Evidence::open(&all.audit)
        .await
        .map_err(|error| Failure::usage(format!("{error:#}")))
}

/// The first step that brought the event; or all steps of its check.
async fn steps(
    (history, viewer): (&Viewing, &Viewer),
    event: &str,
    every: bool,
) -> Result<Vec<u64>, Failure> {
    let check = history.check_of(viewer, event).await.map_err(unanswered)?;
    let steps = check.map(|check| check.steps).unwrap_or_default();
    let brought = steps
        .iter()
        .filter(|step| every || step.event_id.as_deref() == Some(event));
    let seqs = brought.filter_map(|step| u64::try_from(step.seq).ok());
    Ok(seqs.take(if every { usize::MAX } else { 1 }).collect())
}

fn unsigned() -> Exit {
    output::note(
        "idtrail: no checkpoint covers this entry; the log signs one each second while it runs",
    );
    Exit::No
}

async fn prove(evidence: &Evidence, seq: u64, shown: &Shown, json: bool) -> Result<bool, Failure> {
    let proof = evidence.proof(seq, shown);
    let Some(mut proof) = proof.await.map_err(Failure::unreachable)? else {
        return Ok(false);
    };
    // Without it the proof would show that some hash stands there, and not what.
    proof.extra = evidence.leaf(seq).await.map_err(Failure::unreachable)?;
    print(seq, &proof, json)?;
    Ok(true)
}

fn print(seq: u64, proof: &Proof, json: bool) -> std::io::Result<()> {
    if json {
        let leaf = proof.extra.as_deref().map(String::from_utf8_lossy);
        output::json(&serde_json::json!({
            "seq": seq, "leaf": leaf, "proof": proof.to_string(),
        }))
    } else {
        output::text(&proof.to_string())
    }
}
