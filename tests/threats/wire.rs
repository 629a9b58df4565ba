//! Sockets of our own: bytes out, bytes in, within a limit.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How long a door may take to end what it ends at once.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection that stays open says nothing before that is taken for sure, on a busy machine too.
const QUIET: Duration = Duration::from_secs(2);

/// What came back on a connection.
pub(super) struct Answered {
    /// The heads of all answers, one after the other, in lower case.
    pub(super) text: String,
    /// Whether the door closed the connection.
    pub(super) closed: bool,
}

impl Answered {
    /// The statuses of all answers.
    pub(super) fn statuses(&self) -> Vec<u16> {
        self.text
            .split("http/1.1 ")
            .skip(1)
            .filter_map(|answer| answer.get(..3)?.parse().ok())
            .collect()
    }
}

/// Sends bytes, then reads until the door closes or says nothing for a while after its first answer.
pub(super) async fn exchange(door: SocketAddr, bytes: &[u8]) -> Answered {
    let stream = TcpStream::connect(door).await.unwrap();
    exchange_on(stream, bytes).await
}

/// The same on a connection that is open.
pub(super) async fn exchange_on(mut stream: TcpStream, bytes: &[u8]) -> Answered {
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    // The door may answer and close before everything is sent: what cannot be sent any more is no fault.
    let sending = async {
        let _sent = writing.write_all(bytes).await;
    };
    let receiving = async {
        let mut buffer = [0; 4096];
        loop {
            let quiet = if answer.is_empty() { PATIENCE } else { QUIET };
            match tokio::time::timeout(quiet, reading.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break true,
                Ok(Ok(count)) => answer.extend_from_slice(&buffer[..count]),
                Err(_) => break false,
            }
        }
    };
    let ((), closed) = tokio::join!(sending, receiving);
    Answered {
        text: String::from_utf8_lossy(&answer).to_ascii_lowercase(),
        closed,
    }
}

/// What a process has in memory, in KiB.
pub(super) fn resident_kilobytes(pid: u32) -> usize {
    number_after(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// How many files this process may open.
pub(super) fn open_files() -> usize {
    number_after("/proc/self/limits", "Max open files")
}

fn number_after(file: &str, name: &str) -> usize {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
