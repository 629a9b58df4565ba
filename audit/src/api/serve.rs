//! The API's listener: connections within a bound, drained when asked to stop.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use stage::Stopper;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

/// Connections at the same time: people and their tools, not providers. The databases' pools are far smaller.
const CONNECTIONS: usize = 64;
/// How long the header fields of a request may take.
const HEADER: Duration = Duration::from_secs(5);
/// Header fields of one request.
const MAX_HEADERS: usize = 64;
/// Bytes that the head of a request may take.
const MAX_HEAD: usize = 16 << 10;
/// How long a drain waits for answers on their way.
const DRAIN: Duration = Duration::from_secs(5);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds the API's listener; the error names the address and the setting.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| {
        anyhow::anyhow!("cannot listen on {address} (setting `audit.listen`): {error}")
    })
}

/// Serves until asked to stop; then lets answers on their way end, within a bound.
pub(crate) async fn serve(listener: TcpListener, router: Router, stopper: Stopper) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
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
            Ok((stream, _)) => {
                let connection = serve_connection(stream, router.clone(), stopper.clone());
                connections.spawn(async move {
                    let _place = place;
                    connection.await;
                });
            }
            Err(error) => {
                tracing::warn!("the audit API could not accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        // The ended ones; none is waited for.
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = stopper.stopping_now() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("answers of the audit API were cut off at the end of the drain"),
    }
}

async fn serve_connection(stream: TcpStream, router: Router, stopper: Stopper) {
    let _best_effort = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // How a connection ends is the client's affair: it has its answer, or asks again.
    let _ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopper.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}
