//! Who is measured: our door with all checks on, and bare handlers that do the same work without any.

use std::{
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::system::{System, free, part};

/// A JVM on a busy machine takes seconds; longer than this is a fault.
const START: Duration = Duration::from_secs(30);

/// A program without checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// hyper and rdkafka, this program's own `bare`
    Bare,
    /// the same with record keys, so that posts spread over the partitions as ours must
    Keyed,
    /// net/http and franz-go
    Go,
    /// Vert.x and kafka-clients
    Java,
}

impl Rival {
    /// All, in the order of the tables.
    pub(crate) const ALL: [Self; 4] = [Self::Bare, Self::Keyed, Self::Go, Self::Java];

    /// Its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Keyed => "bare, keyed",
            Self::Go => "Go",
            Self::Java => "Java",
        }
    }

    fn command(self) -> Option<Command> {
        Some(match self {
            Self::Bare | Self::Keyed => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.arg("bare");
                if self == Self::Keyed {
                    command.arg("--keyed");
                }
                command
            }
            Self::Go => Command::new(part("BENCH_GO")?),
            Self::Java => {
                let mut command = Command::new("java");
                // A fixed heap, so that its size is a choice and not a share of the machine's memory.
                command.args(["-Xms256m", "-Xmx256m", "-cp", &part("BENCH_JAVA_CP")?]);
                command.arg("Door");
                command
            }
        })
    }
}

/// One of those that are measured.
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) listen: SocketAddr,
    pub(crate) pid: u32,
    child: Option<Child>,
}

impl Contestant {
    /// Ours, which the system has started and ends.
    pub(crate) fn ours(system: &System) -> Self {
        Self {
            name: "idtrail".to_owned(),
            listen: system.door,
            pid: system.pids()[0].1,
            child: None,
        }
    }

    /// Starts a rival; with a deadline it is told to give up a record after that, as far as its client can be told.
    /// None where it was not built, which is said.
    pub(crate) fn start(rival: Rival, topic: &str, deadline: Option<Duration>) -> Option<Self> {
        let Some(mut command) = rival.command() else {
            println!(
                "door: {} is left out; `make bench-door` builds it",
                rival.name()
            );
            return None;
        };
        let listen = free();
        command.args([&listen.to_string(), &part("KAFKA")?, topic]);
        if let Some(deadline) = deadline {
            command.arg(deadline.as_millis().to_string());
        }
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let mut contestant = Self {
            name: rival.name().to_owned(),
            listen,
            pid: child.id(),
            child: Some(child),
        };
        contestant.listening();
        Some(contestant)
    }

    fn listening(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(self.listen).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none(),
                "{} ended at its start: {ended:?}",
                self.name
            );
            assert!(
                begun.elapsed() < START,
                "waited {START:?} for {} to listen",
                self.name
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}
