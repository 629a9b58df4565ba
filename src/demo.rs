//! `demo`: the whole story unattended, and whether all was as it should be.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use schemas::{AnyEvent, Audience, NoticeOutcome, Topic};
use stage::{Broker, Record};

use crate::{
    command::{Demo, Place},
    emit,
    exit::{Exit, Failure},
    output, process,
};

mod journey;
mod mails;

/// How long the system may take to start, and the story to come to its end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A callback of the story: scenario, customer reference, what it must become.
struct Act {
    scenario: &'static str,
    customer: &'static str,
    status: &'static str,
    ends: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Told to onboarding and sales.
    Told,
    /// Refused with this reason; admins hear of it.
    Refused(&'static str),
}

const STORY: [Act; 5] = [
    Act {
        scenario: "approved",
        customer: "A-1001:C-2001",
        status: "200",
        ends: Ends::Told,
    },
    Act {
        scenario: "selfie-mismatch",
        customer: "A-1001:C-2001",
        status: "200",
        ends: Ends::Told,
    },
    Act {
        scenario: "expired-link",
        customer: "A-1002:C-2002",
        status: "200",
        ends: Ends::Told,
    },
    Act {
        scenario: "broken",
        customer: "A-1001:C-2001",
        status: "400",
        ends: Ends::Refused("undecodable"),
    },
    Act {
        scenario: "approved",
        customer: "A-9999:C-1",
        status: "200",
        ends: Ends::Refused("unknown_account"),
    },
];

/// Plays the story; 0 if all was as it should be.
pub(crate) fn run(arguments: &Demo) -> Result<Exit, Failure> {
    let folder = std::env::temp_dir().join(format!("idtrail-demo-{}", std::process::id()));
    let mut system = System::start(&folder)?;
    let told = process::block_on(play(&system));
    system.stop();
    if arguments.keep {
        output::note(&format!("kept: {}", folder.display()));
    } else {
        std::fs::remove_dir_all(&folder)?;
    }
    let wrong = told?;
    if wrong.is_empty() {
        output::line("\nall was as it should be")?;
        return Ok(Exit::Yes);
    }
    for one in wrong {
        output::line(&format!("\nNOT AS IT SHOULD BE: {one}"))?;
    }
    Ok(Exit::No)
}

/// `idtrail up` as a process of its own, on free ports and a folder of its own.
struct System {
    child: Child,
    door: SocketAddr,
    admin: SocketAddr,
    place: Place,
}

impl System {
    fn start(folder: &Path) -> Result<Self, Failure> {
        std::fs::DirBuilder::new().mode(0o700).create(folder)?;
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let (door, admin, api) = (free()?, free()?, free()?);
        let log = std::fs::File::create(folder.join("up.log"))?;
        let child = Command::new(std::env::current_exe()?)
            .args([
                "up",
                "--listen",
                &door.to_string(),
                "--admin",
                &admin.to_string(),
                "--api",
                &api.to_string(),
            ])
            .arg("--data")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let place = Place {
            config: None,
            data: Some(folder.to_owned()),
        };
        Ok(Self {
            child,
            door,
            admin,
            place,
        })
    }

    fn stop(&mut self) {
        // SIGTERM drains; a child that does not listen is killed.
        let _asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

async fn play(system: &System) -> Result<Vec<String>, Failure> {
    let client = emit::client()?;
    until("`idtrail up` to be ready", async || {
        let ready = client
            .get(format!("http://{}/readyz", system.admin))
            .send()
            .await;
        Ok(ready
            .is_ok_and(|response| response.status().is_success())
            .then_some(()))
    })
    .await?;
    let mut wrong = Vec::new();
    output::line("1. Callbacks come in")?;
    for (number, act) in STORY.iter().enumerate() {
        let post = journey::post(number, act)?;
        let to = format!("http://{}/callbacks/jumio", system.door);
        let status = emit::post(&client, &to, &post).await;
        output::line(&format!(
            "   {:<16} for {:<14} is answered {status}",
            act.scenario, act.customer
        ))?;
        if status != act.status {
            wrong.push(format!(
                "{} was answered {status}, not {}",
                act.scenario, act.status
            ));
        }
    }
    let all = crate::config::All::read(&process::settings(&system.place)?)?;
    let broker = process::broker(&all).await?;
    let whole = until("every callback to come to its end", async || {
        let whole = journey::Whole::read(&broker).await?;
        Ok(whole.is_at_its_end().then_some(whole))
    })
    .await?;
    output::line("\n2. What each became")?;
    wrong.extend(whole.show(&STORY)?);
    let folder = all.notify.maildir.clone().unwrap_or_default();
    output::line("\n3. Who was told what")?;
    wrong.extend(mails::show(&folder, &whole)?);
    output::line("\n4. The history of account A-1001")?;
    let steps = crate::history::of_account(&all, "A-1001").await?;
    if steps < 2 * 5 {
        wrong.push(format!(
            "the history of A-1001 has {steps} steps, fewer than two checks leave"
        ));
    }
    Ok(wrong)
}

async fn until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::unreachable(format!(
                "waited {} s for {what}",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
