//! The door's own thread and runtime, and what runs on it beside the serve loop.

use std::sync::Arc;

use stage::{Context, config::ConfigError};

use super::{Door, serve::serve};
use crate::Config;

/// Runs the door until asked to stop; the listener is the caller's.
///
/// The door has a thread and a runtime of its own: a flood there takes nothing from the admin pages, and one thread
/// that answers and makes durable wakes nobody else for it. One makes far more posts durable than any provider sends;
/// a second door is a second process.
pub async fn start(
    config: Config,
    context: Context,
    listener: tokio::net::TcpListener,
) -> Result<(), StartError> {
    let listener = listener.into_std()?;
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("door".to_owned())
        .spawn(move || {
            let _starter_left = ended.send(run(config, context, listener));
        })?;
    // Closed without a word only by a panic, which the thread has told of.
    end.await.unwrap_or(Err(StartError::Died))
}

fn run(
    config: Config,
    context: Context,
    listener: std::net::TcpListener,
) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        crate::tally::begin_door();
        let door = Arc::new(Door::open(config, context).await?);
        let certificate = async {
            match &door.tls {
                Some(tls) => tls.follow(Arc::clone(&door.context.clock)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            served = serve(listener, Arc::clone(&door)) => served?,
            () = certificate => {}
            () = door.durable.run() => {}
            () = door.orders.follow(&door.context) => {}
            () = door.sources.follow() => {}
        }
        Ok(())
    })
}

/// Why the door does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gives no thread, or not the listener.
    #[error("the door cannot be started: {0}")]
    System(#[from] std::io::Error),
    /// Its thread has ended.
    #[error("the door's thread has ended")]
    Died,
}
