//! The evidence pack of an account of a running system: held for good, and each forgery refused, by ours and by its own
//! page in a browser without a network.

use std::time::Duration;

use audit::{
    log::proof::Proof,
    pack::{Given, zip},
};
use serde_json::Value;

use super::{commands::exported, made};
use crate::world::{Kind, Parts, Setting, World, approved, wait_for};

type Files = Vec<(String, Vec<u8>)>;

/// A forged pack: what was done, and the finding of ours.
type Forged = (&'static str, &'static str, Vec<u8>);

fn file<'a>(files: &'a mut Files, name: &str) -> &'a mut Vec<u8> {
    let found = files.iter_mut().find(|(path, _)| path.starts_with(name));
    &mut found.unwrap().1
}

/// The pack with a change to a text.
fn text(good: &Files, name: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut files = good.clone();
    let data = file(&mut files, name);
    *data = change(String::from_utf8(data.clone()).unwrap()).into_bytes();
    zip::write(&files).unwrap()
}

/// The pack with a change to its first record.
fn record(good: &Files, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    text(good, "records.ndjson", |lines| {
        let (first, rest) = lines.split_once('\n').unwrap();
        let mut first: Value = serde_json::from_str(first).unwrap();
        change(&mut first);
        format!("{first}\n{rest}")
    })
}

/// A text with its letter at a place another one, of base64 too.
fn letter(text: &str, at: usize) -> String {
    let with = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{with}{}", &text[..at], &text[at + 1..])
}

fn forged(good: &Files) -> Vec<Forged> {
    let mut all = records(good);
    all.extend(files(good));
    all
}

/// The pack without one record of its account, otherwise as it would be made.
fn left_out(good: &Files) -> Vec<u8> {
    let mut files = good.clone();
    let mut text = |name: &str| String::from_utf8(file(&mut files, name).clone()).unwrap();
    let (lines, checkpoint, policy) = (
        text("records.ndjson"),
        text("checkpoint"),
        text("policy.txt"),
    );
    let mut records: Vec<_> = lines
        .lines()
        .map(|line| {
            let record: audit::pack::Record = serde_json::from_str(line).unwrap();
            let proof = Proof::parse(&text(&format!("proofs/{}.", record.index))).unwrap();
            (record, proof)
        })
        .collect();
    let counted = |record: &audit::pack::Record| {
        let body: Value = serde_json::from_str(record.body.as_deref().unwrap()).unwrap();
        body["step"] == "enriched" && body["n"] == 2
    };
    let at = records.iter().position(|(record, _)| counted(record));
    records.remove(at.unwrap());
    let given = Given {
        records,
        checkpoint,
        policy,
        consistency: None,
        stamps: Vec::new(),
    };
    audit::pack::write(&given).unwrap()
}

fn records(good: &Files) -> Vec<Forged> {
    let replaced = |value: &mut Value, from: &str, to: &str| {
        *value = value.as_str().unwrap().replacen(from, to, 1).into();
    };
    vec![
        (
            "body changed",
            "opening",
            record(good, |one| replaced(&mut one["body"], "{", "{ ")),
        ),
        (
            "salt changed",
            "opening",
            record(good, |one| {
                one["salt"] = letter(one["salt"].as_str().unwrap(), 3).into();
            }),
        ),
        (
            "body taken away, salt left",
            "opening",
            record(good, |one| one["body"] = Value::Null),
        ),
        (
            "leaf changed",
            "path",
            record(good, |one| replaced(&mut one["leaf"], "event", "erase")),
        ),
        (
            "record left out",
            "form",
            text(good, "records.ndjson", |all| {
                all.split_once('\n').unwrap().1.to_owned()
            }),
        ),
        (
            "record and its proof left out",
            "incomplete",
            left_out(good),
        ),
        (
            "records in another order",
            "form",
            text(good, "records.ndjson", |all| {
                let lines: Vec<&str> = all.lines().rev().collect();
                lines.join("\n") + "\n"
            }),
        ),
    ]
}

fn files(good: &Files) -> Vec<Forged> {
    let mut beside = good.clone();
    beside.push(("more.txt".to_owned(), Vec::new()));
    let mut lacking = good.clone();
    let proof = lacking
        .iter()
        .position(|(path, _)| path.starts_with("proofs/"));
    lacking.remove(proof.unwrap());
    let mut stranger = good.clone();
    *file(&mut stranger, "checkpoint") = made::log(&made::leaves(9)).remove("checkpoint").unwrap();
    let mut bytes = zip::write(good).unwrap();
    let last = bytes.len() - 30;
    bytes[last] ^= 1;
    vec![
        (
            "hash of a proof changed",
            "path",
            text(good, "proofs/", |all| {
                letter(&all, all.find("index ").unwrap() + 20)
            }),
        ),
        (
            "index of a proof changed",
            "form",
            text(good, "proofs/", |all| all.replacen("index ", "index 1", 1)),
        ),
        ("proof left out", "missing", zip::write(&lacking).unwrap()),
        (
            "signature of the checkpoint changed",
            "checkpoint",
            text(good, "checkpoint", |all| {
                let at = all.rfind(' ').unwrap() + 20;
                letter(&all, at)
            }),
        ),
        (
            "checkpoint of another log",
            "checkpoint",
            zip::write(&stranger).unwrap(),
        ),
        ("file beside", "stray", zip::write(&beside).unwrap()),
        ("directory of the zip changed", "form", bytes),
        (
            "timeline changed",
            "form",
            text(good, "timeline.html", |all| all.replacen("raw", "new", 1)),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_holds_and_each_forgery_of_it_is_refused_by_ours_and_by_its_page() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    for number in 0..30 {
        let (media, body) = approved(number % 3, &format!("pack-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let folder = exported(&world).await;
    let key = std::fs::read_to_string(format!("{folder}/log.vkey")).unwrap();
    let (key, old) = (key.trim(), format!("{folder}/checkpoint"));
    let pack = world.folder.path().join("pack.zip").display().to_string();
    let arguments = [
        "export",
        "--pack",
        &pack,
        "--account",
        "A-1",
        "--since-checkpoint",
        &old,
    ];
    wait_for(
        "a checkpoint over all of it",
        Duration::from_secs(20),
        async || match world.run(&arguments) {
            (0, _, _) => Ok(()),
            (code, said, error) => Err(format!("{code}: {said}{error}")),
        },
    )
    .await;
    let (code, said, error) = world.run(&["verify", &pack, "--vkey", key, "--since", &old]);
    assert_eq!(code, 0, "{said}{error}");
    assert!(said.contains("complete up to 10"), "{said}");
    let good = std::fs::read(&pack).unwrap();
    let forged = forged(&zip::read(&good).unwrap());
    for (name, finding, bytes) in &forged {
        std::fs::write(&pack, bytes).unwrap();
        let (code, said, _) = world.run(&["verify", &pack, "--vkey", key, "--json"]);
        let wanted = format!(r#""finding":"{finding}""#);
        assert_eq!((code, said.contains(&wanted)), (1, true), "{name}: {said}");
    }
    let Some(chromium) = Parts::variable("CHROMIUM") else {
        println!("skipped: no browser; run it through tests/run");
        return;
    };
    // The page does not read the timeline, and says so.
    let (_, refused) = forged.split_last().unwrap();
    let packs = std::iter::once(good.as_slice());
    let packs: Vec<&[u8]> = packs
        .chain(refused.iter().map(|(_, _, bytes)| bytes.as_slice()))
        .collect();
    let said = super::browser::says(&chromium, key, &packs);
    assert_eq!(said.len(), packs.len(), "{said:?}");
    for line in &said {
        println!("{line}");
    }
    assert!(said[0].starts_with("true Holds"), "{}", said[0]);
    assert!(said[0].contains("Complete up to record 10"), "{}", said[0]);
    for ((name, _, _), said) in refused.iter().zip(&said[1..]) {
        assert!(said.starts_with("false Does not hold"), "{name}: {said}");
    }
}
