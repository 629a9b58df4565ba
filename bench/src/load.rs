//! A load generator that counts exactly: every post has its answer before the next on its connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jumio::scenarios::{self, Fill, PersonalFill};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// Accounts of the bench directory; their numbers are the keys.
pub(crate) const ACCOUNTS: usize = 500;

/// What a load came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Posts that were answered 200.
    pub(crate) accepted: usize,
    /// Posts that were answered otherwise.
    pub(crate) refused: usize,
}

/// The value that this share of sorted values does not exceed.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index of a bench"
)]
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// The request of the `number`th check, about 3 KB, as the provider's longer bodies are.
pub(crate) fn request(number: usize, run: &str) -> Vec<u8> {
    request_of(number, run, 20)
}

/// The same with so many characters in each personal field.
pub(crate) fn request_of(number: usize, run: &str, field: usize) -> Vec<u8> {
    let client = number % ACCOUNTS;
    let fill = Fill {
        provider_reference: format!("{run}-{number}"),
        customer_reference: Some(format!("A-{client}:C-{client}")),
        // Every documented field at once: the longest body that the provider is likely to send.
        personal: PersonalFill::every(|_| "x".repeat(field)),
        ..Fill::default()
    };
    let approved = scenarios::all()
        .iter()
        .find(|scenario| scenario.name == "approved")
        .unwrap();
    let body = approved.body(&fill);
    let length = body.len();
    format!("POST /callbacks/jumio HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Posts until the count is reached or the time is up, on so many connections.
pub(crate) async fn flood(
    door: SocketAddr,
    run: &str,
    connections: usize,
    count: usize,
    time: Duration,
) -> Outcome {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (next, run) = (Arc::clone(&next), run.to_owned());
        workers.spawn(async move {
            let mut stream = connect(door).await;
            let mut outcome = Outcome::default();
            while begun.elapsed() < time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                let request = request(number, &run);
                if post(&mut stream, &request).await == Some(200) {
                    outcome.accepted += 1;
                } else {
                    outcome.refused += 1;
                    stream = connect(door).await;
                }
            }
            outcome
        });
    }
    let mut whole = Outcome::default();
    while let Some(part) = workers.join_next().await {
        let part = part.unwrap();
        whole.accepted += part.accepted;
        whole.refused += part.refused;
    }
    whole
}

/// Opens a connection to the door.
pub(crate) async fn connect(door: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(door).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Posts on a connection; the status, or nothing where the connection has ended.
pub(crate) async fn post(stream: &mut TcpStream, request: &[u8]) -> Option<u16> {
    stream.write_all(request).await.ok()?;
    let mut answer = Vec::with_capacity(256);
    let mut buffer = [0; 512];
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
        }
    }
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}
