//! The processes of doors: started, asked, stopped, killed.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Doors, signal};

/// How long a door may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_mins(1);

impl Doors {
    /// Starts a door; what it says goes to a file.
    pub(in crate::threats) fn spawn(&mut self, number: usize) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log(number))
            .unwrap();
        let door = &self.each[number];
        let mut command = self.command(&["ingest"]);
        if let Some(kilobytes) = self.file_kilobytes {
            // A signal that is ignored stays so in the program that takes the shell's place: the write fails instead.
            // What it says goes through a process without that limit.
            let limited =
                "exec > >(exec cat) 2>&1; trap '' XFSZ; ulimit -S -f \"$1\"; exec \"$0\" ingest";
            let mut shell = Command::new("bash");
            shell
                .args(["-c", limited])
                .arg(command.get_program())
                .arg(kilobytes.to_string())
                .envs(&self.variables)
                .current_dir(self.folder.path())
                .stdin(Stdio::null());
            command = shell;
        }
        let child = command
            .env("IDTRAIL_DOOR__LISTEN", door.listen.to_string())
            .env("IDTRAIL_ADMIN__LISTEN", door.admin.to_string())
            .env("IDTRAIL_BROKER__INSTANCE", format!("door-{number}"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.each[number].child = Some(child);
    }

    /// The disk has room again.
    pub(in crate::threats) fn make_room(&self, number: usize) {
        let pid = self.pid(number).to_string();
        let status = Command::new("prlimit")
            .args(["--pid", &pid, "--fsize=unlimited:"])
            .status()
            .unwrap();
        assert!(status.success(), "prlimit: {status}");
    }

    /// Kills a door with SIGKILL and waits until it is gone.
    pub(in crate::threats) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.each[number].child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks a door to stop, and waits until it has.
    pub(in crate::threats) async fn terminate(&mut self, number: usize) {
        signal("-TERM", &self.pid(number).to_string());
        let mut child = self.each[number].child.take().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0), "{}", self.said(number));
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited {PATIENCE:?} for the end of a door after SIGTERM"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a door says that it is ready.
    pub(in crate::threats) async fn ready(&mut self, number: usize) {
        let begun = Instant::now();
        loop {
            let last = match self.page(number, "/readyz").await {
                Ok((200, _)) => return,
                Ok((_, text)) => text,
                Err(error) => error.to_string(),
            };
            let child = self.each[number].child.as_mut();
            let ended = child.and_then(|child| child.try_wait().unwrap());
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "door {number} is not ready within {PATIENCE:?}: {last}\n{}",
                self.said(number)
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// A page of a door's admin listener.
    pub(in crate::threats) async fn page(
        &self,
        number: usize,
        path: &str,
    ) -> Result<(u16, String), reqwest::Error> {
        let url = format!("http://{}{path}", self.each[number].admin);
        let response = self.client.get(url).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    fn log(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("door-{number}.log"))
    }

    pub(super) fn said(&self, number: usize) -> String {
        let text = std::fs::read_to_string(self.log(number)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
