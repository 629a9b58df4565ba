//! The load generator wrk: the script that it posts by, and what it says at its end.

use std::{fmt::Write as _, net::SocketAddr, process::Command, time::Duration};

use tempfile::TempDir;

use crate::load;

/// Bodies that differ in their account, and so in the record's key: enough to reach every partition.
const BODIES: usize = 64;
/// Characters of a check's reference; all have as many, so that a request's length is known beforehand.
const REFERENCE: usize = 20;
/// Characters of each personal field: they make a body of 3.2 KB.
const FIELD: usize = 16;
/// Longer than any frozen broker, so that wrk counts no answer as lost that only came late.
const PATIENCE: &str = "60s";

/// What one run of wrk came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tally {
    /// Posts answered 200
    pub(crate) accepted: f64,
    /// Posts answered otherwise
    pub(crate) refused: f64,
    /// Connections that failed or posts that had no answer
    pub(crate) broken: f64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// wrk, with a folder for its scripts.
pub(crate) struct Wrk {
    program: String,
    folder: TempDir,
}

impl Wrk {
    /// Of this path.
    pub(crate) fn new(program: String) -> Self {
        Self {
            program,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Posts for so long on so many connections; `run` keeps the references of one run from those of another.
    pub(crate) fn post(
        &self,
        door: SocketAddr,
        run: usize,
        connections: usize,
        time: Duration,
    ) -> Tally {
        let file = self.folder.path().join("post.lua");
        std::fs::write(&file, script(run)).unwrap();
        let output = Command::new(&self.program)
            .args(["--threads", "1", "--timeout", PATIENCE, "--connections"])
            .arg(connections.to_string())
            .arg("--duration")
            .arg(format!("{}s", time.as_secs()))
            .arg("--script")
            .arg(&file)
            .arg(format!("http://{door}/callbacks/jumio"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        tally(&said).unwrap_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            panic!("wrk ended without a tally: {said}{complaint}")
        })
    }
}

/// Bytes of a body.
pub(crate) fn body_length() -> usize {
    let request = template(0);
    let head = request.find("\r\n\r\n").unwrap() + 4;
    request.len() - head
}

/// The request of an account, with a reference that is to be replaced.
fn template(account: usize) -> String {
    let digits = account.to_string().len();
    let run = "Z".repeat(REFERENCE - 1 - digits);
    String::from_utf8(load::request_of(account, &run, FIELD)).unwrap()
}

/// The script: every post has a reference of its own, in one of so many bodies.
fn script(run: usize) -> String {
    let mut script = String::from("local bodies = {\n");
    for account in 0..BODIES {
        let digits = account.to_string().len();
        let placeholder = format!("{}-{account}", "Z".repeat(REFERENCE - 1 - digits));
        script.push_str("  {");
        let request = template(account);
        for piece in request.split(&placeholder) {
            // Rust's escapes of ASCII are Lua's too.
            let _ = write!(script, "{piece:?}, ");
        }
        script.push_str("},\n");
    }
    let digits = REFERENCE - 9;
    let _ = write!(
        script,
        "}}
local number = 0
request = function()
  number = number + 1
  return table.concat(bodies[number % #bodies + 1], string.format(\"w{run:07}-%0{digits}d\", number))
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(\"tally %d %d %d %d %d %d\\n\", summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
"
    );
    script
}

/// What the script's last line says; none where wrk did not get so far.
fn tally(said: &str) -> Option<Tally> {
    let line = said.lines().find_map(|line| line.strip_prefix("tally "))?;
    let numbers: Vec<f64> = line
        .split(' ')
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    let [answered, refused, broken, micros, p50, p99] = numbers[..] else {
        return None;
    };
    Some(Tally {
        accepted: answered - refused,
        refused,
        broken,
        seconds: micros / 1e6,
        p50_ms: p50 / 1e3,
        p99_ms: p99 / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_tells_the_accepted_from_the_refused() {
        let said = "Running 3s test\ntally 120 20 3 3000000 1500 9000\nRequests/sec: 40\n";
        let expected = Tally {
            accepted: 100.0,
            refused: 20.0,
            broken: 3.0,
            seconds: 3.0,
            p50_ms: 1.5,
            p99_ms: 9.0,
        };
        assert_eq!(tally(said), Some(expected));
        assert_eq!(tally("tally 120 20 3\n"), None);
        assert_eq!(tally("unable to connect\n"), None);
    }

    #[test]
    fn every_request_says_the_length_of_its_body() {
        for account in 0..BODIES {
            let request = template(account);
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let length = head.split("Content-Length: ").nth(1).unwrap();
            assert_eq!(length.parse::<usize>().unwrap(), body.len());
        }
        assert!(
            (3_150..=3_250).contains(&body_length()),
            "{}",
            body_length()
        );
    }

    #[test]
    fn the_script_leaves_no_placeholder_and_fills_references_of_the_same_length() {
        let script = script(7);
        assert!(!script.contains("ZZ"));
        assert!(script.contains("\"w0000007-%011d\""));
        assert_eq!("w0000007-".len() + 11, REFERENCE);
    }
}
