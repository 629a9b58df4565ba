//! The world: a whole system as its own processes, on the embedded broker or on the real parts.

use std::{
    collections::BTreeMap, net::SocketAddr, path::PathBuf, process::Child, sync::Arc,
    time::Duration,
};

use stage::{Broker, Clock as _, SystemClock};
use tempfile::TempDir;

mod check;
mod parts;
mod posts;
mod process;
mod read;
mod receipts;
mod recomputed;
mod wait;

pub(crate) use check::Whole;
pub(crate) use parts::Parts;
pub(crate) use posts::{Sent, approved, body_of};
pub(crate) use read::records;
pub(crate) use recomputed::Whereabouts;
pub(crate) use wait::{Use, fixtures, free, use_parts, wait_for};

/// How long a world may take to start, and to settle after the last post.
const PATIENCE: Duration = Duration::from_mins(2);
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
    /// Further arguments of the processes.
    pub(crate) arguments: Vec<String>,
    /// Whether the run kills the real parts, so that nobody else may use them meanwhile.
    pub(crate) kills_parts: bool,
    /// Where PostgreSQL is reached, if not where it is.
    pub(crate) postgres_at: Option<SocketAddr>,
    /// Whether a write beyond the limit on file sizes is an error, as on a full disk, and does not end the process.
    pub(crate) survives_a_full_disk: bool,
}

impl Setting {
    /// The usual one with these variables.
    pub(crate) fn with(variables: &[(&'static str, &str)]) -> Self {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Self {
            variables: variables.iter().map(owned).collect(),
            ..Self::default()
        }
    }
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
    arguments: Vec<String>,
    survives_a_full_disk: bool,
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
        set("DOOR__TOTAL_RATE", "100000".to_owned());
        set("DOOR__TOTAL_BURST", "100000".to_owned());
        set("AUDIT__LISTEN", api.to_string());
        set("TELEMETRY__FORMAT", "json".to_owned());
        set("BROKER__PREFIX", prefix.clone());
        set("NOTIFY__DOMAIN", format!("{prefix}.example.test"));
        if kind == Kind::Real {
            let mut parts = Parts::of_environment()?;
            if let Some(address) = setting.postgres_at {
                parts = parts.with_postgres_at(address);
            }
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
            arguments: setting.arguments,
            survives_a_full_disk: setting.survives_a_full_disk,
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

    /// The URL of the door.
    pub(crate) fn door(&self) -> String {
        format!("http://{}/callbacks/jumio", self.door)
    }

    /// Where the door listens.
    pub(crate) fn door_address(&self) -> SocketAddr {
        self.door
    }

    /// Where a process tells how it is.
    pub(crate) fn admin_address(&self, name: &str) -> SocketAddr {
        self.admin[name]
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
