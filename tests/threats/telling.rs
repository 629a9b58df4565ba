//! T92, T93 at the door: admins hear of what is refused, and what a stranger writes makes no series of its own.

use std::{collections::BTreeSet, time::Duration};

use schemas::{AnyEvent, Audience, NoticeOutcome, Topic};

use super::{
    corpus::PATH,
    log::{form, post},
    wire::exchange,
};
use crate::world::{Kind, Setting, World, wait_for};

const SOON: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn t92_admins_hear_of_each_kind_of_refusal_once_and_then_of_their_number() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    for _ in 0..4 {
        exchange(door, &form("callBackType=NETVERIFYID")).await;
        exchange(door, &post(PATH, "Content-Type: text/plain\r\n", "x")).await;
    }
    let kinds = 2;
    wait_for("the alerts", SOON, async || {
        let (_, whole) = world.settle(SOON).await;
        let mut sent = 0;
        let mut counted = 0;
        for (_, event) in whole.of(Topic::Notified) {
            if let AnyEvent::Notified(notified) = event
                && notified.audience() == Audience::Admins
            {
                if notified.outcome() == NoticeOutcome::Sent {
                    sent += 1;
                } else {
                    counted += 1;
                }
            }
        }
        if (sent, counted) == (kinds, 3 * kinds) {
            Ok(())
        } else {
            Err(format!("{sent} alerts, {counted} counted"))
        }
    })
    .await;
    let mails = std::fs::read_dir(world.maildir().join("new")).unwrap();
    let told: Vec<String> = mails
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    for reason in ["no_provider_reference", "unsupported_media_type"] {
        assert!(
            told.iter()
                .any(|mail| mail.contains("q-admins@") && mail.contains(reason)),
            "{reason}: {told:#?}"
        );
    }
}

/// Names of series with their labels.
fn series(page: &str) -> BTreeSet<String> {
    let lines = page
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn t93_no_text_of_a_stranger_is_a_label() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    let round = async |from: usize, to: usize| {
        let mut bytes = Vec::new();
        for number in from..to {
            let name = format!("n{number:04}");
            bytes.push(post(&format!("/callbacks/{name}"), "", ""));
            bytes.push(post(&format!("/{name}/{name}"), "", ""));
            bytes.push(format!("M{name} {PATH} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes());
            bytes.push(post(PATH, &format!("Content-Type: text/{name}\r\n"), "x"));
            bytes.push(form(&format!(
                "callBackType={name}&jumioIdScanReference={name}&{name}={name}"
            )));
        }
        for bytes in bytes {
            // The answer that comes at once is enough: what it says is tried elsewhere.
            let closing = String::from_utf8_lossy(&bytes)
                .replace("Host: x\r\n", "Host: x\r\nConnection: close\r\n");
            assert!(
                !exchange(door, closing.as_bytes())
                    .await
                    .statuses()
                    .is_empty()
            );
        }
        world.settle(SOON).await;
        series(&world.page("up", "/metrics").await)
    };
    // The first ones bring each series into being that there can be; how far behind a stage is it tells after a while.
    wait_for("each stage tells how far behind it is", SOON, || async {
        let page = world.page("up", "/metrics").await;
        let silent = ["validate", "enrich", "notify", "audit"]
            .iter()
            .find(|stage| !page.contains(&format!("_lag_records{{stage=\"{stage}\"}}")));
        silent.map_or(Ok(()), |stage| Err(format!("{stage} does not")))
    })
    .await;
    let before = round(0, 20).await;
    let after = round(20, 220).await;
    let family = |name: &str| name.split('{').next().unwrap_or_default().to_owned();
    let known: BTreeSet<String> = before.iter().map(|name| family(name)).collect();
    let new: Vec<_> = after
        .difference(&before)
        .filter(|name| known.contains(&family(name)))
        .collect();
    assert!(
        new.is_empty(),
        "1,000 made-up names made new series: {new:#?}"
    );
    // What is measured from time to time may have come meanwhile.
    assert!(after.len() < before.len() + 20, "{after:#?}");
    assert!(
        after
            .iter()
            .all(|name| !name.contains("n00") && !name.contains("n01")),
        "a made-up name is a label: {after:#?}"
    );
}
