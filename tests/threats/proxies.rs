//! T02, T04, T15: whose word counts, what happens when the provider moves, and secrets that follow one another.

use std::{net::SocketAddr, time::Duration};

use tokio::net::{TcpSocket, TcpStream};

use super::{
    corpus::{FORM, PATH},
    wire::{exchange, exchange_on},
};
use crate::world::{Kind, Setting, World, body_of, wait_for};

/// A good post with further header lines, each ended.
fn post(path: &str, fields: &str) -> String {
    let (_, body) = body_of("approved", "through-a-proxy", Some("A-1:C-1"));
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn from(address: &str, door: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(format!("{address}:0").parse().unwrap())
        .unwrap();
    socket.connect(door).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn t02_only_a_proxy_of_ours_speaks_for_others() {
    let setting = Setting::with(&[
        ("DOOR__ALLOW", "[\"192.0.2.0/24\"]"),
        ("DOOR__PROXIES", "[\"127.0.0.1/32\"]"),
        ("DOOR__FORWARDED", "x-forwarded-for"),
    ]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    for (fields, status) in [
        ("X-Forwarded-For: 192.0.2.1\r\n", 200),
        ("X-Forwarded-For: 198.51.100.7, 192.0.2.1\r\n", 200),
        (
            "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 192.0.2.1\r\n",
            200,
        ),
        ("X-Forwarded-For: ::ffff:192.0.2.1\r\n", 200),
        ("X-Forwarded-For: 192.0.2.1, 127.0.0.1\r\n", 200),
        ("X-Forwarded-For: 192.0.2.1, 198.51.100.7\r\n", 403),
        (
            "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 198.51.100.7\r\n",
            403,
        ),
        ("X-Forwarded-For: 192.0.2.1, garbage\r\n", 403),
        ("X-Forwarded-For: \r\n", 403),
        ("Forwarded: for=192.0.2.1\r\n", 403),
        (
            "X-Real-IP: 192.0.2.1\r\nCF-Connecting-IP: 192.0.2.1\r\n",
            403,
        ),
        ("", 403),
    ] {
        let answered = exchange(door, post(PATH, fields).as_bytes()).await;
        assert_eq!(answered.statuses(), [status], "{fields:?}");
    }
    let other = from("127.0.0.2", door).await;
    let forged = post(PATH, "X-Forwarded-For: 192.0.2.1\r\n");
    assert_eq!(
        exchange_on(other, forged.as_bytes()).await.statuses(),
        [403]
    );
    assert_eq!(world.settle(Duration::from_secs(20)).await.0.raw, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn t02_a_header_of_the_proxy_protocol_names_the_client() {
    let setting = Setting::with(&[
        ("DOOR__ALLOW", "[\"192.0.2.0/24\"]"),
        ("DOOR__PROXIES", "[\"127.0.0.1/32\"]"),
        ("DOOR__PROXY_PROTOCOL", "true"),
    ]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let second = |client: [u8; 4]| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend([&client[..], &[127, 0, 0, 1], &[0xc0, 0, 0, 80]].concat());
        header
    };
    for (header, promised) in [
        (
            b"PROXY TCP4 192.0.2.1 127.0.0.1 1000 80\r\n".to_vec(),
            vec![200],
        ),
        (second([192, 0, 2, 9]), vec![200]),
        (
            b"PROXY TCP4 198.51.100.7 127.0.0.1 1000 80\r\n".to_vec(),
            vec![403],
        ),
        (second([198, 51, 100, 7]), vec![403]),
        (Vec::new(), vec![]),
        (
            b"PROXY TCP4 999.0.2.1 127.0.0.1 1000 80\r\n".to_vec(),
            vec![],
        ),
    ] {
        let bytes = [header.clone(), post(PATH, "").into_bytes()].concat();
        let answered = exchange(door, &bytes).await;
        assert_eq!(
            answered.statuses(),
            promised,
            "{}",
            String::from_utf8_lossy(&header)
        );
    }
    assert_eq!(world.settle(Duration::from_secs(20)).await.0.raw, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn t04_a_provider_that_moves_is_told_of_and_can_be_let_in() {
    let setting = Setting::with(&[("DOOR__ALLOW", "[\"192.0.2.0/24\"]")]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let said = |page: &str| page.contains("idtrail_ingest_drift_alerts_total 1");
    // Posts that are no callbacks are no sign, however many.
    for _ in 0..10 {
        let answered = exchange(door, b"POST /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(answered.statuses(), [403]);
    }
    assert!(!said(&world.page("up", "/metrics").await));
    wait_for(
        "the alert of a network that posts callbacks",
        Duration::from_secs(30),
        async || {
            let answered = exchange(door, post(PATH, "").as_bytes()).await;
            assert_eq!(
                answered.statuses(),
                [403],
                "whatever it looks like, it is a stranger"
            );
            let page = world.page("up", "/metrics").await;
            if said(&page) {
                Ok(())
            } else {
                Err("no alert".to_owned())
            }
        },
    )
    .await;
    let told = mail_of(&world, "127.0.0.0/24").await;
    assert!(told.contains("q-admins@"), "{told}");
    assert!(
        told.contains("idtrail sources approve 127.0.0.0/24"),
        "{told}"
    );
    let (code, _, error) = world.run(&[
        "sources",
        "approve",
        "127.0.0.0/24",
        "--hours",
        "1",
        "--reason",
        "they move",
        "--by",
        "ann",
    ]);
    assert_eq!(code, 0, "{error}");
    wait_for(
        "the approved network to be let in",
        Duration::from_secs(15),
        async || match exchange(door, post(PATH, "").as_bytes()).await.statuses()[..] {
            [200] => Ok(()),
            ref other => Err(format!("{other:?}")),
        },
    )
    .await;
    let (_, history, _) = world.run(&["tail", "operated", "--json"]);
    assert!(
        history.contains("drift") && history.contains("127.0.0.0/24"),
        "{history}"
    );
}

/// Waits for the one mail that names this; more than one panics.
async fn mail_of(world: &World, what: &str) -> String {
    wait_for(
        &format!("a mail that names {what}"),
        Duration::from_secs(30),
        async || {
            let mails =
                std::fs::read_dir(world.maildir().join("new")).map_err(|e| e.to_string())?;
            // A long line is folded in a mail.
            let read = |file: std::io::Result<std::fs::DirEntry>| {
                let mail = std::fs::read_to_string(file.unwrap().path()).unwrap();
                mail.replace("=\r\n", "").replace("=\n", "")
            };
            let mut naming: Vec<String> =
                mails.map(read).filter(|mail| mail.contains(what)).collect();
            assert!(naming.len() < 2, "{naming:#?}");
            naming.pop().ok_or_else(|| "no mail names it".to_owned())
        },
    )
    .await
}

async fn with_secret(door: SocketAddr, secret: &str) -> Vec<u16> {
    let path = format!("{PATH}/{secret}");
    exchange(door, post(&path, "").as_bytes()).await.statuses()
}

const OLD: &str = "0d1f4a7e5b9c2836e1a4f70b6d5c9382";
const NEW: &str = "b8e2071c4f6a9d35c7180e2b4f9a6d53";

#[tokio::test(flavor = "multi_thread")]
async fn t15_one_secret_follows_another_without_a_lost_callback() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idtrail.toml");
    for (name, value) in [("old", OLD), ("new", NEW)] {
        std::fs::write(folder.path().join(name), value).unwrap();
    }
    let one = |name: &str, until: &str| {
        format!(
            "{{ file = \"{}\"{until} }}",
            folder.path().join(name).display()
        )
    };
    let write = |secrets: &[String]| {
        let text = format!("[door]\nsecrets = [{}]\n", secrets.join(", "));
        std::fs::write(&file, text).unwrap();
    };
    write(&[one("old", "")]);
    let setting = Setting {
        arguments: vec!["--config".to_owned(), file.display().to_string()],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let answer = async |secret| with_secret(door, secret).await;
    assert_eq!(
        (answer(OLD).await, answer(NEW).await),
        (vec![200], vec![404])
    );
    write(&[one("old", ""), one("new", "")]);
    wait_for(
        "the new secret to open the door",
        Duration::from_secs(15),
        async || {
            assert_eq!(
                answer(OLD).await,
                [200],
                "the old one opens it all the time"
            );
            if answer(NEW).await == [200] {
                Ok(())
            } else {
                Err("404".to_owned())
            }
        },
    )
    .await;
    write(&[
        one("old", ", until = \"2026-01-01T00:00:00Z\""),
        one("new", ""),
    ]);
    wait_for(
        "the old secret to end",
        Duration::from_secs(15),
        async || {
            assert_eq!(
                answer(NEW).await,
                [200],
                "the new one opens it all the time"
            );
            if answer(OLD).await == [404] {
                Ok(())
            } else {
                Err("200".to_owned())
            }
        },
    )
    .await;
}
