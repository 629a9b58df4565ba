//! A database that does not answer is seen, and services end within their time though it does not.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::RwLock,
    task::JoinSet,
};

use crate::world::{Kind, Parts, Setting, World, wait_for};

/// Those with a database: what others do does not wait for one.
const SERVICES: [&str; 3] = ["enrich", "notify", "audit"];
const POSTS: usize = 2_000;
/// How long it may take until somebody sees that nothing is answered.
const SEEN: Duration = Duration::from_secs(40);
/// How many records the history has read.
const READ: &str = "idtrail_records_in_total{stage=\"audit\"}";
/// How long the callbacks may take to their end after the restart.
const SETTLE: Duration = Duration::from_mins(2);

/// A way to a server on which nothing moves as long as somebody holds the lock: connections stand, and nobody answers.
struct Pipe {
    address: SocketAddr,
    gate: Arc<RwLock<()>>,
    /// What carries; ends with the pipe.
    _carrying: JoinSet<()>,
}

impl Pipe {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate: Arc<RwLock<()>> = Arc::default();
        let mut carrying = JoinSet::new();
        let through = Arc::clone(&gate);
        carrying.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((inside, _)) = listener.accept().await {
                let outside = TcpStream::connect(&server).await.unwrap();
                let (from, to) = inside.into_split();
                let (back, out) = outside.into_split();
                connections.spawn(carry(from, out, Arc::clone(&through)));
                connections.spawn(carry(back, to, Arc::clone(&through)));
            }
        });
        Self {
            address,
            gate,
            _carrying: carrying,
        }
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    gate: Arc<RwLock<()>>,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let _open = gate.read().await;
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_seen_and_services_end_within_their_time_all_the_same() {
    let Some(parts) = Parts::of_environment() else {
        return;
    };
    let pipe = Pipe::to(parts.postgres_address().to_owned()).await;
    let setting = Setting {
        postgres_at: Some(pipe.address),
        ..Setting::default()
    };
    let Some(mut world) = World::start(Kind::Real, setting).await else {
        return;
    };
    let poster = world.poster();
    let mut posting = JoinSet::new();
    posting.spawn(async move { poster.post_many(0, POSTS, 4).await });
    // Then they are in the midst of something.
    wait_for("audit to have read some", SETTLE, async || {
        let pages = world.page("audit", "/metrics").await;
        let read = pages.lines().find_map(|line| line.strip_prefix(READ));
        let read = read.and_then(|count| count.trim().parse::<usize>().ok());
        match read {
            Some(read) if read > POSTS / 4 => Ok(()),
            _ => Err(format!("{read:?}")),
        }
    })
    .await;
    let frozen = pipe.gate.write().await;
    let sent = posting.join_next().await.unwrap().unwrap();
    assert!(sent.iter().all(|one| one.status == 200), "{sent:?}");
    for name in ["notify", "audit"] {
        let what = format!("{name} to say that it gets no answer");
        wait_for(&what, SEEN, async || {
            let said = world.page(name, "/readyz").await;
            // The stage itself: that others of the process do not get on would say so anyway.
            if said.contains(&format!("{name} is ")) {
                return Ok(());
            }
            Err(said)
        })
        .await;
    }
    for name in SERVICES {
        world.ask_to_stop(name);
    }
    for name in SERVICES {
        assert_eq!(world.ended(name).await, Some(0), "{name}");
    }
    drop(frozen);
    for name in SERVICES {
        world.spawn(name);
    }
    world.settle(SETTLE).await;
}
