//! A key that a program prints: how a key management service is asked, which keeps it out of every file.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::key_file::{MAX_FILE, key_of};

/// How long the program may take: a service that is asked over a network answers within a second or two.
pub const PATIENCE: Duration = Duration::from_secs(10);
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
    let status = loop {
        let ended = child.try_wait();
        if let Some(status) = ended.map_err(|error| format!("{program}: {error}"))? {
            break status;
        }
        if begun.elapsed() >= patience {
            // Both fail only if it has ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{program} has not ended within {patience:?}"));
        }
        std::thread::sleep(LOOK);
    };
    if !status.success() {
        return Err(format!("{program} ended with {status}"));
    }
    let mut printed = Zeroizing::new(Vec::with_capacity(2 * MAX_FILE));
    if let Some(output) = child.stdout.take() {
        let read = output.take(2 * MAX_FILE as u64).read_to_end(&mut printed);
        read.map_err(|error| format!("{program}: {error}"))?;
    }
    key_of(&printed).ok_or_else(|| {
        format!("{program} printed neither 32 bytes nor 64 hex digits and a line end")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Zeroizing<[u8; 32]>, String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        ask(&command, Duration::from_millis(500))
    }

    #[test]
    fn what_a_program_prints_is_the_key() {
        let hex = "0f".repeat(32);
        assert_eq!(shell(&format!("echo {hex}")).unwrap().as_slice(), [15; 32]);
        let raw = shell("printf '\\017%.0s' $(seq 32)").unwrap();
        assert_eq!(raw.as_slice(), [15; 32]);
    }

    #[test]
    fn a_program_that_fails_waits_or_prints_anything_else_gives_no_key_and_no_secret() {
        let secret = "5e".repeat(31);
        for (script, why) in [
            (format!("echo {secret}; exit 3"), "exit status: 3"),
            (format!("echo {secret}; exec sleep 60"), "within 500ms"),
            (format!("echo {secret}"), "neither 32 bytes nor 64"),
            ("yes | head -c 60000".to_owned(), "neither 32 bytes nor 64"),
        ] {
            let error = shell(&script).unwrap_err();
            assert!(error.contains(why) && !error.contains(&secret), "{error}");
        }
        let error = ask(&["no-such-program".to_owned()], PATIENCE).unwrap_err();
        assert!(error.contains("no-such-program cannot be run"), "{error}");
        assert_eq!(ask(&[], PATIENCE).unwrap_err(), "names no program");
    }
}
