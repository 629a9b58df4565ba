//! Every forgery refused by our verifier with the finding that names it, and the table of who else sees it.

use std::fmt::Write as _;

use audit::{
    log::{
        edge::Edge,
        inclusion,
        policy::Policy,
        proof::Proof,
        tile::{self, Rank, Tiles},
        tree::leaf_hash,
    },
    verify::{self, Claims, Finding, Folder, Leaves, Pinned},
};

use super::{
    foreign::{Verdict, Verifiers},
    forged::{self, BEFORE, Forgery, SIZE},
    made::{self, Files},
};

/// Where the table is kept.
const KEPT: &str = include_str!("../../docs/verifiers.md");

fn policy() -> Policy {
    let (log, witness) = (made::key(), made::witness());
    let text = format!(
        "log {}\nwitness w {}\nquorum w\n",
        log.verifier(),
        witness.verifier()
    );
    Policy::parse(&text).unwrap()
}

/// The auditor's older checkpoint, seen at this time.
fn before(seen: u64) -> Vec<u8> {
    made::checkpoint(&made::leaves(BEFORE), &made::key(), seen)
}

/// What ours finds in a log, and what the others say of it, where they are there.
async fn judge(
    files: &Files,
    seen: u64,
    verifiers: Option<&Verifiers>,
) -> (Vec<Finding>, Vec<Verdict>) {
    let folder = tempfile::tempdir().unwrap();
    made::write(files, folder.path());
    let since = before(seen);
    let claims = Claims {
        policy: policy(),
        leaves: Leaves::Ours,
        since: Some(Pinned::of(&since, &policy()).unwrap()),
    };
    let reader = Folder::new(folder.path());
    let report = verify::log(&reader, &claims, &mut |_, _| {}).await.unwrap();
    let Some(verifiers) = verifiers else {
        return (report.findings, Vec::new());
    };
    let beside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(beside.path(), since).unwrap();
    let (log, witness) = (made::key(), made::witness());
    let (log, witness) = (log.verifier().to_string(), witness.verifier().to_string());
    let visit = Some((witness.as_str(), beside.path()));
    let verdicts = verifiers.judge(folder.path(), &log, visit);
    (report.findings, verdicts.to_vec())
}

fn row(name: &str, finding: &str, others: [&str; 3]) -> String {
    let [fsck, torchwood, aics] = others;
    format!("| {name} | `{finding}` | {fsck} | {torchwood} | {aics} |")
}

fn sees(verdict: &Verdict) -> &'static str {
    if verdict.accepted { "**no**" } else { "yes" }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_ours_is_accepted_by_everybody_and_each_forgery_refused_by_ours() {
    let verifiers = Verifiers::of_environment();
    let good = made::log(&made::leaves(SIZE));
    let (findings, verdicts) = judge(&good, made::seen(BEFORE), verifiers.as_ref()).await;
    assert_eq!(findings, []);
    for verdict in verdicts {
        assert!(verdict.accepted, "{}: {}", verdict.tool, verdict.said);
    }
    let forgeries = forged::all();
    assert!(forgeries.len() >= 30);
    let mut rows = Vec::new();
    for Forgery {
        name,
        finding,
        files,
        seen,
    } in forgeries
    {
        let (findings, verdicts) = judge(&files, seen, verifiers.as_ref()).await;
        let first = findings.first().map(Finding::word);
        assert_eq!(first, Some(finding), "{name}: {findings:?}");
        if let [fsck, torchwood, aics] = verdicts.as_slice() {
            rows.push(row(
                name,
                finding,
                [sees(fsck), sees(torchwood), sees(aics)],
            ));
        }
    }
    if verifiers.is_some() {
        keep(&rows);
    }
}

/// One record's proof, and what is forged in it.
fn proofs() -> Vec<(&'static str, &'static str, Vec<u8>, Proof)> {
    let leaves = made::leaves(SIZE);
    let mut tiles = Tiles::default();
    for (tile, data) in Edge::empty().push(leaves.iter().map(|leaf| leaf_hash(leaf))) {
        if let Rank::Level(level) = tile.rank {
            tiles.insert(level, tile.index, tile::hashes(&tile, &data).unwrap());
        }
    }
    let note = |leaves: &[Vec<u8>]| {
        String::from_utf8(made::checkpoint(leaves, &made::key(), made::seen(SIZE))).unwrap()
    };
    let good = Proof {
        index: 700,
        hashes: inclusion::build(&mut &tiles, 700, SIZE).unwrap(),
        extra: None,
        checkpoint: note(&leaves),
    };
    let (mut hash, mut short, mut index, mut smaller) =
        (good.clone(), good.clone(), good.clone(), good.clone());
    hash.hashes[3][0] ^= 1;
    short.hashes.pop();
    index.index = 701;
    smaller.checkpoint = note(&leaves[..1_299]);
    let leaf = made::leaf(700);
    vec![
        ("", "", leaf.clone(), good.clone()),
        (
            "proof given with another leaf",
            "path",
            made::leaf(701),
            good,
        ),
        ("hash of a proof changed", "path", leaf.clone(), hash),
        ("proof one hash short", "path", leaf.clone(), short),
        ("index of a proof changed", "path", leaf.clone(), index),
        (
            "proof under a checkpoint of another size",
            "path",
            leaf,
            smaller,
        ),
    ]
}

#[test]
fn a_proof_and_an_opening_hold_for_their_own_leaf_only() {
    let (verifiers, key) = (Verifiers::of_environment(), made::key());
    let claims = Claims {
        policy: policy(),
        leaves: Leaves::Ours,
        since: None,
    };
    let mut rows = Vec::new();
    for (name, finding, leaf, proof) in proofs() {
        let text = proof.to_string();
        let found = verify::record(text.as_bytes(), Some(&leaf), &claims);
        let found = found.err().map_or("", |finding| finding.word());
        assert_eq!(found, finding, "{name}");
        let theirs = verifiers
            .as_ref()
            .map(|all| all.proof(&leaf, &text, &key.verifier().to_string()));
        match theirs {
            Some(verdict) if name.is_empty() => assert!(verdict.accepted, "{}", verdict.said),
            Some(verdict) => rows.push(row(name, finding, ["–", sees(&verdict), "–"])),
            None => {}
        }
    }
    let (leaf, (mut salt, body)) = (made::leaf(700), made::opening(700));
    assert_eq!(verify::opening(700, &leaf, (&salt, &body)), Ok(()));
    let other = made::opening(701).1;
    let opening = Err(Finding::Opening { index: 700 });
    assert_eq!(verify::opening(700, &leaf, (&salt, &other)), opening);
    salt[0] ^= 1;
    assert_eq!(verify::opening(700, &leaf, (&salt, &body)), opening);
    if verifiers.is_some() {
        for name in ["body of a record changed", "salt of a record changed"] {
            rows.push(row(name, "opening", ["–", "–", "–"]));
        }
        keep(&rows);
    }
}

/// Prints rows of the table, and fails where the kept one has them not.
fn keep(rows: &[String]) {
    let mut lacking = String::new();
    for row in rows {
        println!("{row}");
        if !KEPT.lines().any(|line| line == row) {
            let _infallible = writeln!(lacking, "{row}");
        }
    }
    assert!(lacking.is_empty(), "docs/verifiers.md lacks:\n{lacking}");
}
