//! How a process ends: a command that nobody can hear, and a service that is told to stop at whatever moment.

use std::{
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use stage::{Clock as _, SystemClock};

use crate::{
    crash::Dice,
    world::{Parts, free},
};

/// Doors at the same time, and how often: of those that were stopped right after their start three of a hundred died. More at
/// once would take the machine from the tests beside them.
const DOORS: usize = 4;
const ROUNDS: usize = 10;
/// Within this time of being there they are stopped, but one each time at once: about as long as a client of Kafka takes to
/// log in.
const WITHIN_MILLIS: u64 = 600;
/// How long a listener may take to be there.
const PATIENCE: Duration = Duration::from_mins(1);

mod frozen;

#[test]
fn a_reader_that_has_gone_hears_nothing_and_gets_no_yes() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(["emit", "--list"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_door_that_is_stopped_while_its_clients_log_in_ends_well() {
    let Some(settings) = secured() else {
        println!("skipped: no Kafka with TLS and login; run it through tests/run");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("door.toml");
    std::fs::write(&file, settings).unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(["topics", "create", "--config", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut dice = Dice::new();
    for _ in 0..ROUNDS {
        let doors = std::array::from_fn::<_, DOORS, _>(|number| {
            let moment = match number {
                0 => Moment::FirstListener,
                _ => Moment::AfterDoor(Duration::from_millis(dice.below(WITHIN_MILLIS))),
            };
            let file = file.clone();
            std::thread::spawn(move || stopped(&file, moment))
        });
        for door in doors {
            assert_eq!(door.join().unwrap(), "exit status: 0");
        }
    }
}

/// Settings for the listener with TLS and login; none where there is none.
fn secured() -> Option<String> {
    let (user, password) = (
        Parts::variable("KAFKA_USER")?,
        Parts::variable("KAFKA_PASSWORD_FILE")?,
    );
    let (bootstrap, ca) = (
        Parts::variable("KAFKA_SECURED")?,
        Parts::variable("KAFKA_CA")?,
    );
    Some(format!(
        "[broker]\nkind = \"kafka\"\nprefix = \"t{}\"\npartitions = 2\nbootstrap = \"{bootstrap}\"\n\
         [broker.properties]\n\"security.protocol\" = \"SASL_SSL\"\n\"sasl.mechanism\" = \"SCRAM-SHA-512\"\n\
         \"sasl.username\" = \"{user}\"\n\"ssl.ca.location\" = \"{ca}\"\n\
         [broker.property_files]\n\"sasl.password\" = \"{password}\"\n\
         [door]\nallow = [\"127.0.0.1/32\"]\n",
        SystemClock.now().micros()
    ))
}

/// When a process is asked to stop.
#[derive(Clone, Copy)]
enum Moment {
    /// As soon as anybody can reach it: its admin pages are there first.
    FirstListener,
    /// So long after its door can be reached.
    AfterDoor(Duration),
}

/// How a door ended that was asked to stop at this moment.
fn stopped(settings: &Path, moment: Moment) -> String {
    let (listen, admin) = (free(), free());
    let mut door = Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(["ingest", "--config", settings.to_str().unwrap()])
        .env("IDTRAIL_DOOR__LISTEN", listen.to_string())
        .env("IDTRAIL_ADMIN__LISTEN", admin.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    match moment {
        Moment::FirstListener => wait_for_listener(admin),
        Moment::AfterDoor(time) => {
            wait_for_listener(listen);
            std::thread::sleep(time);
        }
    }
    let asked = Command::new("kill").arg(door.id().to_string()).status();
    assert!(asked.unwrap().success());
    door.wait().unwrap().to_string()
}

fn wait_for_listener(address: SocketAddr) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(
            begun.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for a listener"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
