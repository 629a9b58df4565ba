//! T23, T24, T37: no body is dear to read, however it is made.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jumio::{
    Media,
    scenarios::{self, Fill},
};

use super::{
    corpus::{FORM, PATH},
    wire::exchange,
};
use crate::world::{Kind, Setting, World, body_of};

/// What one hostile value may cost in an unoptimised build; the row promises it of a release build.
const MAX_EACH: Duration = Duration::from_millis(10);
/// Bytes of a hostile value: far beyond any that is documented.
const LONG: usize = 4_000;

fn post(content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The least of several measurements: the machine may do something else in any one of them.
fn least(mut work: impl FnMut()) -> Duration {
    let each = (0..5).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    });
    each.min().unwrap_or_default()
}

fn read(media: Media, body: &str) {
    let _door = jumio::identify(media, body.as_bytes());
    let _reader = jumio::parse(media, body.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_a_body_of_very_many_names_is_refused_at_once() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    let mut pairs = String::from("callBackType=NETVERIFYID&jumioIdScanReference=many");
    for number in 0.. {
        let pair = format!("&k{number:x}=");
        if pairs.len() + pair.len() > 250 << 10 {
            break;
        }
        pairs.push_str(&pair);
    }
    let names = pairs.matches('&').count();
    assert!(names > 20_000, "{names}");
    let begun = Instant::now();
    assert_eq!(exchange(door, &post(FORM, &pairs)).await.statuses(), [400]);
    // The connection stays open, so a third of a second of this is the test's own waiting for more.
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    let members: Vec<String> = (0..5_000)
        .map(|number| format!("\"k{number:x}\":0"))
        .collect();
    let json = format!(
        "{{\"workflowExecution\":{{\"id\":\"many\"}},{}}}",
        members.join(",")
    );
    assert_eq!(
        exchange(door, &post("application/json", &json))
            .await
            .statuses(),
        [200]
    );
    let (tally, _) = world.settle(Duration::from_mins(1)).await;
    assert_eq!(
        tally.raw, 2,
        "the door keeps the one and the refusal of the other"
    );
}

#[test]
fn t23_twice_as_many_names_cost_no_more_than_twice_as_much() {
    let form = |count: usize| {
        let pairs: Vec<String> = (0..count).map(|number| format!("k{number}=v")).collect();
        pairs.join("&")
    };
    let json = |count: usize| {
        let members: Vec<String> = (0..count)
            .map(|number| format!("\"k{number}\":{{\"a\":1}}"))
            .collect();
        format!(
            "{{\"workflowExecution\":{{\"id\":\"a\"}},{}}}",
            members.join(",")
        )
    };
    // Sorting costs a little more than the number; a comparison of each with each would cost 64 times as much.
    for (what, few, many) in [
        ("form", (Media::Form, form(60)), (Media::Form, form(480))),
        ("JSON", (Media::Json, json(400)), (Media::Json, json(3_200))),
    ] {
        let cheap = least(|| read(few.0, &few.1));
        let dear = least(|| read(many.0, &many.1));
        assert!(
            dear < cheap * 24 + Duration::from_millis(5),
            "{what}: {cheap:?}, then {dear:?}"
        );
    }
}

/// Hashes that anybody can collide are in no crate that reads what strangers write.
#[test]
fn t23_no_map_hashes_strangers_words_without_a_secret() {
    let mut looked_at = 0;
    for folder in [
        "ingest/src",
        "outside/jumio/src",
        "schemas/src",
        "stage/src",
    ] {
        for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for word in [
                "FxHash",
                "ahash",
                "fnv::",
                "nohash",
                "BuildHasherDefault",
                "indexmap",
                "hashbrown",
            ] {
                assert!(!text.contains(word), "{}: {word}", file.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "{looked_at} files");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let own = files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"));
    own.chain(folders.iter().flat_map(|folder| rust_files(folder)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_nothing_is_nested_so_deep_that_it_ends_the_door_or_the_reader() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let mut kept = 0;
    for depth in [33, 120, 127, 128, 129, 200, 5_000, 30_000] {
        for inner in [nested(depth), objects(depth)] {
            let body = format!("{{\"workflowExecution\":{{\"id\":\"deep\"}},\"x\":{inner}}}");
            if body.len() > 64 << 10 {
                continue;
            }
            // The whole is one deeper; 128 is the bound of the reader.
            let expected = if depth + 1 < 128 { 200 } else { 400 };
            let statuses = exchange(door, &post("application/json", &body))
                .await
                .statuses();
            assert_eq!(statuses, [expected], "{depth}");
            kept += usize::from(expected == 200);
        }
        // The JSON inside a form is not the door's to judge, but the reader must survive it.
        let form = format!(
            "callBackType=NETVERIFYID&jumioIdScanReference=deep&identityVerification={}",
            nested(depth)
        );
        assert_eq!(
            exchange(door, &post(FORM, &form)).await.statuses(),
            [200],
            "{depth}"
        );
        kept += 1;
    }
    let (media, body) = body_of("approved", "after", Some("A-1:C-1"));
    assert_eq!(
        world.post(media, body).await,
        200,
        "the door is still there"
    );
    let (tally, _) = world.settle(Duration::from_mins(1)).await;
    assert!(tally.raw > kept && tally.enriched == 1, "{tally:?}");
}

/// Texts that have made readers of dates, numbers and patterns slow.
fn hostile() -> Vec<String> {
    vec![
        "9".repeat(LONG),
        "1e".to_owned() + &"9".repeat(LONG),
        "-".repeat(LONG),
        "2026-".repeat(LONG / 5),
        "2026-03-02T10:15:30.".to_owned() + &"1".repeat(LONG),
        " ".repeat(LONG),
        "%25".repeat(LONG / 3),
        "%".repeat(LONG),
        "a".repeat(LONG) + "!",
        "\\\\".repeat(LONG / 2),
        "[".repeat(LONG),
        "{\"a\":".repeat(LONG / 5),
        format!("[{}]", "0,".repeat(LONG / 2)),
        "%F0%9F%98%80".repeat(LONG / 12),
    ]
}

#[test]
fn t37_no_value_of_any_field_is_slow_to_read() {
    let fill = Fill {
        provider_reference: "slow".to_owned(),
        customer_reference: Some("A-1:C-1".to_owned()),
        ..Fill::default()
    };
    let texts = hostile();
    let (mut tried, mut longest) = (0, Duration::ZERO);
    for scenario in scenarios::all()
        .iter()
        .filter(|one| ["approved", "screening-hits", "fraud"].contains(&one.name))
    {
        let body = scenario.body(&fill);
        let pairs: Vec<&str> = body.split('&').collect();
        for place in 0..pairs.len() {
            let name = pairs[place].split('=').next().unwrap_or_default();
            for text in &texts {
                let value = format!("{name}={text}");
                let mut changed = pairs.clone();
                changed[place] = &value;
                let took = least_if_slow(scenario.media, &changed.join("&"));
                assert!(took < MAX_EACH, "{name}: {took:?}");
                longest = longest.max(took);
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
    println!("threats: {tried} hostile values, none took more than {longest:?}");
}

/// One measurement, repeated only where it looks slow.
fn least_if_slow(media: Media, body: &str) -> Duration {
    let begun = Instant::now();
    read(media, body);
    match begun.elapsed() {
        took if took < MAX_EACH => took,
        _ => least(|| read(media, body)),
    }
}
