//! T01–T03, T05–T08: who sent it is judged on the socket, and what it says is a claim until it is confirmed.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use futures::future::join_all;
use schemas::{AnyEvent, Confirmation, NoticeOutcome, Topic};
use tokio::net::{TcpSocket, TcpStream};

use super::{corpus, wire::exchange_on};
use crate::world::{Kind, Setting, Whole, World, body_of, free};

/// An address of this machine that is on no list.
const STRANGER: &str = "127.0.0.2:0";
const LISTED: &str = "127.0.0.1:0";
const SOON: Duration = Duration::from_mins(1);

/// Posts a good body from an address; the status of the answer.
async fn post_from(local: &str, door: SocketAddr, fields: &str) -> Vec<u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(local.parse().unwrap()).unwrap();
    let stream: TcpStream = socket.connect(door).await.unwrap();
    let body = corpus::good();
    let request = corpus::request(
        &format!("{fields}Content-Length: {}\r\n", body.len()),
        &body,
    );
    exchange_on(stream, request.as_bytes()).await.statuses()
}

/// What was sent to somebody, by audience.
fn sent(whole: &Whole) -> Vec<String> {
    let notices = whole.of(Topic::Notified).iter().filter_map(|(_, event)| {
        if let AnyEvent::Notified(notified) = event
            && notified.outcome() == NoticeOutcome::Sent
        {
            Some(notified.audience().to_string())
        } else {
            None
        }
    });
    let mut all: Vec<String> = notices.collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_only_a_listed_network_comes_in() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    assert_eq!(post_from(STRANGER, door, "").await, [403]);
    assert_eq!(
        world.settle(SOON).await.0.raw,
        0,
        "a stranger left something in a topic"
    );
    let page = world.page("up", "/metrics").await;
    assert!(page.contains("outcome=\"bad_source\"} 1\n"), "{page}");
    assert_eq!(post_from(LISTED, door, "").await, [200]);
    assert_eq!(world.settle(SOON).await.0.raw, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t02_a_header_makes_nobody_another_one() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    let mut refused = 0;
    for name in [
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "CF-Connecting-IP",
        "True-Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Via",
    ] {
        for value in [
            "127.0.0.1",
            "for=127.0.0.1",
            "127.0.0.2, 127.0.0.1",
            "127.0.0.1, 127.0.0.2",
            "::ffff:127.0.0.1",
        ] {
            let field = format!("{name}: {value}\r\n");
            assert_eq!(post_from(STRANGER, door, &field).await, [403], "{field}");
            refused += 1;
        }
    }
    // Nor does a listed peer lose its place by what it writes.
    let field = "X-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.7\r\n";
    assert_eq!(post_from(LISTED, door, field).await, [200]);
    assert_eq!(world.settle(SOON).await.0.raw, 1);
    println!("threats: {refused} forged headers moved nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn t03_an_ipv4_mapped_peer_is_the_ipv4_peer() {
    // A socket of both families sees every IPv4 peer in its mapped form.
    let port = free().port();
    if std::net::TcpListener::bind(("::", 0)).is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let setting = Setting {
        variables: vec![("DOOR__LISTEN", format!("[::]:{port}"))],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(post_from(LISTED, door, "").await, [200]);
    assert_eq!(post_from(STRANGER, door, "").await, [403]);
    let over_ipv6 = TcpStream::connect((std::net::Ipv6Addr::LOCALHOST, port))
        .await
        .unwrap();
    let body = corpus::good();
    let request = corpus::request(&format!("Content-Length: {}\r\n", body.len()), &body);
    let answered = exchange_on(over_ipv6, request.as_bytes()).await;
    assert_eq!(answered.statuses(), [403], "::1 is not on the list");
    assert_eq!(world.settle(SOON).await.0.raw, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t05_an_invented_result_is_never_told_as_confirmed() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let (media, body) = body_of("approved", "invented", Some("A-1:C-1"));
    assert_eq!(world.post(media, body).await, 200);
    let (tally, whole) = world.settle(SOON).await;
    assert_eq!((tally.enriched, tally.sent), (1, 2));
    for (_, event) in whole.of(Topic::Enriched) {
        let AnyEvent::Enriched(enriched) = event else {
            panic!("not an enriched event")
        };
        assert_eq!(enriched.confirmation(), Confirmation::Unconfirmed);
    }
    let mails = std::fs::read_dir(world.maildir().join("new")).unwrap();
    let texts = mails.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let (mut onboarding, mut claims) = (0, 0);
    for text in texts {
        onboarding += usize::from(text.contains("q-onboarding@"));
        claims += usize::from(text.contains("q-onboarding@") && text.contains("not confirmed"));
    }
    assert_eq!((onboarding, claims), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn t06_a_replay_is_answered_and_told_once() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let (media, body) = body_of("approved", "replayed", Some("A-1:C-1"));
    let poster = world.poster();
    let statuses = join_all((0..50).map(|_| poster.post(media, body.clone()))).await;
    assert_eq!(statuses, vec![200; 50]);
    let (tally, whole) = world.settle(SOON).await;
    assert_eq!(
        (tally.raw, tally.checked),
        (50, 50),
        "a replay is kept, not dropped"
    );
    let ids: BTreeSet<_> = whole
        .of(Topic::Checked)
        .iter()
        .map(|(record, _)| record.header("ce_id").unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "one event, however often it is sent");
    assert_eq!(
        sent(&whole),
        ["onboarding", "sales"],
        "and each is told of it once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_a_late_step_does_not_undo_a_result() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let customer = Some("A-1:C-1");
    for (scenario, raw) in [("approved", 1), ("kyx-initiated", 2), ("kyx-acquired", 3)] {
        let (media, body) = body_of(scenario, "late", customer);
        assert_eq!(world.post(media, body).await, 200);
        assert_eq!(world.settle(SOON).await.0.raw, raw);
    }
    let (tally, whole) = world.settle(SOON).await;
    assert_eq!(tally.enriched, 3, "what is late is recorded");
    assert_eq!(
        sent(&whole),
        ["onboarding", "sales"],
        "and nobody is told that it is open again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_an_odd_time_is_carried_and_decides_nothing() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let times = [
        "1970-01-01T00:00:00Z",
        "2099-12-31T23:59:59Z",
        "2026-03-02T10:15:30+99:99",
        "yesterday",
        "",
    ];
    let before = stage::Clock::now(&stage::SystemClock);
    for (number, time) in times.iter().enumerate() {
        let reference = format!("odd-{number}");
        let (media, body) = body_of("approved", &reference, Some("A-1:C-1"));
        let stamp = body
            .split('&')
            .find_map(|pair| pair.strip_prefix("callbackDate="));
        let body = body.replace(
            stamp.unwrap(),
            &time.replace(':', "%3A").replace('+', "%2B"),
        );
        assert_eq!(world.post(media, body).await, 200, "{time}");
    }
    let (tally, whole) = world.settle(SOON).await;
    assert_eq!((tally.checked, tally.rejected), (times.len(), 0));
    let mut dated = 0;
    for (_, event) in whole.of(Topic::Checked) {
        let AnyEvent::Checked(checked) = event else {
            panic!("not a checked event")
        };
        // What orders and what is kept rests on our own time of receipt.
        let received = checked.received_at();
        assert!(received >= before, "{received:?}");
        dated += usize::from(checked.occurred_at().is_some());
    }
    assert_eq!(dated, 2, "only what is a time is carried as the provider's");
    assert_eq!(sent(&whole).len(), 2 * times.len());
}
