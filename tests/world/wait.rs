//! Waiting with a limit, and who may use the real parts meanwhile.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

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

/// A port that was free a moment ago.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
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
