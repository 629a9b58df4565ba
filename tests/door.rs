//! Each row of the door's table of answers, over a socket of our own.

use std::time::Duration;

use schemas::{AnyEvent, Topic};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{Kind, Setting, World, body_of};

/// Sends bytes and reads until the door closes or answers; the head of the answer.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.door_address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(15), async {
        let mut buffer = [0; 4096];
        while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
        }
    });
    read.await.expect("the door answers or closes within 15 s");
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

const FORM: &str = "application/x-www-form-urlencoded";
const PATH: &str = "/callbacks/jumio";

/// What is sent, and the status that is promised for it.
fn rows() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let (_, good) = body_of("approved", "row-1", Some("A-1:C-1"));
    let long = "x".repeat(2_000);
    let large = format!("jumioIdScanReference=x&filler={}", "y".repeat(300_000));
    vec![
        ("a sound body", post(PATH, FORM, &good), "200"),
        ("a charset", post(PATH, "application/x-www-form-urlencoded; charset=UTF-8", &good), "200"),
        ("an empty body", post(PATH, FORM, ""), "400"),
        ("a body that is not what its media type says", post(PATH, "application/json", "{\"a\":"), "400"),
        ("no reference", post(PATH, FORM, "callBackType=NETVERIFYID&verificationStatus=APPROVED_VERIFIED"), "400"),
        ("another path", post("/callbacks/other", FORM, &good), "404"),
        ("a secret where none is set", post("/callbacks/jumio/abc", FORM, &good), "404"),
        ("another method", b"GET /callbacks/jumio HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "405"),
        ("another media type", post(PATH, "text/plain", &good), "415"),
        ("another charset", post(PATH, "application/json; charset=latin1", "{}"), "415"),
        ("an encoded body", post(PATH, &format!("{FORM}\r\nContent-Encoding: gzip"), &good), "415"),
        ("a long target", post(&format!("{PATH}?{long}"), FORM, &good), "414"),
        ("a large body", post(PATH, FORM, &large), "413"),
        ("a large JSON body", post(PATH, "application/json", &format!("{{\"a\":\"{}\"}}", "z".repeat(70_000))), "413"),
        ("a slow body", format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 10\r\n\r\nabc").into_bytes(), "408"),
        ("two framings", post(PATH, &format!("{FORM}\r\nTransfer-Encoding: chunked"), "0\r\n\r\n"), "400"),
        ("two lengths", format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc").into_bytes(), "400"),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\r\n\r\n".to_vec(), "400"),
        ("large header fields", format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "h".repeat(40_000)).into_bytes(), "431"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_table_is_answered_as_promised() {
    let setting = Setting {
        variables: vec![
            ("DOOR__BODY_MS", "700".to_owned()),
            ("DOOR__HEADER_MS", "700".to_owned()),
        ],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    for (what, bytes, status) in rows() {
        let answer = raw(&world, &bytes).await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{what}: {status} was promised, it is\n{answer}"
        );
        if status == "405" {
            assert!(answer.contains("allow: post"), "{answer}");
        }
        if status != "200" {
            assert!(
                answer.contains("content-length: 0"),
                "{what}: the answer has no body\n{answer}"
            );
        }
    }
    let (_, whole) = world.settle(Duration::from_secs(20)).await;
    let mut kept = Vec::new();
    for (_, event) in whole.of(Topic::Rejected) {
        let AnyEvent::Rejected(rejected) = event else {
            panic!("not a rejected event")
        };
        assert_eq!(rejected.stage(), schemas::Stage::Door);
        kept.push(rejected.reason().to_string());
    }
    kept.sort();
    kept.dedup();
    for reason in [
        "empty",
        "undecodable",
        "no_provider_reference",
        "unsupported_media_type",
        "url_too_long",
        "too_large",
        "bad_framing",
        "too_slow",
        "headers_too_large",
    ] {
        assert!(
            kept.contains(&reason.to_owned()),
            "a refusal `{reason}` of a listed peer was not kept: {kept:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_and_leaves_nothing() {
    let setting = Setting {
        variables: vec![("DOOR__ALLOW", "[\"192.0.2.0/24\"]".to_owned())],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let (_, good) = body_of("approved", "row-1", Some("A-1:C-1"));
    assert!(
        raw(&world, &post(PATH, FORM, &good))
            .await
            .starts_with("http/1.1 403")
    );
    assert!(
        raw(&world, &post("/nowhere", FORM, &good))
            .await
            .starts_with("http/1.1 403")
    );
    let (tally, _) = world.settle(Duration::from_secs(10)).await;
    assert_eq!(tally.raw, 0);
    assert!(
        world
            .page("up", "/metrics")
            .await
            .contains("outcome=\"bad_source\"} 2")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_path_hides_the_bare_one_and_is_never_logged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t\n").unwrap();
    let files = format!("[{{ file = \"{}\" }}]", file.display());
    let setting = Setting {
        variables: vec![
            ("DOOR__SECRETS", files),
            ("TELEMETRY__LOG", "trace".to_owned()),
        ],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let (_, good) = body_of("approved", "row-1", Some("A-1:C-1"));
    let secret = format!("{PATH}/s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t");
    for (path, status) in [
        (PATH, "404"),
        ("/callbacks/jumio/guess", "404"),
        (secret.as_str(), "200"),
    ] {
        assert!(
            raw(&world, &post(path, FORM, &good))
                .await
                .starts_with(&format!("http/1.1 {status}")),
            "{status}"
        );
    }
    world.settle(Duration::from_secs(10)).await;
    let log = std::fs::read_to_string(world.log("up")).unwrap();
    assert!(
        !log.contains("s3cr3t-s3cr3t"),
        "the secret path stands in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_rate_a_listed_peer_is_asked_to_wait() {
    let setting = Setting {
        variables: vec![
            ("DOOR__RATE", "1".to_owned()),
            ("DOOR__BURST", "2".to_owned()),
        ],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let (_, good) = body_of("approved", "row-1", Some("A-1:C-1"));
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(raw(&world, &post(PATH, FORM, &good)).await);
    }
    let limited: Vec<_> = answers
        .iter()
        .filter(|answer| answer.starts_with("http/1.1 429"))
        .collect();
    assert!(
        !limited.is_empty()
            && limited
                .iter()
                .all(|answer| answer.contains("retry-after: ")),
        "{answers:?}"
    );
}
