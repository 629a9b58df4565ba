//! The history as Parquet, read by `DuckDB`: every step as the other exports have it.

use std::{path::Path, process::Command, time::Duration};

use crate::world::{Kind, Parts, Setting, World, approved};

#[tokio::test(flavor = "multi_thread")]
async fn the_history_as_parquet_says_what_the_other_exports_say() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    for number in 0..4 {
        let (media, body) = approved(number, &format!("analysed-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let out = |format: &str| world.folder.path().join(format!("history.{format}"));
    for format in ["parquet", "ndjson"] {
        let path = out(format).display().to_string();
        let (code, said, error) = world.run(&["export", "--format", format, "--out", &path]);
        assert_eq!(code, 0, "{said}{error}");
        let sum = Command::new("sha256sum")
            .args(["--check", "--quiet", &format!("{path}.sha256")])
            .current_dir(world.folder.path())
            .status();
        assert!(sum.unwrap().success());
    }
    let bytes = std::fs::read(out("parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let Some(python) = Parts::variable("AICS") else {
        println!("skipped: no DuckDB; run it through tests/run");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifiers/parquet.py");
    let output = Command::new(python)
        .arg(script)
        .args([out("parquet"), out("ndjson")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = std::fs::read_to_string(out("ndjson")).unwrap();
    let wanted = format!("SAME {}", lines.lines().count());
    assert_eq!(said.trim_end(), wanted, "{error}");
}
