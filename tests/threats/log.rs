//! T88–T91 at the door: what a stranger writes is in no answer, forges no line of the log and is not repeated in one.

use std::{collections::BTreeSet, time::Duration};

use schemas::Topic;
use serde_json::Value;

use super::{
    corpus::{self, FORM, PATH},
    wire::exchange,
};
use crate::world::{Kind, Setting, World, body_of};

const CANARY: &str = "ZZCANARY";
const SOON: Duration = Duration::from_mins(1);

fn everything_logged() -> Setting {
    Setting {
        variables: vec![("TELEMETRY__LOG", "trace".to_owned())],
        ..Setting::default()
    }
}

pub(super) fn post(path: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{fields}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub(super) fn form(body: &str) -> Vec<u8> {
    post(PATH, &format!("Content-Type: {FORM}\r\n"), body)
}

/// What an answer may hold: its status, and names of fields with values that are ours.
fn is_bare(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let known = [
        "content-length: 0",
        "date: ",
        "allow: post",
        "retry-after: ",
        "connection: close",
    ];
    body.is_empty()
        && head.starts_with("http/1.1 ")
        && head
            .lines()
            .skip(1)
            .all(|line| known.iter().any(|known| line.starts_with(known)))
}

#[tokio::test(flavor = "multi_thread")]
async fn t88_an_answer_holds_nothing_but_its_status() {
    let setting = Setting {
        variables: vec![
            ("DOOR__HEADER_MS", "700".to_owned()),
            ("DOOR__BODY_MS", "700".to_owned()),
        ],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let mut statuses = BTreeSet::new();
    let every = corpus::entries().into_iter().step_by(3);
    let own = [
        ("a good post", form(&corpus::good())),
        ("another path", post("/nowhere/ZZCANARY", "", "")),
        ("another method", format!("DELETE {PATH} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()),
        ("a slow body", format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 9\r\n\r\nabc").into_bytes()),
        ("a bad reference", form("callBackType=NETVERIFYID&jumioIdScanReference=ZZCANARY+x")),
    ];
    let own = own
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes));
    for (name, bytes) in every.map(|entry| (entry.name, entry.bytes)).chain(own) {
        let answered = exchange(door, &bytes).await;
        let answers = answered.statuses();
        statuses.extend(answers.iter().copied());
        // The invitation to send on is no answer yet; what follows it is.
        let text = answered.text.replace("http/1.1 100 continue\r\n\r\n", "");
        assert!(
            answers.is_empty() || is_bare(&text) || answers.len() > 1,
            "{name}:\n{text}"
        );
        for word in [
            "zzcanary", "idtrail", "hyper", "rust", "panick", "src/", "sqlite", "kafka", "server:",
        ] {
            assert!(
                !text.contains(word),
                "{name}: the answer says `{word}`\n{text}"
            );
        }
    }
    assert!(
        statuses.len() >= 8,
        "too few kinds of answers were met: {statuses:?}"
    );
}

#[test]
fn an_answer_that_says_more_is_seen() {
    assert!(is_bare(
        "http/1.1 400 bad request\r\ncontent-length: 0\r\ndate: x\r\n\r\n"
    ));
    assert!(!is_bare(
        "http/1.1 400 bad request\r\nserver: x\r\ncontent-length: 0\r\n\r\n"
    ));
    assert!(!is_bare(
        "http/1.1 400 bad request\r\ncontent-length: 3\r\n\r\nwhy"
    ));
}

/// Texts that break out of a line, of a string of JSON, or of a terminal.
const BREAKING: [&str; 5] = [
    "x%0A%7B%22level%22%3A%22ERROR%22%2C%22message%22%3A%22FORGED%22%7D",
    "x\",\"level\":\"ERROR\",\"message\":\"FORGED\",\"y\":\"",
    "x\\\"}{\"level\":\"ERROR\",\"message\":\"FORGED\"}",
    "x%1B%5B31mFORGED%1B%5B0m",
    "x%E2%80%AEFORGED%00",
];

#[tokio::test(flavor = "multi_thread")]
async fn t89_no_text_of_a_stranger_makes_a_line_of_its_own() {
    let Some(mut world) = World::start(Kind::Embedded, everything_logged()).await else {
        return;
    };
    let door = world.door_address();
    for text in BREAKING {
        let json =
            serde_json::json!({ "workflowExecution": { "id": text }, text: text }).to_string();
        let sent = [
            form(&format!(
                "callBackType=NETVERIFYID&jumioIdScanReference={text}"
            )),
            form(&format!(
                "callBackType={text}&jumioIdScanReference=forged&{text}={text}"
            )),
            form(&format!(
                "callBackType=NETVERIFYID&jumioIdScanReference=forged&customerId={text}"
            )),
            post(PATH, "Content-Type: application/json\r\n", &json),
            post(
                &format!("{PATH}/{text}").replace(' ', ""),
                &format!("Content-Type: {FORM}\r\n"),
                "x",
            ),
            post(PATH, &format!("Content-Type: {text}\r\n"), "x"),
            post(
                PATH,
                &format!("Content-Type: {FORM}; charset=\"\u{1b}[31mFORGED\"\r\n"),
                "x",
            ),
            post(
                PATH,
                &format!("traceparent: {text}\r\nX-Request-Id: {text}\r\nContent-Type: {FORM}\r\n"),
                &corpus::good(),
            ),
        ];
        for bytes in sent {
            exchange(door, &bytes).await;
        }
    }
    world.settle(SOON).await;
    world.terminate("up").await;
    let log = std::fs::read_to_string(world.log("up")).unwrap();
    assert!(!log.contains('\u{1b}'), "the log can drive a terminal");
    let mut lines = 0;
    for line in log.lines() {
        // What is said at the start is no event, and says nothing of requests.
        if !line.starts_with('{') {
            assert!(!line.contains("FORGED"), "{line}");
            continue;
        }
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in\n{line}"));
        assert!(
            event["timestamp"].is_string() && event["level"].is_string(),
            "{line}"
        );
        assert!(
            event["message"]
                .as_str()
                .is_none_or(|message| !message.contains("FORGED")),
            "{line}"
        );
        lines += 1;
    }
    assert!(
        lines > 100,
        "only {lines} lines, so this test would prove nothing"
    );
    println!("threats: {lines} lines of the log, each its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn t90_nothing_of_a_request_but_its_peer_is_logged() {
    let Some(mut world) = World::start(Kind::Embedded, everything_logged()).await else {
        return;
    };
    let door = world.door_address();
    let (_, body) = body_of("approved", "canary", Some("A-1:C-1"));
    let secrets = "Authorization: Bearer ZZCANARY\r\nCookie: s=ZZCANARY\r\nUser-Agent: ZZCANARY\r\nX-Api-Key: ZZCANARY\r\n";
    let typed = format!("Content-Type: {FORM}\r\n{secrets}");
    for bytes in [
        post(
            PATH,
            &typed,
            &format!("{body}&gender={CANARY}&idFirstName={CANARY}"),
        ),
        post(&format!("{PATH}?token={CANARY}"), &typed, &body),
        post(
            &format!("{PATH}/{CANARY}-{CANARY}-{CANARY}-{CANARY}"),
            &typed,
            &body,
        ),
        post(&format!("/{CANARY}"), &typed, &body),
        post(PATH, &typed, &format!("idFirstName={CANARY}")),
        post(
            PATH,
            &format!("Content-Type: text/{CANARY}\r\n{secrets}"),
            &body,
        ),
        post(
            PATH,
            "Content-Type: application/json\r\n",
            &format!("{{\"{CANARY}\":\"{CANARY}\","),
        ),
        format!("{CANARY} {PATH} HTTP/1.1\r\nHost: {CANARY}\r\n\r\n").into_bytes(),
        format!("POST {PATH} HTTP/1.1\r\n{CANARY} : x\r\n\r\n").into_bytes(),
    ] {
        let statuses = exchange(door, &bytes).await.statuses();
        assert!(!statuses.is_empty());
    }
    let (tally, whole) = world.settle(SOON).await;
    assert!(tally.checked >= 1, "{tally:?}");
    for (record, _) in Topic::ALL
        .iter()
        .filter(|topic| **topic != Topic::Raw)
        .flat_map(|topic| whole.of(*topic))
    {
        let value =
            String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        assert!(
            !value.contains(CANARY),
            "{} repeats a stranger's text",
            record.position
        );
    }
    for page in ["/metrics", "/status", "/readyz?verbose"] {
        assert!(!world.page("up", page).await.contains(CANARY), "{page}");
    }
    world.terminate("up").await;
    let log = std::fs::read_to_string(world.log("up")).unwrap();
    assert!(log.lines().count() > 100, "too few lines to prove anything");
    let told = log.lines().find(|line| line.contains(CANARY));
    assert_eq!(told, None, "a line of the log repeats it");
}
