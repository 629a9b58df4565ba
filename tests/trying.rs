//! What `up` says to try is copied as it stands.

use std::{process::Command, time::Duration};

use crate::world::{Kind, Setting, World};

/// From what `up` said: the lines below `try`.
fn to_try(said: &str) -> Vec<&str> {
    let below = said.lines().skip_while(|line| *line != "try").skip(1);
    below.map_while(|line| line.strip_prefix("  ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_up_says_to_try_runs_where_idtrail_is_in_no_path() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let said = std::fs::read_to_string(world.log("up")).unwrap();
    let lines = to_try(&said);
    assert_eq!(lines.len(), 3, "{said}");
    for line in lines {
        // The directory here has other accounts than that of `up` alone, and who follows is never through.
        let line = line.replace("A-1001:C-2001", "A-1:C-1");
        let line = line.replace("A-1001", "A-1").replace(" --follow", "");
        let output = Command::new("/bin/sh")
            .args(["-c", &line])
            .env("PATH", "")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
        // A person is slower than the history, a test is not.
        world.settle(Duration::from_mins(1)).await;
    }
}
