//! The processes of a world: started, asked, killed.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Kind, PATIENCE, World};

impl World {
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
        if self.survives_a_full_disk {
            // A signal that is ignored stays so in the program that takes the shell's place.
            let program = command.get_program().to_owned();
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
                .arg(program)
                .arg(name);
            shell
                .envs(&self.variables)
                .current_dir(self.folder.path())
                .stdin(Stdio::null());
            command = shell;
        }
        if name == "up" {
            command.arg("--data").arg(self.data());
        }
        let child = command
            .args(&self.arguments)
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
        self.ask_to_stop(name);
        self.ended(name).await
    }

    /// Asks a process to stop.
    pub(crate) fn ask_to_stop(&self, name: &str) {
        let mut kill = Command::new("kill");
        let sent = kill.arg(self.pid(name).to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of a process that was asked to stop, and gives its exit code.
    pub(crate) async fn ended(&mut self, name: &'static str) -> Option<i32> {
        let mut child = self.children.remove(name)?;
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

    pub(super) fn said(&self, name: &str) -> String {
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
}
