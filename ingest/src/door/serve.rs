//! The serve loop: connections within their bounds, drained when asked to stop.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::OwnedSemaphorePermit,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Door, places::Places, request::Peer};
use crate::http::{Answer, answer::Outcome, connection::Connection};

/// How long a drain waits for requests in flight; below the 30 s after which orchestrators kill.
const DRAIN: Duration = Duration::from_secs(15);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
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
pub(super) async fn serve(listener: TcpListener, door: Arc<Door>) {
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
}

async fn accept(listener: &TcpListener, door: &Arc<Door>, connections: &TaskTracker) {
    let places = Places::new(&door.config);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                take_in(stream, peer.ip().to_canonical(), door, &places, connections)
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Gives a connection its place, or lets go of it: a stranger cannot take the place of a listed peer.
fn take_in(
    stream: TcpStream,
    address: IpAddr,
    door: &Arc<Door>,
    places: &Places,
    connections: &TaskTracker,
) {
    if !door.is_listed(address) {
        door.count(Outcome::BadSource);
        // To tell a stranger anything through TLS would cost a handshake.
        if let (None, Some(place)) = (&door.tls, places.stranger()) {
            connections.spawn(turn_away(Arc::clone(door), stream, place));
        }
        return;
    }
    let place = places.listed(address);
    let turn = door
        .tls
        .as_ref()
        .map(|tls| (tls.acceptor(), places.handshake()));
    let (Some(place), None | Some((_, Some(_)))) = (place, &turn) else {
        metrics::counter!("idtrail_ingest_connections_refused_total").increment(1);
        return;
    };
    let door = Arc::clone(door);
    connections.spawn(async move {
        let _held = place;
        let _best_effort = stream.set_nodelay(true);
        let peer = Peer::Known(address);
        let Some((acceptor, turn)) = turn else {
            return converse(&door, stream, peer).await;
        };
        let shaken = timeout(door.times.head, acceptor.accept(stream)).await;
        drop(turn);
        match shaken {
            Ok(Ok(stream)) => converse(&door, stream, peer).await,
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("idtrail_ingest_handshakes_failed_total").increment(1);
            }
        }
    });
}

/// Tells a stranger so, without reading a byte of what it sent.
async fn turn_away(door: Arc<Door>, stream: TcpStream, _place: OwnedSemaphorePermit) {
    let mut connection = Connection::new(stream, door.times);
    let answer = Answer::of(Outcome::BadSource);
    if connection.write(&door.bytes_of(answer)).await.is_ok() {
        connection.close().await;
    }
}

/// Answers the requests of a connection, one after the other.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(door: &Door, stream: S, peer: Peer) {
    let mut connection = Connection::new(stream, door.times);
    loop {
        let begun = unless(&door.closing, connection.begun()).await;
        if !matches!(begun, Some(Ok(()))) {
            break;
        }
        let Some(answer) = door.one(&mut connection, peer).await else {
            break;
        };
        let answer = answer.and_close(door.context.stopper.is_stopping());
        door.count(answer.outcome());
        let written = connection.write(&door.bytes_of(answer)).await;
        if written.is_err() || connection.flush().await.is_err() {
            return;
        }
        if answer.is_last() {
            break;
        }
    }
    connection.close().await;
}

/// Runs a wait; nothing comes back if the token is cancelled first.
async fn unless<F: Future>(token: &CancellationToken, wait: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = wait => Some(output),
        () = token.cancelled() => None,
    }
}
