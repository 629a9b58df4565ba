//! The serve loop: connections within a bound, drained when asked to stop.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use schemas::Refusal;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::task::TaskTracker;

use super::Door;
use crate::providers::PROVIDERS;

/// Header fields of one request: recorded requests have about ten.
const MAX_HEADERS: usize = 64;
/// Bytes that the head of a request may take.
const MAX_HEAD: usize = 16 << 10;
/// How long a drain waits for requests in flight; below the 30 s after which orchestrators kill.
const DRAIN: Duration = Duration::from_secs(15);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds the door's listener; the error names the address and the setting.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address} (setting `door.listen`): {error}"))
}

/// Serves until asked to stop; then lets requests in flight end, within a bound.
pub async fn serve(listener: TcpListener, door: Arc<Door>) {
    let places = Arc::new(Semaphore::new(door.config.max_connections));
    let connections = TaskTracker::new();
    let stopper = door.context.stopper.clone();
    let status = door.context.health.stage("ingest");
    status.running(door.context.clock.now());
    loop {
        let accepted = stopper.run_until_stopped(async {
            // A place first: what cannot be served waits in the kernel's bounded queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        });
        let Some((place, accepted)) = accepted.await else {
            break;
        };
        match accepted {
            Ok((stream, peer)) => {
                let door = Arc::clone(&door);
                connections.spawn(async move {
                    let _place = place;
                    serve_connection(stream, peer, door).await;
                });
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = stopper.stopping_now() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("connections were cut off at the end of the drain"),
    }
    status.stopped(door.context.clock.now());
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, door: Arc<Door>) {
    let _best_effort = stream.set_nodelay(true);
    let address = peer.ip();
    let stopper = door.context.stopper.clone();
    let answering = Arc::clone(&door);
    let service = service_fn(move |request: Request<Incoming>| {
        let door = Arc::clone(&answering);
        async move { Ok::<_, Infallible>(door.answer(request, address).await.into_response()) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(door.config.header_ms))
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopper.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    let Err(error) = ended else { return };
    // hyper has answered 400 or 431 itself and closed; only the fact is left to keep.
    let reason = match () {
        () if error.is_parse_too_large() => Refusal::HeadersTooLarge,
        () if error.is_parse() => Refusal::BadFraming,
        () => return,
    };
    metrics::counter!("idtrail_ingest_requests_total", "outcome" => reason.as_str()).increment(1);
    if let (true, Some(provider)) = (door.is_listed(address), PROVIDERS.first()) {
        door.keep_refusal(address, provider, reason, &hyper::HeaderMap::new())
            .await;
    }
}
