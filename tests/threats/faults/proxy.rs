//! A proxy that does to TCP connections what networks do to them: resets, delays, cuts, freezes.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// Bytes that are passed on at once.
const PIECE: usize = 16 << 10;
/// How long the proxy tries for its port: another test's proxy may just have left it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How connections fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// As without a proxy.
    Well,
    /// Each piece comes so much later.
    Late(Duration),
    /// Open connections end, new ones too.
    Cut,
    /// Nothing is read and nothing written; nobody is told.
    Frozen,
}

#[derive(Clone, Copy)]
struct State {
    fate: Fate,
    /// How often everything was reset.
    resets: u64,
}

/// A proxy; ends with its last use.
pub(super) struct Proxy {
    state: watch::Sender<State>,
    _serving: JoinSet<()>,
}

impl Proxy {
    /// Listens on one address and passes on to the other.
    pub(super) async fn start(listen: SocketAddr, upstream: SocketAddr) -> Self {
        let listening = async {
            loop {
                match TcpListener::bind(listen).await {
                    Ok(listener) => break listener,
                    Err(_) => sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let listener = tokio::time::timeout(PATIENCE, listening).await;
        let listener = listener.expect("the port is given to this test alone");
        let (state, watching) = watch::channel(State {
            fate: Fate::Well,
            resets: 0,
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, upstream, watching));
        Self {
            state,
            _serving: serving,
        }
    }

    /// From now on connections fare like this.
    pub(super) fn let_fare(&self, fate: Fate) {
        self.state.send_modify(|state| state.fate = fate);
    }

    /// Resets every connection (RST, not FIN); new ones are taken.
    pub(super) fn reset(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, watching: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(pass_on(stream, upstream, watching.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass_on(mut near: TcpStream, upstream: SocketAddr, mut watching: watch::Receiver<State>) {
    let born = *watching.borrow_and_update();
    if born.fate == Fate::Cut {
        return;
    }
    let Ok(mut far) = TcpStream::connect(upstream).await else {
        let _best_effort = near.set_zero_linger();
        return;
    };
    let _best_effort = (near.set_nodelay(true), far.set_nodelay(true));
    let (there, back) = (watching.clone(), watching.clone());
    let reset = {
        let ((near_read, near_write), (far_read, far_write)) = (near.split(), far.split());
        let ended = async {
            let over = |state: &State| state.resets != born.resets || state.fate == Fate::Cut;
            watching
                .wait_for(over)
                .await
                .is_ok_and(|state| state.fate != Fate::Cut)
        };
        tokio::select! {
            reset = ended => reset,
            () = pump(near_read, far_write, there) => false,
            () = pump(far_read, near_write, back) => false,
        }
    };
    if reset {
        let _best_effort = (near.set_zero_linger(), far.set_zero_linger());
    }
}

/// Passes on one way until it ends.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut watching: watch::Receiver<State>) {
    let mut piece = vec![0; PIECE];
    loop {
        if thawed(&mut watching).await.is_none() {
            return;
        }
        let count = tokio::select! {
            biased;
            changed = watching.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = from.read(&mut piece) => read.unwrap_or(0),
        };
        let Some(fate) = thawed(&mut watching).await else {
            return;
        };
        if let Fate::Late(by) = fate {
            sleep(by).await;
        }
        if count == 0 || to.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
}

/// Waits for the end of a frost; none where the proxy has ended.
async fn thawed(watching: &mut watch::Receiver<State>) -> Option<Fate> {
    let state = watching.wait_for(|state| state.fate != Fate::Frozen).await;
    state.ok().map(|state| state.fate)
}

#[tokio::test]
async fn a_proxy_does_what_it_is_told() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (listen, to) = (crate::world::free(), upstream.local_addr().unwrap());
    let proxy = Proxy::start(listen, to).await;
    let mut echoes = JoinSet::new();
    echoes.spawn(async move {
        let mut each = JoinSet::new();
        while let Ok((mut stream, _)) = upstream.accept().await {
            each.spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    let mut stream = TcpStream::connect(listen).await.unwrap();
    let echo = async |stream: &mut TcpStream| {
        let begun = std::time::Instant::now();
        stream.write_all(b"x").await?;
        stream.read_exact(&mut [0]).await?;
        std::io::Result::Ok(begun.elapsed())
    };
    assert!(echo(&mut stream).await.unwrap() < Duration::from_secs(1));
    proxy.let_fare(Fate::Late(Duration::from_millis(300)));
    assert!(echo(&mut stream).await.unwrap() >= Duration::from_millis(600));
    proxy.let_fare(Fate::Frozen);
    let limit = Duration::from_millis(300);
    let frozen = tokio::time::timeout(limit, echo(&mut stream)).await;
    assert!(frozen.is_err(), "nothing passes a frost");
    proxy.let_fare(Fate::Well);
    stream.read_exact(&mut [0]).await.unwrap();
    proxy.reset();
    let reset = stream.read(&mut [0]).await.unwrap_err();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    let mut stream = TcpStream::connect(listen).await.unwrap();
    echo(&mut stream).await.unwrap();
    proxy.let_fare(Fate::Cut);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the end, no reset");
    let mut stream = TcpStream::connect(listen).await.unwrap();
    assert!(echo(&mut stream).await.is_err());
}
