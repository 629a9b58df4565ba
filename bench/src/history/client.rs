//! A client of the audit API: one connection, one question after the other.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::load;

/// Opens a connection to the API.
pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    load::connect(address).await
}

/// Asks; the answer with its head.
pub(crate) async fn get(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4 << 10];
    while !is_whole(&answer) {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the API has closed the connection");
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(answer).unwrap()
}

/// Whether head and body are there. Every answer says how long its body is.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else {
        return false;
    };
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse::<usize>().unwrap())
    });
    answer.len() >= head + 4 + length.unwrap()
}
