//! Three verifiers of transparency logs that are not ours, each of its own code base: Tessera's fsck, torchwood, aics-tlog.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::world::Parts;

/// How long one verifier may take. Some never end on a forged log, and that is a refusal too.
const PATIENCE: &str = "60";
/// Workers of fsck. With one, its default, it waits for ever for a worker that has stopped at a forged tile.
const WORKERS: &str = "32";

/// What one of them says of a log.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// Which one.
    pub(super) tool: &'static str,
    /// Whether it holds the log for whole.
    pub(super) accepted: bool,
    /// What it said.
    pub(super) said: String,
}

/// The verifiers, as `tests/run` exports them.
#[derive(Clone, Debug)]
pub(super) struct Verifiers {
    fsck: PathBuf,
    torchverify: PathBuf,
    aics: PathBuf,
}

impl Verifiers {
    /// Those that the environment names; none, with a printed line, where it does not.
    pub(super) fn of_environment() -> Option<Self> {
        let program = |name: &str| Parts::variable(name).map(PathBuf::from);
        let verifiers = (|| {
            Some(Self {
                fsck: program("FSCK")?,
                torchverify: program("TORCHVERIFY")?,
                aics: program("AICS")?,
            })
        })();
        if verifiers.is_none() {
            println!("skipped: no foreign verifiers; run it through tests/run");
        }
        verifiers
    }

    /// What each of them says of a folder of tiles with this verifier key; and with the key of a witness and an older
    /// checkpoint, where it takes these.
    pub(super) fn judge(
        &self,
        folder: &Path,
        key: &str,
        visit: Option<(&str, &Path)>,
    ) -> [Verdict; 3] {
        let beside = tempfile::tempdir().unwrap();
        let (key_file, policy) = (beside.path().join("log.vkey"), beside.path().join("policy"));
        std::fs::write(&key_file, format!("{key}\n")).unwrap();
        let quorum = visit.map_or("quorum none".to_owned(), |(witness, _)| {
            format!("witness w {witness}\nquorum w")
        });
        std::fs::write(&policy, format!("log {key}\n{quorum}\n")).unwrap();
        let checkpoint = std::fs::read(folder.join("checkpoint")).unwrap_or_default();
        let checkpoint = String::from_utf8_lossy(&checkpoint);
        let mut lines = checkpoint.lines().skip(1);
        let (size, root) = (lines.next().unwrap_or("0"), lines.next().unwrap_or("none"));
        std::thread::scope(|scope| {
            let fsck = scope.spawn(|| self.by_fsck(folder, &key_file, (size, root)));
            let torchwood = scope.spawn(|| self.by_torchwood(folder, &policy));
            let aics = scope.spawn(|| self.by_aics(folder, (key, size), visit));
            [fsck, torchwood, aics].map(|judge| judge.join().unwrap())
        })
    }

    /// What torchwood says of one proof.
    pub(super) fn proof(&self, leaf: &[u8], proof: &str, key: &str) -> Verdict {
        let beside = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = beside.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let policy = file("policy", format!("log {key}\nquorum none\n").as_bytes());
        let (leaf, proof) = (file("leaf", leaf), file("proof", proof.as_bytes()));
        let output = run(&self.torchverify, &["proof", &policy, &leaf, &proof]);
        verdict("torchwood", &output, |said| said.starts_with("ACCEPT"))
    }

    /// Its exit code is 0 for logs that it refuses, so only its sentence counts.
    fn by_fsck(&self, folder: &Path, key: &Path, (size, root): (&str, &str)) -> Verdict {
        let url = format!("--storage_url=file://{}", folder.display());
        let key = format!("--public_key={}", key.display());
        let output = run(&self.fsck, &["-N", WORKERS, "--ui=false", &url, &key]);
        let accepted = format!("Successfully fsck'd log with size {size} and root {root}");
        verdict("fsck", &output, |said| said.contains(&accepted))
    }

    fn by_torchwood(&self, folder: &Path, policy: &Path) -> Verdict {
        let (policy, folder) = (policy.to_str().unwrap(), folder.to_str().unwrap());
        let output = run(&self.torchverify, &["log", policy, folder]);
        verdict("torchwood", &output, |said| said.starts_with("ACCEPT "))
    }

    fn by_aics(
        &self,
        folder: &Path,
        (key, size): (&str, &str),
        visit: Option<(&str, &Path)>,
    ) -> Verdict {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifiers/aics.py");
        let (script, folder) = (script.to_str().unwrap(), folder.to_str().unwrap());
        let mut words = vec![script, folder, key, size];
        if let Some((witness, old)) = visit {
            words.extend([witness, old.to_str().unwrap()]);
        }
        let output = run(&self.aics, &words);
        verdict("aics-tlog", &output, |said| said.starts_with("ACCEPT "))
    }
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", PATIENCE]).arg(program);
    command.args(arguments).output().unwrap()
}

fn verdict(tool: &'static str, output: &Output, accepts: impl Fn(&str) -> bool) -> Verdict {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Verdict {
        tool,
        accepted: accepts(&said),
        said,
    }
}

/// Copies a folder of tiles.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::write(&target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The published log of 1,000 entries and its tampered variants: key, folder, and what to lay over it.
fn published() -> Option<(String, PathBuf, Vec<Value>)> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/audit");
    let Ok(text) = std::fs::read_to_string(vectors.join("tamper-log-1000.json")) else {
        println!("skipped: the folder ../shared/vectors is absent");
        return None;
    };
    let tampered: Value = serde_json::from_str(&text).unwrap();
    let key = tampered["vkey"].as_str().unwrap().to_owned();
    let cases = tampered["cases"].as_array().unwrap().clone();
    Some((key, vectors.join("tlog-log-1000"), cases))
}

#[test]
fn the_foreign_verifiers_take_the_published_log_and_refuse_its_tampered_variants() {
    let Some(verifiers) = Verifiers::of_environment() else {
        return;
    };
    let Some((key, log, cases)) = published() else {
        return;
    };
    for verdict in verifiers.judge(&log, &key, None) {
        assert!(verdict.accepted, "{}: {}", verdict.tool, verdict.said);
    }
    assert_eq!(cases.len(), 9);
    for (at, case) in cases.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        copy(&log, folder.path());
        for file in case["files"].as_array().unwrap() {
            let bytes = STANDARD.decode(file["base64"].as_str().unwrap()).unwrap();
            std::fs::write(folder.path().join(file["path"].as_str().unwrap()), bytes).unwrap();
        }
        for verdict in verifiers.judge(folder.path(), &key, None) {
            // fsck reads as many entries as it wants from a bundle, and passes over what follows.
            let missed = verdict.tool == "fsck" && case["desc"] == "bundle with trailing bytes";
            let (tool, said) = (verdict.tool, &verdict.said);
            assert_eq!(
                verdict.accepted,
                missed,
                "{tool}, case {} ({}): {said}",
                at + 1,
                case["desc"]
            );
        }
    }
}
