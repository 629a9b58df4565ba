//! The serve loop: connections within their bounds, drained when asked to stop.

use std::{
    io::{self, Write as _},
    net::{IpAddr, SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, unix::AsyncFd},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::{Door, places::Places};
use crate::{
    http::{Answer, answer::Outcome, connection::Connection},
    sources::{Gate, ProxyHeader, proxy_protocol},
    tls::Tls,
};

/// How long a drain waits for requests in flight; below the 30 s after which orchestrators kill.
const DRAIN: Duration = Duration::from_secs(15);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections accepted before those who are in have their turn.
const BURST: usize = 64;
/// Connections that may wait to be accepted: as many as a burst of a whole second; the kernel may allow fewer.
const BACKLOG: u32 = 4_096;

/// Binds the door's listener; the error names the address and the setting.
pub fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // After a restart the address is taken again at once.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| format!("cannot listen on {address} (setting `door.listen`): {error}"))
}

/// Serves until asked to stop; then lets requests in flight end, within a bound.
pub(super) async fn serve(listener: StdListener, door: Arc<Door>) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "sound for a listener of the standard library, which closes its descriptor only when dropped; what takes its place is unsafe"
    )]
    let listener = AsyncFd::new(listener)?;
    let connections = TaskTracker::new();
    let stopper = door.context.stopper.clone();
    let status = door.context.health.stage("ingest");
    status.running(door.context.clock.now());
    // Those who send us here are told first that we are about to go; what still comes is answered as always.
    let announced = async {
        stopper.stopping().await;
        tokio::time::sleep(Duration::from_millis(door.config.announce_ms)).await;
    };
    tokio::select! {
        () = announced => {}
        () = stopper.stopping_now() => {}
        () = accept(&listener, &door, &connections) => {}
    }
    drop(listener);
    door.closing.cancel();
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = stopper.stopping_now() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("connections were cut off at the end of the drain"),
    }
    status.stopped(door.context.clock.now());
    Ok(())
}

/// Accepts for ever. By hand and not through the runtime's own listener, which would make every stranger known to the
/// runtime before anybody has looked who it is: most of what a flood of them would cost.
async fn accept(listener: &AsyncFd<StdListener>, door: &Arc<Door>, connections: &TaskTracker) {
    let places = Arc::new(Places::new(&door.config));
    loop {
        let Ok(mut ready) = listener.readable().await else {
            // The runtime is going.
            return;
        };
        for _ in 0..BURST {
            match ready.try_io(|listener| listener.get_ref().accept()) {
                Ok(Ok((stream, peer))) => take_in(stream, peer, door, &places, connections),
                Ok(Err(error)) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    break;
                }
                Err(_none_waits) => break,
            }
        }
        // Those who are in have their turn between two bursts of those who come.
        tokio::task::yield_now().await;
    }
}

/// Gives a connection its place, or lets go of it: a stranger cannot take the place of a listed peer.
fn take_in(
    stream: StdStream,
    peer: SocketAddr,
    door: &Arc<Door>,
    places: &Arc<Places>,
    connections: &TaskTracker,
) {
    let place = match door.sources.gate(peer, door.context.clock.now()) {
        Gate::Listed(address) => places.listed(address),
        Gate::Proxy(_) => places.proxy(),
        Gate::Stranger(address) => {
            return take_in_stranger(stream, address, door, places, connections);
        }
    };
    let Some(place) = place else {
        metrics::counter!("idtrail_ingest_connections_refused_total").increment(1);
        return;
    };
    let Some(stream) = known_to_the_runtime(stream) else {
        return;
    };
    let (door, places) = (Arc::clone(door), Arc::clone(places));
    connections.spawn(async move {
        let _held = place;
        let _best_effort = stream.set_nodelay(true);
        admit(&door, stream, peer, &places).await;
    });
}

/// A stranger is told so; with few under way in such a way that it hears it for sure, else in passing.
fn take_in_stranger(
    stream: StdStream,
    address: IpAddr,
    door: &Arc<Door>,
    places: &Arc<Places>,
    connections: &TaskTracker,
) {
    let Some(place) = places.stranger() else {
        door.count(Outcome::BadSource);
        if door.tls.is_none() {
            // It fits into the empty buffer of a new connection, so it never waits.
            let _best_effort = (&stream).write(&door.bytes_of(Answer::of(Outcome::BadSource)));
        }
        return;
    };
    let Some(stream) = known_to_the_runtime(stream) else {
        return;
    };
    let (door, places) = (Arc::clone(door), Arc::clone(places));
    connections.spawn(async move {
        let _held = place;
        turn_away(&door, stream, address, &places).await;
    });
}

fn known_to_the_runtime(stream: StdStream) -> Option<TcpStream> {
    let nonblocking = stream.set_nonblocking(true);
    nonblocking.and_then(|()| TcpStream::from_std(stream)).ok()
}

/// Hears whom a proxy speaks for, shakes hands, and answers.
async fn admit(door: &Door, mut stream: TcpStream, peer: SocketAddr, places: &Places) {
    let mut speaks_for = peer;
    if door.sources.expects_header(peer) {
        match timeout(door.times.head, client_of(&mut stream)).await {
            Ok(Some(Some(client))) => speaks_for = client,
            // The proxy speaks for itself, as in its checks.
            Ok(Some(None)) => {}
            Ok(None) | Err(_) => {
                metrics::counter!("idtrail_ingest_proxy_headers_refused_total").increment(1);
                return;
            }
        }
        if let Gate::Stranger(address) = door.sources.gate(speaks_for, door.context.clock.now()) {
            return turn_away(door, stream, address, places).await;
        }
    }
    match (&door.tls, places.handshake()) {
        (None, _) => converse(door, stream, speaks_for).await,
        (Some(tls), Some(turn)) => {
            if let Some(stream) = shake_hands(door, tls, stream).await {
                drop(turn);
                converse(door, stream, speaks_for).await;
            }
        }
        (Some(_), None) => {
            metrics::counter!("idtrail_ingest_connections_refused_total").increment(1);
        }
    }
}

/// Whom the PROXY header at the beginning of a connection names; nothing where it is malformed.
///
/// Byte by byte, so that nothing after the header is taken: some fifty of them, once for a connection.
async fn client_of(stream: &mut TcpStream) -> Option<Option<SocketAddr>> {
    let mut header = Vec::with_capacity(64);
    loop {
        header.push(stream.read_u8().await.ok()?);
        match proxy_protocol::read(&header) {
            ProxyHeader::Incomplete if header.len() < proxy_protocol::MAX => {}
            ProxyHeader::Header { client, .. } => return Some(client),
            ProxyHeader::Incomplete | ProxyHeader::Malformed => return None,
        }
    }
}

async fn shake_hands(door: &Door, tls: &Tls, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    let shaken = timeout(door.times.head, tls.acceptor().accept(stream)).await;
    if let Ok(Ok(stream)) = shaken {
        return Some(stream);
    }
    metrics::counter!("idtrail_ingest_handshakes_failed_total").increment(1);
    None
}

/// Tells a stranger so, without reading a byte of what it sent; but for one a second, whose post is looked at.
async fn turn_away(door: &Door, stream: TcpStream, stranger: IpAddr, places: &Places) {
    door.count(Outcome::BadSource);
    let looked_at = door.may_consider();
    match &door.tls {
        None => tell_off(door, stream, stranger, looked_at).await,
        // To tell a stranger anything through TLS costs a handshake.
        Some(tls) if looked_at => {
            let Some(turn) = places.handshake() else {
                return;
            };
            if let Some(stream) = shake_hands(door, tls, stream).await {
                drop(turn);
                tell_off(door, stream, stranger, true).await;
            }
        }
        Some(_) => {}
    }
}

async fn tell_off<S: AsyncRead + AsyncWrite + Unpin>(
    door: &Door,
    stream: S,
    stranger: IpAddr,
    looked_at: bool,
) {
    let mut connection = Connection::new(stream, door.times);
    if looked_at {
        door.look_at_all_of(&mut connection, stranger).await;
    }
    let answer = door.bytes_of(Answer::of(Outcome::BadSource));
    if connection.write(&answer).await.is_ok() {
        connection.close().await;
    }
}

/// Answers the requests of a connection, one after the other.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(door: &Door, stream: S, peer: SocketAddr) {
    let mut connection = Connection::new(stream, door.times);
    // One for the connection: to listen anew for each request has its price.
    let mut closing = pin!(door.closing.cancelled());
    loop {
        let begun = tokio::select! {
            biased;
            begun = connection.begun() => begun.is_ok(),
            () = &mut closing => false,
        };
        if !begun {
            break;
        }
        let Some(answer) = door.one(&mut connection, peer).await else {
            break;
        };
        let answer = answer.and_close(door.context.stopper.is_stopping());
        door.count(answer.outcome());
        if connection.write(&door.bytes_of(answer)).await.is_err() {
            return;
        }
        if answer.is_last() {
            break;
        }
    }
    connection.close().await;
}
