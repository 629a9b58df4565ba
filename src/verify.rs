//! `verify`: whether a log, a proof or a pack holds, judged without trusting whoever keeps it.

use std::path::{Path, PathBuf};

use audit::{
    log::{key::VerifierKey, note::MAX_NOTE, policy::Policy, policy::Satisfied, proof::MAX_PROOF},
    pack::{self, zip::MAX_ZIP},
    statement::HEAD,
    verify::{self, Claims, ClockStep, Finding, Folder, Leaves, LogReader, Pinned, Unread},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::Timestamp;

use crate::{
    command::Verify,
    exit::{Exit, Failure},
    output, process,
};

mod pack_of;
mod statement;
mod url;

/// Longest policy or key file.
const MAX_KEYS: usize = 256 << 10;
const OWN_KEY: &str = "idtrail: the key comes from the log itself, so this shows that all is whole and not whose it is; give --vkey or --policy";
/// Longest leaf: its length stands in two bytes.
const MAX_LEAF: usize = u16::MAX as usize;

/// What is verified.
enum What {
    Log(Box<dyn LogReader>),
    Proof(PathBuf),
    Pack(Vec<u8>),
    Statement(Vec<u8>),
}

/// Verifies, and says what does not hold.
pub(crate) fn run(arguments: &Verify) -> Result<Exit, Failure> {
    let what = what(&arguments.what)?;
    process::block_on(async {
        let policy = policy(arguments, &what).await?;
        let since = match &arguments.since {
            None => None,
            Some(path) => match Pinned::of(&read(path, MAX_NOTE)?, &policy) {
                Ok(pinned) => Some(pinned),
                Err(finding) => return said(arguments, None, 0, &[finding]),
            },
        };
        let leaves = if arguments.foreign {
            Leaves::Any
        } else {
            Leaves::Ours
        };
        let claims = Claims {
            policy,
            leaves,
            since,
        };
        match what {
            What::Log(reader) => log(arguments, reader.as_ref(), &claims).await,
            What::Proof(path) => proof(arguments, &path, &claims),
            What::Pack(pack) => pack_of::check(arguments, &pack, &claims),
            What::Statement(note) => statement::check(arguments, &note, &claims).await,
        }
    })
}

fn what(text: &str) -> Result<What, Failure> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(What::Log(Box::new(url::Url::new(text)?)));
    }
    let path = Path::new(text);
    if path.is_dir() {
        return Ok(What::Log(Box::new(Folder::new(path))));
    }
    if path.extension().is_some_and(|extension| extension == "zip") {
        return Ok(What::Pack(read(path, MAX_ZIP)?));
    }
    if path.is_file() {
        let start = read_at_most(path, HEAD.len())?;
        if start == HEAD.as_bytes() {
            return Ok(What::Statement(read(path, MAX_NOTE)?));
        }
        return Ok(What::Proof(path.to_owned()));
    }
    Err(Failure::usage(format!(
        "{text}: neither a folder, nor a file, nor a URL"
    )))
}

/// Reads a file that is given on the command line.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let bytes = read_at_most(path, limit.saturating_add(1))?;
    if bytes.len() > limit {
        return Err(Failure::usage(format!(
            "{}: longer than {limit} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

/// The beginning of a file.
fn read_at_most(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;

    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Whose signatures count.
async fn policy(arguments: &Verify, what: &What) -> Result<Policy, Failure> {
    if let Some(path) = &arguments.policy {
        let text = String::from_utf8(read(path, MAX_KEYS)?).map_err(Failure::usage)?;
        return Policy::parse(&text)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())));
    }
    let text = match (&arguments.vkey, what) {
        (Some(given), _) => match VerifierKey::parse(given) {
            Some(key) => return Ok(Policy::of_log(key)),
            None => String::from_utf8(read(Path::new(given), MAX_KEYS)?).map_err(Failure::usage)?,
        },
        (None, What::Log(reader)) => served_key(reader.as_ref()).await?,
        (None, What::Pack(pack)) => {
            output::note(OWN_KEY);
            let text = pack::policy(pack).unwrap_or_default();
            return Policy::parse(&text)
                .map_err(|error| Failure::usage(format!("the pack's policy.txt: {error}")));
        }
        (None, What::Proof(_) | What::Statement(_)) => {
            return Err(Failure::usage(
                "it says nothing without a key: give --vkey or --policy",
            ));
        }
    };
    let key = VerifierKey::parse(text.trim()).ok_or_else(|| {
        Failure::usage("--vkey: no verifier key, e.g. example.org/log+0123abcd+AZ…")
    })?;
    Ok(Policy::of_log(key))
}

/// The key that the log itself shows, for want of a better one.
async fn served_key(reader: &dyn LogReader) -> Result<String, Failure> {
    for path in ["log.vkey", "vkey"] {
        if let Some(bytes) = reader.read(path, MAX_KEYS).await.map_err(unread)? {
            output::note(OWN_KEY);
            return String::from_utf8(bytes).map_err(Failure::usage);
        }
    }
    Err(Failure::usage(
        "there is no log.vkey beside the checkpoint: give --vkey or --policy",
    ))
}

fn unread(error: Unread) -> Failure {
    Failure::unreachable(error)
}

async fn log(arguments: &Verify, reader: &dyn LogReader, claims: &Claims) -> Result<Exit, Failure> {
    let bar = output::progress("entries")?;
    let mut progress = |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let report = verify::log(reader, claims, &mut progress).await;
    bar.finish_and_clear();
    let report = report.map_err(unread)?;
    for step in &report.steps {
        stepped(arguments, step)?;
    }
    said(
        arguments,
        report.accepted.as_ref(),
        report.entries,
        &report.findings,
    )
}

/// Tells where the log says that its clock was set. It is no finding: it explains one, or a gap between times.
fn stepped(arguments: &Verify, step: &ClockStep) -> Result<(), Failure> {
    let at = Timestamp::from_micros(step.at.saturating_mul(1_000));
    let says = format!(
        "entry {} says that the clock was set: times before it and from {at} on are of two clocks",
        step.index
    );
    if arguments.json {
        let note = serde_json::json!({
            "note": "clock_step", "entry": step.index, "at": at, "says": says,
        });
        output::json(&note)?;
    } else {
        output::note(&format!("idtrail: {says}"));
    }
    Ok(())
}

fn proof(arguments: &Verify, path: &Path, claims: &Claims) -> Result<Exit, Failure> {
    if claims.since.is_some() {
        return Err(Failure::usage(
            "--since is for a whole log; one proof does not lead to an older checkpoint",
        ));
    }
    let text = read(path, MAX_PROOF)?;
    let leaf = match &arguments.leaf {
        Some(path) => Some(read(path, MAX_LEAF)?),
        None => None,
    };
    match verify::record(&text, leaf.as_deref(), claims) {
        Ok((accepted, _)) => said(arguments, Some(&accepted), 1, &[]),
        Err(finding) => said(arguments, None, 1, &[finding]),
    }
}

/// Prints what was found, and the whole.
fn said(
    arguments: &Verify,
    accepted: Option<&Satisfied>,
    entries: u64,
    findings: &[Finding],
) -> Result<Exit, Failure> {
    let holds = findings.is_empty();
    if arguments.json {
        for finding in findings {
            output::json(&serde_json::json!({
                "finding": finding.word(), "path": finding.path(), "entry": finding.index(),
                "says": finding.to_string(),
            }))?;
        }
        output::json(&serde_json::json!({
            "holds": holds, "entries": entries,
            "origin": accepted.map(|one| &one.checkpoint.origin),
            "size": accepted.map(|one| one.checkpoint.size),
            "root": accepted.map(|one| STANDARD.encode(one.checkpoint.root)),
            "cosigned": accepted.map(|one| &one.cosigned),
        }))?;
    } else {
        for finding in findings {
            output::line(&format!("does not hold: {finding}"))?;
        }
        if let Some(one) = accepted.filter(|_| holds) {
            let checkpoint = &one.checkpoint;
            output::line(&format!(
                "holds: {entries} of {} entries of {} read, root {}, seen by {} witnesses",
                checkpoint.size,
                checkpoint.origin,
                STANDARD.encode(checkpoint.root),
                one.cosigned.len()
            ))?;
        }
    }
    Ok(if holds { Exit::Yes } else { Exit::No })
}
