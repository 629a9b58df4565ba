//! The writer's way to PostgreSQL, past Nagle's algorithm.
//!
//! sqlx leaves it on, and takes no socket but its own. What is longer than a segment then waits for an acknowledgement
//! that the server holds back for up to 40 ms, some six times in each batch: 5,000 entries a second where 14,000 are
//! possible. So the writer connects to a Unix socket in a folder that only this process may open, and what goes in there
//! comes out of a TCP socket that does not wait. TLS, its host name and the login stay between sqlx and the server.

use std::{
    fs::DirEntry,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::PgPool;
use stage::{Chance, database::Database};
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::{TcpStream, UnixListener, UnixStream},
    task::JoinSet,
};

/// Connections of the writer, its relay, and one to spare.
const CONNECTIONS: u32 = 3;
/// Bytes carried at once, either way: a batch is some megabytes, and each piece costs two calls of the system.
const BUFFER: usize = 64 << 10;
/// How the folders' names begin.
const PREFIX: &str = "idtrail-way-";
/// A folder younger than this may be one that another process is just making.
const YOUNG: Duration = Duration::from_mins(1);
/// Pause after a failed accept (file descriptors used up), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A way to one server, open as long as it runs.
pub(crate) struct Way {
    folder: PathBuf,
    listener: UnixListener,
    server: (String, u16),
    /// The database at its end, by connections that go through it.
    through: Database,
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
        let parent = std::env::temp_dir();
        sweep(&parent);
        let folder = parent.join(format!("{PREFIX}{}", hex::encode(chance.bytes::<8>())));
        // It must be new: in a folder that somebody else has made, somebody else may listen.
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let port = options.get_port();
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")));
        let listener = listener.inspect_err(|_| remove(&folder))?;
        let through = options.as_ref().clone().socket(&folder);
        let through = Database::Postgres(stage::database::pool(through, CONNECTIONS));
        let way = Self {
            folder,
            listener,
            server: (options.get_host().to_owned(), port),
            through: through.clone(),
        };
        Ok(Some((way, through)))
    }

    /// Ends the connections that go through it, while it carries them: one that is cut off would be told of, at each stop,
    /// as if something were wrong with the database.
    pub(crate) async fn hang_up(&self) {
        self.through.hang_up().await;
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tests::{World, until};

    #[tokio::test]
    async fn the_way_is_nobody_else_s_and_leaves_nothing_behind() {
        let Some(world) = World::new("PostgreSQL").await else {
            return;
        };
        let (way, database) = Way::to(&world.database(), Chance::system())
            .unwrap()
            .unwrap();
        let folder = way.folder.clone();
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let Database::Postgres(pool) = &database else {
            panic!("a way to PostgreSQL")
        };
        let asked = async {
            let question =
                "SELECT coalesce(length($1::text), 0), ssl, current_setting('enable_seqscan')
                FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let long = "x".repeat(300_000);
            sqlx::query_as::<_, (i32, bool, String)>(question)
                .bind(long)
                .fetch_one(pool)
                .await
                .unwrap()
        };
        let direct = world.database();
        let Database::Postgres(direct) = &direct else {
            panic!("a world of PostgreSQL")
        };
        let question = "SELECT ssl, current_setting('enable_seqscan')
            FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let (tls, scans): (bool, String) =
            sqlx::query_as(question).fetch_one(direct).await.unwrap();
        assert_eq!(scans, "off");
        tokio::select! {
            answer = asked => assert_eq!(answer, (300_000, tls, scans)),
            () = way.run() => {}
        }
        drop(way);
        assert!(!folder.exists());
        world.clear().await;
    }

    #[tokio::test]
    async fn connections_end_before_their_way() {
        let Some(world) = World::new("PostgreSQL").await else {
            return;
        };
        let (way, database) = Way::to(&world.database(), Chance::system())
            .unwrap()
            .unwrap();
        let (Database::Postgres(pool), Database::Postgres(direct)) = (&database, world.database())
        else {
            panic!("a world of PostgreSQL")
        };
        let ended = async {
            let (process,): (i32,) = sqlx::query_as("SELECT pg_backend_pid()")
                .fetch_one(pool)
                .await
                .unwrap();
            way.hang_up().await;
            until("the server to have heard of the end", async || {
                let still = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
                let (still,): (i64,) = sqlx::query_as(still)
                    .bind(process)
                    .fetch_one(&direct)
                    .await
                    .unwrap();
                still == 0
            })
            .await;
        };
        tokio::select! {
            () = ended => {}
            () = way.run() => {}
        }
        world.clear().await;
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

    #[tokio::test]
    async fn a_file_needs_no_way() {
        let world = World::new("SQLite").await.unwrap();
        assert!(
            Way::to(&world.database(), Chance::system())
                .unwrap()
                .is_none()
        );
    }
}
