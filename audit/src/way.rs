//! The writer's way to PostgreSQL, past Nagle's algorithm.
//!
//! sqlx leaves it on, and takes no socket but its own. What is longer than a segment then waits for an acknowledgement
//! that the server holds back for up to 40 ms, some six times in each batch: 5,000 entries a second where 14,000 are
//! possible. So the writer connects to a Unix socket in a folder that only this process may open, and what goes in there
//! comes out of a TCP socket that does not wait. TLS, its host name and the login stay between sqlx and the server.

use std::{io, os::unix::fs::DirBuilderExt as _, path::PathBuf, time::Duration};

use sqlx::{PgPool, postgres::PgPoolOptions};
use stage::{Chance, database::Database};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener, UnixStream},
    task::JoinSet,
};

/// Connections of the writer, its relay, and one to spare.
const CONNECTIONS: u32 = 3;
/// How long a connection may take before the database counts as not ready; as everywhere.
const CONNECT: Duration = Duration::from_secs(5);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A way to one server, open as long as it runs.
pub(crate) struct Way {
    folder: PathBuf,
    listener: UnixListener,
    server: (String, u16),
}

impl Way {
    /// A way to the server of a database, and the database at its end. None where none is needed: for a file, and for a
    /// server that is reached by a Unix socket anyway.
    pub(crate) fn to(database: &Database, chance: Chance) -> io::Result<Option<(Self, Database)>> {
        let Database::Postgres(pool) = database else {
            return Ok(None);
        };
        let options = PgPool::connect_options(pool);
        if options.get_socket().is_some() || options.get_host().starts_with('/') {
            return Ok(None);
        }
        let name = format!("idtrail-{}", hex::encode(chance.bytes::<8>()));
        let folder = std::env::temp_dir().join(name);
        // It must be new: in a folder that somebody else has made, somebody else may listen.
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let port = options.get_port();
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")));
        let listener = listener.inspect_err(|_| remove(&folder))?;
        let through = options.as_ref().clone().socket(&folder);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT)
            .connect_lazy_with(through);
        let way = Self {
            folder,
            listener,
            server: (options.get_host().to_owned(), port),
        };
        Ok(Some((way, Database::Postgres(pool))))
    }

    /// Carries what comes, for ever.
    pub(crate) async fn run(&self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((inside, _)) => {
                        connections.spawn(carry(inside, self.server.clone()));
                    }
                    Err(error) => {
                        tracing::warn!("the way to the database could not accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn remove(folder: &PathBuf) {
    // A folder that is left behind holds a socket that nobody listens to.
    let _best_effort = std::fs::remove_dir_all(folder);
}

/// Carries one connection. Its end, on either side, is the end of the other side, too.
async fn carry(mut inside: UnixStream, (host, port): (String, u16)) {
    let connected = async {
        let outside = TcpStream::connect((host.as_str(), port)).await?;
        outside.set_nodelay(true)?;
        Ok::<_, io::Error>(outside)
    };
    match connected.await {
        Ok(mut outside) => {
            let _ended = copy_bidirectional(&mut inside, &mut outside).await;
        }
        // Inside only the end of the connection is seen, so the cause is told here.
        Err(error) => {
            tracing::warn!("the database server {host}:{port} cannot be reached: {error}");
        }
    }
}
