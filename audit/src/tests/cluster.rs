//! A PostgreSQL server of a story's own, so that its files, its log and its backups are that story's alone.

use std::{
    fs::Permissions,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

/// A server, started by the script that starts the one of all tests.
#[derive(Debug)]
pub(super) struct Cluster {
    folder: TempDir,
    port: u16,
    /// The folder of the run, with its authority and its password.
    run: PathBuf,
}

impl Cluster {
    /// A fresh server; none where there is no PostgreSQL.
    pub(super) fn start() -> Option<Self> {
        let this = Self::new()?;
        this.script("start");
        Some(this)
    }

    /// A second server, from a base backup that is taken of this one now; not started yet.
    pub(super) fn backed_up(&self) -> Self {
        let backup = Self::new().unwrap();
        let home = backup.folder.path().join("postgres");
        std::fs::create_dir(&home).unwrap();
        let url = self.url("postgres");
        let (start, place) = url.split_once('@').unwrap();
        let (user, password) = start.rsplit_once(':').unwrap();
        let mut taking = Command::new("pg_basebackup");
        let taking = taking
            .args(["--checkpoint=fast", "-d", &format!("{user}@{place}"), "-D"])
            .arg(backup.data())
            .env("PGPASSWORD", password);
        succeeds(taking);
        let file = backup.data().join("postgresql.auto.conf");
        let (port, home) = (backup.port, home.display());
        std::fs::write(
            &file,
            format!("port = {port}\nunix_socket_directories = '{home}'\n"),
        )
        .unwrap();
        backup
    }

    /// Starts a server from its backup.
    pub(super) fn restore(&self) {
        let log = self.folder.path().join("postgres.log");
        std::fs::write(&log, "").unwrap();
        // The server takes no files of anybody else, root's included.
        let owner = format!("--reference={}", self.run.join("postgres").display());
        let mut chown = Command::new("chown");
        let chown = chown.args(["-R", &owner]).arg(log);
        succeeds(chown.arg(self.folder.path().join("postgres")));
        self.script("start");
    }

    fn new() -> Option<Self> {
        let run = PathBuf::from(super::world::variable("IDTRAIL_TEST_PARTS")?);
        super::world::variable("IDTRAIL_TEST_POSTGRES")?;
        let builder = tempfile::Builder::new()
            .prefix("idtrail-pg.")
            .tempdir_in("/var/tmp");
        let folder = builder.unwrap();
        // The server's user must reach it.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        std::fs::write(
            folder.path().join("ports"),
            format!("postgres_port={port}\n"),
        )
        .unwrap();
        std::os::unix::fs::symlink(run.join("tls"), folder.path().join("tls")).unwrap();
        std::fs::copy(
            run.join("postgres-password"),
            folder.path().join("postgres-password"),
        )
        .unwrap();
        Some(Self { folder, port, run })
    }

    /// The URL of one of its databases, for its superuser.
    pub(super) fn url(&self, database: &str) -> String {
        let password = std::fs::read_to_string(self.run.join("postgres-password")).unwrap();
        let (password, ca) = (password.trim(), self.run.join("tls/ca.pem"));
        let (port, ca) = (self.port, ca.display());
        format!(
            "postgres://postgres:{password}@127.0.0.1:{port}/{database}?sslmode=verify-full&sslrootcert={ca}"
        )
    }

    /// Its files.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("postgres/data")
    }

    /// Runs statements as its superuser, each for itself.
    pub(super) async fn execute(&self, statements: &[&str]) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        for sql in statements {
            connection
                .execute(AssertSqlSafe((*sql).to_owned()))
                .await
                .unwrap();
        }
    }

    fn script(&self, verb: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parts/postgres.sh");
        let mut command = Command::new(script);
        succeeds(
            command
                .arg(verb)
                .env("IDTRAIL_TEST_PARTS", self.folder.path()),
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.script("kill");
        }
    }
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
