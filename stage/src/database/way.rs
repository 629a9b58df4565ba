//! A service's way to PostgreSQL, by a socket of our own.
//!
//! sqlx takes no socket but its own, and that one neither notices that nobody is at the other end any more (a machine
//! without power, a router that has forgotten the connection), so that who waits for an answer waits for ever; nor does it
//! send at once: by Nagle's algorithm what is longer than a segment waits for an acknowledgement that the server holds
//! back for up to 40 ms, some six times in each batch of the history: 5,000 entries a second where 14,000 are possible.
//! So a service connects to a Unix socket in a folder that only this process may open, and what goes in there comes out
//! of a TCP socket that does not wait and asks whether anybody is there. TLS, its host name and the login stay between
//! sqlx and the server.

use std::{
    convert::Infallible,
    fs::DirEntry,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use rustix::net::sockopt;
use sqlx::PgPool;
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::{TcpStream, UnixListener, UnixStream},
    task::JoinSet,
};

use super::{Database, GONE_AFTER, SILENT_FOR, TRIES, TRY_EVERY, pool};
use crate::Chance;

/// Bytes carried at once, either way: a batch is some megabytes, and each piece costs two calls of the system.
const BUFFER: usize = 64 << 10;
/// How the folders' names begin.
const PREFIX: &str = "idtrail-way-";
/// A folder younger than this may be one that another process is just making.
const YOUNG: Duration = Duration::from_mins(1);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Ways to servers, open while some [work](Self::open_for) is done.
#[derive(Debug, Default)]
pub struct Ways(Vec<Way>);

impl Ways {
    /// A database by a way of its own and at most so many connections. As it is where none is needed (a file, a server that
    /// is reached by a Unix socket anyway), or none can be had, which is told.
    pub fn through(&mut self, database: &Database, connections: u32, chance: Chance) -> Database {
        match Way::to(database, connections, chance) {
            Ok(Some((way, through))) => {
                self.0.push(way);
                through
            }
            Ok(None) => database.clone(),
            Err(error) => {
                tracing::warn!(
                    "no folder for a way to the database: it is slower, and a dead connection is not noticed: {error}"
                );
                database.clone()
            }
        }
    }

    /// Does the work while they are open, then ends its connections, and only then the ways: a connection that is cut off would
    /// be told of, at each stop, as if something were wrong with the database. Work that is dropped cuts them off.
    pub async fn open_for<T>(&self, work: impl Future<Output = T>) -> T {
        let work = async {
            let done = work.await;
            futures::future::join_all(self.0.iter().map(|way| way.through.hang_up())).await;
            done
        };
        let mut carrying: FuturesUnordered<_> = self.0.iter().map(Way::run).collect();
        tokio::select! {
            done = work => done,
            Some(never) = carrying.next() => match never {},
        }
    }
}

#[derive(Debug)]
struct Way {
    folder: PathBuf,
    listener: UnixListener,
    server: (String, u16),
    /// The database at its end, by connections that go through it.
    through: Database,
}

impl Way {
    fn to(
        database: &Database,
        connections: u32,
        chance: Chance,
    ) -> io::Result<Option<(Self, Database)>> {
        let Database::Postgres(direct) = database else {
            return Ok(None);
        };
        let options = PgPool::connect_options(direct);
        if options.get_socket().is_some() || options.get_host().starts_with('/') {
            return Ok(None);
        }
        let parent = std::env::temp_dir();
        sweep(&parent);
        let folder = parent.join(format!("{PREFIX}{}", hex::encode(chance.bytes::<8>())));
        // It must be new: in a folder that somebody else has made, somebody else may listen.
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let port = options.get_port();
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")));
        let listener = listener.inspect_err(|_| remove(&folder))?;
        let through = options.as_ref().clone().socket(&folder);
        let through = Database::Postgres(pool(through, connections));
        let way = Self {
            folder,
            listener,
            server: (options.get_host().to_owned(), port),
            through: through.clone(),
        };
        Ok(Some((way, through)))
    }

    /// Carries what comes, for ever.
    async fn run(&self) -> Infallible {
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

fn remove(folder: &Path) {
    let _best_effort = std::fs::remove_dir_all(folder);
}

/// Removes what killed processes of this user have left behind: old folders with a socket that nobody listens to.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_dead(&entry) {
            remove(&entry.path());
        }
    }
}

fn is_dead(folder: &DirEntry) -> bool {
    let modified = folder.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| modified.elapsed().ok());
    let refuses = |socket: DirEntry| {
        let connected = std::os::unix::net::UnixStream::connect(socket.path());
        connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    age.is_some_and(|age| age > YOUNG)
        && std::fs::read_dir(folder.path()).is_ok_and(|sockets| sockets.flatten().all(refuses))
}

/// Carries one connection. Its end, on either side, is the end of the other side, too.
async fn carry(mut inside: UnixStream, (host, port): (String, u16)) {
    let connected = async {
        let outside = TcpStream::connect((host.as_str(), port)).await?;
        outside.set_nodelay(true)?;
        ask_whether_anybody_is_there(&outside)?;
        Ok::<_, io::Error>(outside)
    };
    match connected.await {
        Ok(mut outside) => {
            let _ended =
                copy_bidirectional_with_sizes(&mut inside, &mut outside, BUFFER, BUFFER).await;
        }
        // Inside only the end of the connection is seen, so the cause is told here.
        Err(error) => {
            tracing::warn!("the database server {host}:{port} cannot be reached: {error}");
        }
    }
}

/// Makes the kernel end a connection of which nobody is at the other end: one that is silent is asked, and what was sent must
/// be acknowledged in the same time.
fn ask_whether_anybody_is_there(outside: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(outside, true)?;
    sockopt::set_tcp_keepidle(outside, SILENT_FOR)?;
    sockopt::set_tcp_keepintvl(outside, TRY_EVERY)?;
    sockopt::set_tcp_keepcnt(outside, TRIES)?;
    let millis = u32::try_from(GONE_AFTER.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(outside, millis)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::database::Location;

    fn database(url: &str) -> Database {
        let location = Location {
            url: url.to_owned(),
            password_file: None,
        };
        Database::open(&location, "a.database").unwrap()
    }

    #[tokio::test]
    async fn a_way_is_nobody_else_s_and_leaves_nothing_behind() {
        // Nobody needs to be there before something is asked.
        let database = database("postgres://user@127.0.0.1:1/some");
        let (way, _through) = Way::to(&database, 1, Chance::system()).unwrap().unwrap();
        let folder = way.folder.clone();
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(way);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_file_and_a_local_server_need_no_way() {
        for url in [
            "sqlite:some.db",
            "postgres://user@localhost/some?host=/run/server",
        ] {
            assert!(
                Way::to(&database(url), 1, Chance::system())
                    .unwrap()
                    .is_none(),
                "{url}"
            );
        }
    }

    #[tokio::test]
    async fn what_killed_processes_leave_behind_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str, age: Duration| {
            let folder = parent.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
            let opened = std::fs::File::open(&folder).unwrap();
            let modified = opened.metadata().unwrap().modified().unwrap() - age;
            opened.set_modified(modified).unwrap();
            (folder, listener)
        };
        let old = YOUNG * 2;
        let (dead, dropped) = folder("idtrail-way-dead", old);
        let (young, also_dropped) = folder("idtrail-way-young", Duration::ZERO);
        let (foreign, too) = folder("something-else", old);
        let (live, _listening) = folder("idtrail-way-live", old);
        drop((dropped, also_dropped, too));
        sweep(parent.path());
        let there = [dead, young, foreign, live].map(|folder| folder.exists());
        assert_eq!(there, [false, true, true, true]);
    }
}
