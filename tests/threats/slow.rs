//! T16, T17, T19: whoever is slow, idle or boastful costs himself only.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    corpus::{FORM, PATH},
    wire::{exchange, open_files, resident_kilobytes},
};
use crate::world::{Kind, Setting, World, body_of, wait_for};

/// The bound of the promise, in milliseconds.
pub(super) const PROMPT: u128 = 100;

/// A good post on a connection of its own; how long it took.
async fn good_post(door: SocketAddr, number: usize) -> Duration {
    let (_, body) = body_of("approved", &format!("good-{number}"), Some("A-1:C-1"));
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    let mut stream = TcpStream::connect(door).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    begun.elapsed()
}

/// The median of a row of good posts, in milliseconds. One post may meet a pause of the machine, half of them do not.
pub(super) async fn good_posts(door: SocketAddr) -> u128 {
    let mut took = Vec::new();
    for number in 0..25 {
        took.push(good_post(door, number).await.as_millis());
    }
    took.sort_unstable();
    println!(
        "threats: good posts meanwhile: p50 {} ms, longest {} ms",
        took[12], took[24]
    );
    took[12]
}

#[tokio::test(flavor = "multi_thread")]
async fn t16_five_hundred_slow_heads_are_closed_and_hinder_nobody() {
    let setting = Setting::with(&[("DOOR__HEADER_MS", "4000")]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let begun = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "awaited below, within a limit")]
    let slow = tokio::spawn(async move {
        let one = async || {
            let mut stream = TcpStream::connect(door).await.unwrap();
            for byte in b"POST /callbacks/jumio HTTP/1.1\r\nHost: x\r\n" {
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    _ = stream.readable() => break,
                }
            }
            let mut answer = String::new();
            let _cut = stream.read_to_string(&mut answer).await;
            answer
        };
        join_all((0..500).map(|_| one())).await
    });
    let median = good_posts(door).await;
    assert!(median < PROMPT, "{median} ms");
    let answers = tokio::time::timeout(Duration::from_secs(20), slow).await;
    let answers = answers
        .expect("every slow head is ended within 20 s")
        .unwrap();
    assert!(
        begun.elapsed() >= Duration::from_secs(3),
        "they were given their time"
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer.starts_with("HTTP/1.1 408"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_ten_thousand_idle_sockets_hinder_nobody_and_are_let_go() {
    let setting = Setting::with(&[
        ("DOOR__HEADER_MS", "30000"),
        ("DOOR__MAX_CONNECTIONS", "12000"),
        ("DOOR__MAX_CONNECTIONS_PER_NETWORK", "12000"),
    ]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let sockets = 10_000.min(open_files().saturating_sub(1_000));
    if sockets < 10_000 {
        println!(
            "threats: only {sockets} idle sockets: this system lets a process open no more files"
        );
    }
    let before = resident_kilobytes(world.pid("up"));
    let mut idle = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        idle.push(TcpStream::connect(door).await.unwrap());
    }
    let median = good_posts(door).await;
    let grown = resident_kilobytes(world.pid("up")).saturating_sub(before);
    println!(
        "threats: {sockets} idle sockets take {} bytes each",
        grown * 1_024 / sockets.max(1)
    );
    assert!(median < PROMPT, "{median} ms");
    drop(idle);
    assert!(good_post(door, 100).await.as_millis() < 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_a_network_cannot_take_the_places_of_all() {
    let setting = Setting::with(&[
        ("DOOR__HEADER_MS", "30000"),
        ("DOOR__ALLOW", "[\"127.0.0.1/32\", \"127.0.9.0/24\"]"),
        ("DOOR__MAX_CONNECTIONS_PER_NETWORK", "10"),
    ]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let mut greedy = Vec::new();
    for _ in 0..30 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.9.9:0".parse().unwrap()).unwrap();
        greedy.push(socket.connect(door).await.unwrap());
    }
    good_post(door, 1).await;
    let mut cut = 0;
    for stream in &mut greedy {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte)).await;
        cut += usize::from(matches!(read, Ok(Ok(0) | Err(_))));
    }
    assert_eq!(
        cut, 20,
        "ten keep their places, the others are let go at once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_a_body_below_the_least_rate_is_ended_before_its_time() {
    let setting = Setting::with(&[
        ("DOOR__BODY_MS", "60000"),
        ("DOOR__BODY_BYTES_PER_SECOND", "100000"),
    ]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let begun = Instant::now();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100000\r\n\r\nabc"
    );
    let answered = exchange(world.door_address(), head.as_bytes()).await;
    assert_eq!(answered.statuses(), [408]);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_bomb_is_refused_unopened() {
    // On the real parts the door is a process of its own, so that what it takes can be told.
    let Some(world) = World::start(Kind::Real, Setting::default()).await else {
        return;
    };
    let door = world.door_address();
    // What 1 GiB of zeros comes to is about 1 MiB; the door must not read even that.
    let bomb = |encoding: &str| {
        let mut bytes = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Encoding: {encoding}\r\nContent-Length: 1042069\r\n\r\n").into_bytes();
        bytes.resize(bytes.len() + 1_042_069, 0);
        bytes
    };
    let mut most = 0;
    for round in 0..10 {
        for encoding in ["gzip", "gzip, gzip", "br", "zstd"] {
            let before = resident_kilobytes(world.pid("ingest"));
            assert_eq!(
                exchange(door, &bomb(encoding)).await.statuses(),
                [415],
                "{encoding}"
            );
            let grown = resident_kilobytes(world.pid("ingest")).saturating_sub(before);
            // The first ones meet what is done for the first time: code is paged in, caches are made.
            most = if round < 3 { 0 } else { most.max(grown) };
        }
    }
    println!("threats: no bomb of 1 GiB took more than {most} KiB");
    assert!(most < 1_024, "{most} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_does_not_wait_for_answers_gets_them_in_order() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let mut bytes = Vec::new();
    for number in 0..200 {
        let (_, body) = body_of("approved", &format!("piped-{number}"), Some("A-1:C-1"));
        let last = if number == 199 {
            "Connection: close\r\n"
        } else {
            ""
        };
        bytes.extend(format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{last}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
    }
    let answered = exchange(world.door_address(), &bytes).await;
    assert_eq!(answered.statuses(), vec![200; 200]);
    assert_eq!(world.settle(Duration::from_secs(20)).await.0.raw, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_what_is_in_hand_is_bounded_and_the_rest_is_asked_to_come_again() {
    let setting = Setting::with(&[("DOOR__MAX_BYTES_IN_HAND", "2000")]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n");
    // Refused by what it states, before a byte of it is read; so is one whose length nobody knows.
    for framing in ["Content-Length: 2001", "Transfer-Encoding: chunked"] {
        let answered = exchange(door, format!("{head}{framing}\r\n\r\n").as_bytes()).await;
        assert_eq!(answered.statuses(), [503], "{framing}");
        assert!(
            answered.text.contains("retry-after: 1"),
            "{}",
            answered.text
        );
    }
    // Somebody who has stated nearly all of it takes it from the next one, and gives it back.
    let mut greedy = TcpStream::connect(door).await.unwrap();
    let bodiless = format!("{head}Content-Length: 1900\r\n\r\n");
    greedy.write_all(bodiless.as_bytes()).await.unwrap();
    let next = format!("{head}Content-Length: 200\r\n\r\n{}", "x".repeat(200));
    let answer = async || exchange(door, next.as_bytes()).await.statuses();
    wait_for("the room to be taken", Duration::from_secs(5), async || {
        if answer().await == [503] {
            Ok(())
        } else {
            Err("there is room".to_owned())
        }
    })
    .await;
    drop(greedy);
    wait_for(
        "the room to be given back",
        Duration::from_secs(5),
        async || {
            if answer().await == [400] {
                Ok(())
            } else {
                Err("there is no room".to_owned())
            }
        },
    )
    .await;
}
