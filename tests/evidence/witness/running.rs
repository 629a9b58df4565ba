//! Witnesses as processes: ours, torchwood's litewitness and aics-witness.

use std::{
    fs::File,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::world::{Parts, free, wait_for};

/// How long a witness may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A witness that runs until it is dropped.
pub(super) struct Running {
    /// What it is called in settings and metrics.
    pub(super) name: &'static str,
    pub(super) vkey: String,
    address: SocketAddr,
    folder: TempDir,
    children: Vec<Child>,
}

impl Running {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            vkey: String::new(),
            address: free(),
            folder: tempfile::tempdir().unwrap(),
            children: Vec::new(),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Posts a submission; status and body of the answer.
    pub(super) async fn post(&self, client: &reqwest::Client, body: String) -> (u16, String) {
        let url = format!("{}/add-checkpoint", self.url());
        let response = client.post(url).body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub(super) fn kill(&mut self) {
        for mut child in self.children.drain(..) {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end; what it printed.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a process; what it says goes to a file.
    fn spawn(&mut self, mut command: Command) {
        let log = File::create(self.log()).unwrap();
        let said = log.try_clone().unwrap();
        let child = command.stdout(said).stderr(log).spawn().unwrap();
        self.children.push(child);
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("said.log")
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    async fn listens(&self) {
        wait_for(self.name, PATIENCE, async || {
            let connected = tokio::net::TcpStream::connect(self.address).await;
            connected.map(|_| ()).map_err(|_| self.said())
        })
        .await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ours, for the log of this key.
pub(super) async fn ours(log: &str) -> Running {
    let mut this = Running::new("ours");
    start_ours(&mut this, &["--name", "witness.test/ours", "--origin", log]).await;
    // It listens before it says who it is.
    let vkey = wait_for("the key of our witness", PATIENCE, async || {
        let lines = this.said();
        let vkey = lines
            .lines()
            .find(|line| line.starts_with("witness.test/ours+"));
        vkey.map(str::to_owned).ok_or(lines.clone())
    });
    this.vkey = vkey.await;
    this
}

/// Starts ours in the folder that it has.
pub(super) async fn start_ours(this: &mut Running, further: &[&str]) {
    let mut command = this.command(env!("CARGO_BIN_EXE_idtrail"));
    let address = this.address.to_string();
    command.args(["witness", "--listen", &address, "--data", "witness"]);
    this.spawn({
        command.args(further);
        command
    });
    this.listens().await;
}

/// Torchwood's, for the log of this origin and key; none, with a printed line, where it or ssh is not to be had.
pub(super) async fn litewitness(origin: &str, log: &str) -> Option<Running> {
    let program = Parts::variable("LITEWITNESS");
    let has_agent = Command::new("ssh-agent").arg("-h").output().is_ok();
    let Some(program) = program.filter(|_| has_agent) else {
        println!("skipped: no litewitness or no ssh-agent; run it through tests/run");
        return None;
    };
    let mut this = Running::new("litewitness");
    this.run(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f", "key"],
    );
    let print = this.run("ssh-keygen", &["-lf", "key.pub"]);
    let print = print.split(' ').nth(1).unwrap();
    let mut agent = this.command("ssh-agent");
    agent.args(["-D", "-a", "agent"]);
    this.spawn(agent);
    let socket = this.folder.path().join("agent");
    let is_there = async || socket.exists().then_some(()).ok_or_else(|| this.said());
    wait_for("ssh-agent", PATIENCE, is_there).await;
    let added = this
        .command("ssh-add")
        .args(["-q", "key"])
        .env("SSH_AUTH_SOCK", &socket)
        .status();
    assert!(added.unwrap().success());
    let mut command = this.command(&program);
    command.args([
        "-db",
        "lite.db",
        "-name",
        "witness.test/lite",
        "-key",
        print,
    ]);
    command.args(["-ssh-agent", "agent", "-listen", &this.address.to_string()]);
    this.spawn(command);
    this.listens().await;
    let said = this.said();
    let vkey = said
        .split("vkey=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    vkey.expect(&said).clone_into(&mut this.vkey);
    know(&this.folder.path().join("lite.db"), origin, log).await;
    Some(this)
}

/// Does what its tool does that is not to be had: two rows make a log known.
async fn know(file: &Path, origin: &str, log: &str) {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let rows = [
        sqlx::query("INSERT INTO log VALUES ($1, 0, $2)")
            .bind(origin)
            .bind(empty),
        sqlx::query("INSERT INTO key VALUES ($1, $2)")
            .bind(origin)
            .bind(log),
    ];
    for row in rows {
        row.execute(&pool).await.unwrap();
    }
    pool.close().await;
}

/// aics-witness, for the log of this origin and key; none, with a printed line, where it is not to be had.
pub(super) async fn aics(origin: &str, log: &str) -> Option<Running> {
    let Some(python) = Parts::variable("AICS") else {
        println!("skipped: no aics-witness; run it through tests/run");
        return None;
    };
    let mut this = Running::new("aics-witness");
    let address = this.address.to_string();
    let module = ["-m", "aics_witness"];
    let made = [
        &module[..],
        &["init", "--name", "witness.test/aics", "--listen", &address],
    ];
    let said = this.run(&python, &made.concat());
    said.lines().last().unwrap().clone_into(&mut this.vkey);
    let known = [&module[..], &["add-log", "--origin", origin, "--vkey", log]];
    this.run(&python, &known.concat());
    let mut command = this.command(&python);
    command.args(module).arg("serve");
    this.spawn(command);
    this.listens().await;
    Some(this)
}
