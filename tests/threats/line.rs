//! A client's connection: posts one callback after the other, and how long each answer took.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::corpus::{FORM, PATH};
use crate::world::body_of;

/// How long a client waits for an answer; far above every promise, so that a hang is seen as one.
const HANG: Duration = Duration::from_secs(30);

/// The status of an answer that never came.
const HUNG: u16 = 0;

/// A callback of a client as it goes over the wire.
pub(super) fn callback(reference: &str, client: usize) -> Vec<u8> {
    let customer = format!("A-{client}:C-{client}");
    let (_, body) = body_of("approved", reference, Some(&customer));
    let length = body.len();
    format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// So many thousandths of a sorted row are not above this.
pub(super) fn share(sorted: &[Duration], thousandths: usize) -> Duration {
    let at = (sorted.len() * thousandths).div_ceil(1_000);
    sorted[at.clamp(1, sorted.len()) - 1]
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When the last byte of the request was sent.
    pub(super) sent: Instant,
    /// From then until the answer.
    pub(super) took: Duration,
    pub(super) status: u16,
}

impl Sample {
    /// When it was answered.
    pub(super) fn answered(&self) -> Instant {
        self.sent + self.took
    }
}

/// A connection that is opened again where it has ended.
pub(super) struct Line {
    door: SocketAddr,
    from: IpAddr,
    stream: Option<TcpStream>,
}

impl Line {
    pub(super) fn new(door: SocketAddr) -> Self {
        Self::from(Ipv4Addr::LOCALHOST.into(), door)
    }

    /// From an address of its own.
    pub(super) fn from(from: IpAddr, door: SocketAddr) -> Self {
        Self {
            door,
            from,
            stream: None,
        }
    }

    /// Posts; nothing where the connection ended without an answer.
    pub(super) async fn post(&mut self, request: &[u8]) -> Option<Sample> {
        // One that was closed meanwhile is not used any more, as any client of HTTP does it.
        let open = self.stream.take().filter(|stream| {
            let read = stream.try_read(&mut [0]);
            read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        });
        let mut stream = match open {
            Some(stream) => stream,
            None => connect(self.from, self.door).await.ok()?,
        };
        stream.set_nodelay(true).ok()?;
        stream.write_all(request).await.ok()?;
        let sent = Instant::now();
        let Ok(head) = timeout(HANG, head(&mut stream)).await else {
            let (took, status) = (sent.elapsed(), HUNG);
            return Some(Sample { sent, took, status });
        };
        let (head, took) = (head?, sent.elapsed());
        if !head.contains("connection: close") {
            self.stream = Some(stream);
        }
        let status = head.strip_prefix("http/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Sample { sent, took, status })
    }
}

/// The head of an answer, in lower case; an answer of the door has no body.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).to_ascii_lowercase())
}

/// A connection from this address.
pub(super) async fn connect(from: IpAddr, door: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(door).await
}
