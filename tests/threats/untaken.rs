//! T17: whoever posts and takes no answers is cut off after the time for an answer.

use std::time::{Duration, Instant};

use tokio::{io::AsyncWriteExt as _, net::TcpSocket};

use super::{
    corpus::{FORM, PATH},
    slow::{PROMPT, good_posts},
};
use crate::world::{Kind, Setting, World};

/// Answers that nobody takes fill the buffers of both ends, and then the door waits to write.
#[tokio::test(flavor = "multi_thread")]
async fn t17_whoever_takes_no_answers_is_cut_off() {
    let setting = Setting {
        variables: vec![("DOOR__WRITE_MS", "1500".to_owned())],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let door = world.door_address();
    // Empty bodies are answered at once, on a connection that stays open.
    let one = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 0\r\n\r\n"
    );
    let many = one.repeat(100);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(door).await.unwrap();
    let begun = Instant::now();
    let mut last = begun;
    let cut = async {
        while stream.write_all(many.as_bytes()).await.is_ok() {
            last = Instant::now();
        }
    };
    tokio::time::timeout(Duration::from_mins(1), cut)
        .await
        .expect("whoever takes no answers is cut off within 60 s");
    let waited = last.elapsed();
    println!(
        "threats: cut off {waited:?} after the last write, {:?} in all",
        begun.elapsed()
    );
    assert!(
        waited > Duration::from_secs(1) && waited < Duration::from_secs(10),
        "it had its time to take them, and no more: {waited:?}"
    );
    assert!(good_posts(door).await < PROMPT);
}
