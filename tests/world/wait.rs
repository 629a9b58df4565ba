//! Waiting with a limit, and who may use the real parts meanwhile.

use std::{
    collections::VecDeque,
    fs::File,
    net::{SocketAddr, TcpListener},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many ports from 10,000 on.
const PORTS: u16 = 10_000;
/// Locks of ports that are held at once: each is an open file.
const HELD_AT_MOST: usize = 200;

static PARTS: RwLock<()> = RwLock::const_new(());

/// The right to use the real parts: shared, or alone where they are killed.
pub(crate) enum Use {
    /// They are not used.
    None,
    /// Others may use them too.
    Shared(#[expect(dead_code, reason = "held, not looked at")] RwLockReadGuard<'static, ()>),
    /// Nobody else may use them.
    Alone(#[expect(dead_code, reason = "held, not looked at")] RwLockWriteGuard<'static, ()>),
}

/// Waits until the real parts may be used.
pub(crate) async fn use_parts(real: bool, alone: bool) -> Use {
    match (real, alone) {
        (false, _) => Use::None,
        (true, false) => Use::Shared(PARTS.read().await),
        (true, true) => Use::Alone(PARTS.write().await),
    }
}

/// A port that stays ours. From below the range that the kernel gives to outgoing connections, of which one would else take
/// it before the process that is to listen does; the lock, which `tests/run` knows too, keeps other test programs off.
pub(crate) fn free() -> SocketAddr {
    static HELD: Mutex<VecDeque<File>> = Mutex::new(VecDeque::new());
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let user = std::fs::metadata("/proc/self").unwrap().uid();
    let locks = PathBuf::from(format!("/var/tmp/idtrail-ports.{user}"));
    std::fs::create_dir_all(&locks).unwrap();
    for _ in 0..PORTS {
        let port = 10_000 + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let lock = locks.join(port.to_string());
        let lock = File::options().create(true).append(true).open(lock);
        let lock = lock.unwrap();
        if lock.try_lock().is_ok() && TcpListener::bind(address).is_ok() {
            let mut held = HELD.lock().unwrap();
            held.push_back(lock);
            // Whoever was to listen on the oldest one does by now.
            if held.len() > HELD_AT_MOST {
                held.pop_front();
            }
            return address;
        }
    }
    panic!("none of {PORTS} ports is free");
}

/// Waits for a condition; the panic says what it waited for.
pub(crate) async fn wait_for<T, F>(what: &str, limit: Duration, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    loop {
        match look().await {
            Ok(value) => return value,
            Err(last) => assert!(
                begun.elapsed() < limit,
                "waited {limit:?} for {what}: {last}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The folder of fixtures beside the checkout; none, with a printed line, where it is absent.
pub(crate) fn fixtures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the folder ../shared/fixtures is absent");
    None
}
