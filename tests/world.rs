//! The world: a whole system as its own processes, on the embedded broker or on the real parts.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use stage::{Broker, Clock as _, SystemClock};
use tempfile::TempDir;

mod check;
mod parts;
mod posts;
mod read;
mod wait;

pub(crate) use check::Whole;
pub(crate) use parts::Parts;
pub(crate) use posts::{Sent, approved, body_of};
pub(crate) use wait::{Use, fixtures, free, use_parts, wait_for};

/// How long a world may take to start, and to settle after the last post.
const PATIENCE: Duration = Duration::from_secs(120);
/// Accounts of the test directory; their numbers are the record keys, so they spread over the partitions.
pub(crate) const ACCOUNTS: usize = 200;

/// What the system runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One process, SQLite files.
    Embedded,
    /// Five processes, Kafka, registry, PostgreSQL.
    Real,
}

/// How a world differs from the usual one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// Further variables, e.g. `NOTIFY__CHANNEL`.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Whether the run kills the real parts, so that nobody else may use them meanwhile.
    pub(crate) kills_parts: bool,
}

/// A running system.
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) folder: TempDir,
    pub(crate) prefix: String,
    variables: BTreeMap<String, String>,
    door: SocketAddr,
    admin: BTreeMap<&'static str, SocketAddr>,
    pub(crate) api: SocketAddr,
    children: BTreeMap<&'static str, Child>,
    _use: Use,
    pub(crate) client: reqwest::Client,
}

const SERVICES: [&str; 5] = ["ingest", "validate", "enrich", "notify", "audit"];

impl World {
    /// A world of this kind; none, with a printed line, where its parts are not to be had.
    pub(crate) async fn start(kind: Kind, setting: Setting) -> Option<Self> {
        let used = use_parts(kind == Kind::Real, setting.kills_parts).await;
        let mut world = Self::new(kind, setting, used)?;
        if kind == Kind::Real {
            world.prepare_parts().await;
        }
        world.import();
        for name in world.processes() {
            world.spawn(name);
        }
        for name in world.processes() {
            world.ready(name).await;
        }
        Some(world)
    }

    fn new(kind: Kind, setting: Setting, used: Use) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let prefix = format!("t{}", SystemClock.now().micros());
        let (door, api) = (free(), free());
        let mut variables = BTreeMap::new();
        let mut set =
            |name: &str, value: String| variables.insert(format!("IDTRAIL_{name}"), value);
        set("DOOR__LISTEN", door.to_string());
        set("DOOR__ALLOW", "[\"127.0.0.1/32\"]".to_owned());
        set("DOOR__RATE", "100000".to_owned());
        set("DOOR__BURST", "100000".to_owned());
        set("AUDIT__LISTEN", api.to_string());
        set("TELEMETRY__FORMAT", "json".to_owned());
        set("BROKER__PREFIX", prefix.clone());
        set("NOTIFY__DOMAIN", format!("{prefix}.example.test"));
        if kind == Kind::Real {
            let parts = Parts::of_environment()?;
            for (name, value) in parts.variables(folder.path(), &prefix) {
                set(&name, value);
            }
        } else {
            set("BROKER__PARTITIONS", "4".to_owned());
        }
        for (name, value) in setting.variables {
            set(name, value);
        }
        let names: &[&str] = if kind == Kind::Real {
            &SERVICES
        } else {
            &["up"]
        };
        Some(Self {
            kind,
            folder,
            prefix,
            variables,
            door,
            admin: names.iter().map(|name| (*name, free())).collect(),
            api,
            children: BTreeMap::new(),
            _use: used,
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
        })
    }

    /// The processes of this kind of world.
    pub(crate) fn processes(&self) -> Vec<&'static str> {
        self.admin.keys().copied().collect()
    }

    /// A command of `idtrail` with this world's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idtrail"));
        command
            .args(arguments)
            .envs(&self.variables)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of `idtrail` that looks at this world; its exit code and its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command(arguments);
        if self.kind == Kind::Embedded {
            command.arg("--data").arg(self.data());
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// Starts a process; what it says goes to a file.
    pub(crate) fn spawn(&mut self, name: &'static str) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log(name))
            .unwrap();
        let mut command = self.command(&[name]);
        if name == "up" {
            command.arg("--data").arg(self.data());
        }
        let child = command
            .env("IDTRAIL_ADMIN__LISTEN", self.admin[name].to_string())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.children.insert(name, child);
    }

    /// Kills a process with SIGKILL and waits until it is gone.
    pub(crate) fn kill(&mut self, name: &'static str) {
        if let Some(mut child) = self.children.remove(name) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks a process to stop, and gives its exit code.
    pub(crate) async fn terminate(&mut self, name: &'static str) -> Option<i32> {
        let mut child = self.children.remove(name)?;
        let killed = Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap();
        assert!(killed.success());
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                begun.elapsed() < Duration::from_secs(40),
                "{name} did not end within 40 s of SIGTERM"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a process says that it is ready.
    pub(crate) async fn ready(&mut self, name: &'static str) {
        let url = format!("http://{}/readyz", self.admin[name]);
        let begun = Instant::now();
        loop {
            let last = match self.client.get(&url).send().await {
                Ok(response) if response.status().is_success() => return,
                Ok(response) => response.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            if let Some(status) = self
                .children
                .get_mut(name)
                .and_then(|child| child.try_wait().unwrap())
            {
                panic!("{name} ended with {status}:\n{}", self.said(name));
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{name} is not ready after {PATIENCE:?}: {last}\n{}",
                self.said(name)
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// A page of a process's admin listener.
    pub(crate) async fn page(&self, name: &str, path: &str) -> String {
        let url = format!("http://{}{path}", self.admin[name]);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// The data folder of an embedded world.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The file of what a process said.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn said(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        text.lines()
            .rev()
            .take(30)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The URL of the door.
    pub(crate) fn door(&self) -> String {
        format!("http://{}/callbacks/jumio", self.door)
    }

    /// Where the door listens.
    pub(crate) fn door_address(&self) -> SocketAddr {
        self.door
    }

    /// The id of a running process.
    pub(crate) fn pid(&self, name: &str) -> u32 {
        self.children[name].id()
    }

    /// Where mail of the maildir channel goes.
    pub(crate) fn maildir(&self) -> PathBuf {
        match self.kind {
            Kind::Embedded => self.data().join("mail"),
            Kind::Real => self.folder.path().join("mail"),
        }
    }

    /// Makes the test directory: accounts `A-0` …, each with a contact and two people who earn on it.
    fn import(&self) {
        let file = self.folder.path().join("directory.json");
        std::fs::write(&file, posts::directory()).unwrap();
        if self.kind == Kind::Embedded {
            std::fs::create_dir_all(self.data()).unwrap();
            let (code, said, error) = self.run(&["database", "migrate"]);
            assert_eq!(code, 0, "{said}{error}");
        }
        let (code, said, error) = self.run(&["directory", "import", file.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}{error}");
    }

    async fn prepare_parts(&self) {
        Parts::of_environment()
            .unwrap()
            .make_databases(&self.prefix)
            .await;
        for arguments in [
            ["topics", "create"],
            ["schemas", "register"],
            ["database", "migrate"],
        ] {
            let (code, said, error) = self.run(&arguments);
            assert_eq!(code, 0, "{arguments:?}: {said}{error}");
        }
    }

    /// The world's broker, for reading along.
    pub(crate) async fn broker(&self) -> Arc<dyn Broker> {
        match self.kind {
            Kind::Embedded => read::embedded(&self.data().join("topics.db"), &self.prefix).await,
            Kind::Real => Parts::of_environment().unwrap().broker(&self.prefix),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _gone = child.kill();
            let _gone = child.wait();
        }
        if std::thread::panicking() {
            for name in self.processes() {
                eprintln!("--- {name} said\n{}", self.said(name));
            }
        }
    }
}
