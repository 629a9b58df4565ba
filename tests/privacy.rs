//! Personal data is in `raw` and sealed in the history, and nowhere else, even at TRACE level.

use std::{path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jumio::scenarios::{self, Fill, PersonalFill};
use schemas::Topic;

use crate::world::{Kind, Setting, Whole, World};

const MARKER: &str = "ZZMARKER";

#[tokio::test(flavor = "multi_thread")]
async fn no_marker_leaves_the_embedded_raw_topic() {
    run(Kind::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_marker_leaves_the_real_raw_topic() {
    run(Kind::Real).await;
}

async fn run(kind: Kind) {
    let setting = Setting {
        variables: vec![("TELEMETRY__LOG", "trace".to_owned())],
        ..Setting::default()
    };
    let Some(mut world) = World::start(kind, setting).await else {
        return;
    };
    let mut bodies = Vec::new();
    for (number, scenario) in scenarios::all().iter().enumerate() {
        let fill = Fill {
            provider_reference: format!("ref-{number}"),
            customer_reference: Some(format!("A-{number}:C-{number}")),
            personal: PersonalFill::every(|path| format!("{MARKER}{path}")),
            ..Fill::default()
        };
        let body = scenario.body(&fill);
        let status = world.post(scenario.media, body.clone()).await;
        assert!(matches!(status, 200 | 400), "{}: {status}", scenario.name);
        bodies.push((format!("ref-{number}"), body));
    }
    let (_, whole) = world.settle(Duration::from_mins(1)).await;
    let raw: usize = whole
        .raw
        .iter()
        .filter(|record| has(record.value.as_deref().unwrap_or_default()))
        .count();
    assert!(
        raw > 20,
        "the markers are in {raw} raw bodies only, so this test would prove nothing"
    );
    no_marker_in_topics(&whole);
    for name in world.processes() {
        for path in ["/metrics", "/status", "/readyz?verbose"] {
            assert!(
                !has(world.page(name, path).await.as_bytes()),
                "{name}{path} holds a marker"
            );
        }
        world.terminate(name).await;
        no_marker_in(&world.log(name));
    }
    for file in files(&world.maildir().join("new")) {
        no_marker_in(&file);
    }
    if kind == Kind::Embedded {
        for file in files(&world.data())
            .into_iter()
            .filter(|file| !file.to_string_lossy().contains("topics.db"))
        {
            no_marker_in(&file);
        }
    }
    for arguments in [
        ["history", "--reference", "ref-1", "--json"].as_slice(),
        &["rejected", "list", "--json"],
    ] {
        let (_, said, error) = world.run(arguments);
        assert!(
            !has(said.as_bytes()) && !has(error.as_bytes()),
            "{arguments:?} prints a marker"
        );
    }
    explain_prints_no_marker(&world, &bodies);
}

/// No value but those of `raw`, and no header or key at all, holds a marker.
fn no_marker_in_topics(whole: &Whole) {
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Raw) {
        for (record, _) in whole.of(topic) {
            assert!(
                !has(record.value.as_deref().unwrap_or_default()),
                "{} holds a marker",
                record.position
            );
        }
    }
    for record in &whole.raw {
        let headers: Vec<u8> = record
            .headers
            .iter()
            .flat_map(|(_, value)| value.clone())
            .collect();
        assert!(
            !has(&headers) && !has(record.key.as_deref().unwrap_or_default()),
            "{}: a header or key holds a marker",
            record.position
        );
    }
}

fn explain_prints_no_marker(world: &World, bodies: &[(String, String)]) {
    for (reference, body) in bodies {
        let file = world.folder.path().join(format!("{reference}.body"));
        std::fs::write(&file, body).unwrap();
        let output = world
            .command(&["explain", "--json", file.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(
            !has(&output.stdout) && !has(&output.stderr),
            "explain prints a marker of {reference}"
        );
    }
}

/// Whether bytes hold the marker, plain or in what mail and JSON wrap around text.
fn has(bytes: &[u8]) -> bool {
    let plain = |bytes: &[u8]| {
        bytes
            .windows(MARKER.len())
            .any(|window| window.eq_ignore_ascii_case(MARKER.as_bytes()))
    };
    if plain(bytes) {
        return true;
    }
    let text = String::from_utf8_lossy(bytes);
    // Quoted-printable breaks long lines with `=`; base64 hides everything.
    if plain(text.replace("=\r\n", "").replace("=\n", "").as_bytes()) {
        return true;
    }
    text.split_whitespace()
        .filter(|word| word.len() >= 16)
        .any(|word| STANDARD.decode(word).is_ok_and(|inner| plain(&inner)))
}

fn no_marker_in(file: &Path) {
    assert!(
        !has(&std::fs::read(file).unwrap()),
        "{} holds a marker",
        file.display()
    );
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}

#[test]
fn the_search_sees_through_mail_encodings() {
    assert!(
        has(b"xx ZZMARKER yy")
            && has(b"ZZMA=\r\nRKER")
            && has(STANDARD.encode("name ZZMARKER here").as_bytes())
    );
    assert!(!has(b"nothing here"));
}
