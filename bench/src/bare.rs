//! The handler that the door is compared with: hyper and rdkafka, and no check at all.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use tokio::{net::TcpListener, task::JoinSet};

/// Serves until killed; with a deadline, in milliseconds, a record is given up after it.
pub(crate) async fn serve(
    listen: SocketAddr,
    bootstrap: &str,
    topic: String,
    deadline: Option<u64>,
    keyed: bool,
) {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("max.in.flight.requests.per.connection", "1");
    if let Some(deadline) = deadline {
        config.set("message.timeout.ms", deadline.to_string());
    }
    let producer: FutureProducer = config.create().unwrap();
    let posts = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind(listen).await.unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (producer, topic, posts) = (producer.clone(), topic.clone(), Arc::clone(&posts));
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let (producer, topic) = (producer.clone(), topic.clone());
                // As many keys as the load has accounts.
                let key = keyed.then(|| (posts.fetch_add(1, Ordering::Relaxed) % 64).to_string());
                async move {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let mut record = FutureRecord::<str, [u8]>::to(&topic).payload(body.as_ref());
                    record.key = key.as_deref();
                    let sent = producer.send(record, Duration::from_secs(5)).await;
                    let status = if sent.is_ok() {
                        StatusCode::OK
                    } else {
                        StatusCode::SERVICE_UNAVAILABLE
                    };
                    let mut response = Response::new(Empty::<Bytes>::new());
                    *response.status_mut() = status;
                    Ok::<_, Infallible>(response)
                }
            });
            let _ended = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}
