//! Connections on which something is waited for: a body that trickles, and the next request of a door that goes.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::corpus::{FORM, PATH};
use crate::world::{Kind, Setting, World, body_of};

/// Each byte that comes must not win it new time.
#[tokio::test(flavor = "multi_thread")]
async fn t17_a_body_that_trickles_is_ended_though_something_always_comes() {
    let setting = Setting::with(&[
        ("DOOR__BODY_MS", "60000"),
        ("DOOR__BODY_BYTES_PER_SECOND", "100000"),
    ]);
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let mut stream = TcpStream::connect(world.door_address()).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(200));
    let trickling = async {
        loop {
            tokio::select! {
                _ = beat.tick() => if stream.write_all(b"x").await.is_err() { return },
                _ = stream.readable() => return,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), trickling)
        .await
        .expect("a body below its rate is ended within 20 s");
    let mut answer = String::new();
    let _reset = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        begun.elapsed() > Duration::from_secs(1),
        "it was given its time"
    );
}

/// The provider's clients keep connections open; none of them may hold the door up until it is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_goes_does_not_wait_for_a_connection_without_a_request() {
    let setting = Setting::with(&[("DOOR__ANNOUNCE_MS", "0")]);
    let Some(mut world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let mut idle = TcpStream::connect(world.door_address()).await.unwrap();
    let (_, body) = body_of("approved", "idle", Some("A-1:C-1"));
    let post = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    idle.write_all(post.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let begun = Instant::now();
    assert_eq!(world.terminate("up").await, Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it waited {:?}, until connections are cut off",
        begun.elapsed()
    );
    let log = std::fs::read_to_string(world.log("up")).unwrap();
    assert!(!log.contains("connections were cut off"), "{log}");
}
