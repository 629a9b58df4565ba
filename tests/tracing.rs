//! One trace from POST to notice, and a collector that is down holds nobody up.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Mutex,
};

use crate::world::{Kind, Setting, World, approved, wait_for};

/// Takes whatever is exported and answers 200, as a collector does.
async fn collect(listener: TcpListener, seen: Arc<Mutex<Vec<u8>>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let mut request = Vec::new();
            let mut buffer = vec![0; 65_536];
            loop {
                let Ok(count) = stream.read(&mut buffer).await else {
                    return;
                };
                if count == 0 {
                    return;
                }
                request.extend_from_slice(&buffer[..count]);
                let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let Some(start) = request.windows(4).position(|window| window == b"\r\n\r\n")
                else {
                    continue;
                };
                let length: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok())
                    .unwrap_or(0);
                if request.len() >= start + 4 + length {
                    assert!(head.starts_with("post /v1/traces"), "{head}");
                    seen.lock().await.extend_from_slice(&request[start + 4..]);
                    request.clear();
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        .await
                        .unwrap();
                }
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_one_callback_share_a_trace_from_post_to_notice() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut collector = tokio::task::JoinSet::new();
    collector.spawn(collect(listener, Arc::clone(&seen)));
    let setting = Setting {
        variables: vec![("TELEMETRY__OTLP", url)],
        ..Setting::default()
    };
    let Some(mut world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let (media, body) = approved(1, "traced");
    assert_eq!(world.post(media, body).await, 200);
    let (_, whole) = world.settle(Duration::from_secs(20)).await;
    let trace = |record: &stage::Record| record.header("traceparent").unwrap()[3..35].to_owned();
    let of_raw = trace(&whole.raw[0]);
    for topic in [
        schemas::Topic::Checked,
        schemas::Topic::Enriched,
        schemas::Topic::Notified,
    ] {
        for (record, _) in whole.of(topic) {
            assert_eq!(trace(record), of_raw, "{topic} belongs to another trace");
        }
    }
    world.terminate("up").await;
    let id = hex::decode(&of_raw).unwrap();
    wait_for(
        "four spans of the trace",
        Duration::from_secs(10),
        || async {
            let seen = seen.lock().await;
            let spans = seen
                .windows(16)
                .filter(|window| *window == id.as_slice())
                .count();
            let named = ["POST", "process raw", "process checked", "process enriched"]
                .iter()
                .filter(|name| {
                    seen.windows(name.len())
                        .any(|window| window == name.as_bytes())
                })
                .count();
            if spans >= 4 && named == 4 {
                Ok(())
            } else {
                Err(format!("{spans} spans, {named} of 4 names"))
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_holds_nobody_up() {
    let nobody = crate::world::free();
    let setting = Setting {
        variables: vec![("TELEMETRY__OTLP", format!("http://{nobody}"))],
        ..Setting::default()
    };
    let Some(mut world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    for number in 0..50 {
        let (media, body) = approved(number, &format!("untraced-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_secs(20)).await;
    assert_eq!(world.terminate("up").await, Some(0));
}
