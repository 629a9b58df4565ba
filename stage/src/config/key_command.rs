//! A key that a program prints: how a key management service is asked, which keeps it out of every file.

use std::{
    io::{self, Read as _},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::key_file::{MAX_FILE, key_of};

/// How long the program may take: a service that is asked over a network answers within a second or two.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// So much of what it prints is read: more than any key is long.
const LONGEST: usize = 2 * MAX_FILE;
/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a program, without a shell, and takes what it prints as a key: 32 bytes, or the same as 64 hex digits. What it says
/// on the standard error goes to ours. It must end within the time that is given, and is killed if it does not.
///
/// # Errors
///
/// One sentence that names the program and tells nothing of its arguments or of the key.
pub fn ask(command: &[String], patience: Duration) -> Result<Zeroizing<[u8; 32]>, String> {
    let (program, arguments) = command.split_first().ok_or("names no program")?;
    let mut asked = Command::new(program);
    asked.args(arguments);
    asked.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = asked.spawn();
    let mut child = child.map_err(|error| format!("{program} cannot be run: {error}"))?;
    let begun = Instant::now();
    let printed = child.stdout.take().map(read_apart);
    let printed = printed.and_then(|printed| printed.recv_timeout(patience).ok());
    let left = patience.saturating_sub(begun.elapsed());
    let failed = |error| format!("{program}: {error}");
    let status = ends_within(&mut child, left).map_err(failed)?;
    let (Some(printed), Some(status)) = (printed, status) else {
        return Err(format!(
            "{program} has not ended and closed its output within {patience:?}"
        ));
    };
    let printed = printed.map_err(failed)?;
    let key = key_of(&printed);
    match key {
        _ if printed.len() < LONGEST && !status.success() => {
            Err(format!("{program} ended with {status}"))
        }
        Some(key) => Ok(key),
        None => Err(format!(
            "{program} printed neither 32 bytes nor 64 hex digits"
        )),
    }
}

/// How it ended; none, and it is killed, if it has not by then.
fn ends_within(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

type Printed = io::Result<Zeroizing<Vec<u8>>>;

/// Reads what is printed, up to the limit. On a thread of its own, because a process that the program leaves behind may
/// hold the output open for ever.
fn read_apart(output: ChildStdout) -> mpsc::Receiver<Printed> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut printed = Zeroizing::new(Vec::with_capacity(LONGEST));
        let read = output.take(LONGEST as u64).read_to_end(&mut printed);
        // Nobody may wait for it any more.
        let _ = said.send(read.map(|_| printed));
    });
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for a program that waits.
    const SHORT: Duration = Duration::from_millis(500);

    fn shell(script: &str, patience: Duration) -> Result<Zeroizing<[u8; 32]>, String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        ask(&command, patience)
    }

    #[test]
    fn what_a_program_prints_is_the_key() {
        let hex = "0f".repeat(32);
        for script in [&format!("echo {hex}"), "printf '\\017%.0s' $(seq 32)"] {
            let key = shell(script, PATIENCE).unwrap();
            assert_eq!(key.as_slice(), [15; 32], "{script}");
        }
    }

    #[test]
    fn a_program_that_fails_waits_or_prints_anything_else_gives_no_key_and_no_secret() {
        let secret = "5e".repeat(31);
        for (script, patience, why) in [
            (format!("echo {secret}; exit 3"), PATIENCE, "exit status: 3"),
            (
                format!("echo {secret}5e; exit 3"),
                PATIENCE,
                "exit status: 3",
            ),
            (
                format!("echo {secret}; exec sleep 60"),
                SHORT,
                "within 500ms",
            ),
            (format!("sleep 5 & echo {secret}5e"), SHORT, "within 500ms"),
            (
                format!("echo {secret}"),
                PATIENCE,
                "neither 32 bytes nor 64",
            ),
            ("yes".to_owned(), PATIENCE, "neither 32 bytes nor 64"),
        ] {
            let error = shell(&script, patience).unwrap_err();
            assert!(error.contains(why) && !error.contains(&secret), "{error}");
        }
        let error = ask(&["no-such-program".to_owned()], PATIENCE).unwrap_err();
        assert!(error.contains("no-such-program cannot be run"), "{error}");
        assert_eq!(ask(&[], PATIENCE).unwrap_err(), "names no program");
    }
}
