//! `export`, `verify` and `prove` on a log that a running system keeps, and the foreign verifiers on what they wrote.

use std::time::Duration;

use super::foreign::Verifiers;
use crate::world::{Kind, Setting, World, approved, wait_for};

/// Callbacks that are posted.
const POSTS: usize = 40;

/// Exports the tiles once a checkpoint covers everything; gives the folder's path.
pub(super) async fn exported(world: &World) -> String {
    let folder = world.folder.path().join("tiles").display().to_string();
    wait_for(
        "the export of a signed log",
        Duration::from_secs(30),
        async || {
            let page = world.page("up", "/metrics").await;
            let (newest, signed) = (
                number_of(&page, "idtrail_audit_head_sequence"),
                number_of(&page, "idtrail_audit_checkpoint_size"),
            );
            if newest.is_none() || newest.map(|newest| newest + 1) != signed {
                return Err(format!("entry {newest:?}, checkpoint of {signed:?}"));
            }
            let (code, said, error) = world.run(&["export", "--tiles", &folder]);
            if code == 0 {
                Ok(())
            } else {
                Err(format!("{said}{error}"))
            }
        },
    )
    .await;
    folder
}

fn number_of(page: &str, name: &str) -> Option<u64> {
    let line = page.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_running_system_exports_holds_for_everybody_until_it_is_changed() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    for number in 0..POSTS {
        let (media, body) = approved(number, &format!("evidence-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let folder = exported(&world).await;
    let key = std::fs::read_to_string(format!("{folder}/log.vkey")).unwrap();
    let key = key.trim();
    let (code, said, error) = world.run(&["verify", &folder, "--vkey", key]);
    assert_eq!(
        (code, said.starts_with("holds: ")),
        (0, true),
        "{said}{error}"
    );
    let served = format!("http://{}/log", world.api);
    let kept = format!("{folder}/checkpoint");
    let (code, said, error) = world.run(&["verify", &served, "--vkey", key, "--since", &kept]);
    assert_eq!(code, 0, "{said}{error}");
    if let Some(verifiers) = Verifiers::of_environment() {
        for verdict in verifiers.judge(folder.as_ref(), key, None) {
            assert!(verdict.accepted, "{}: {}", verdict.tool, verdict.said);
        }
    }
    let (code, proof, error) = world.run(&["prove", "--seq", "7"]);
    assert_eq!(code, 0, "{error}");
    let file = format!("{folder}/7.tlog-proof");
    std::fs::write(&file, &proof).unwrap();
    let (code, said, error) = world.run(&["verify", &file, "--vkey", key]);
    assert_eq!(code, 0, "{said}{error}");
    std::fs::write(&file, proof.replacen("index 7", "index 6", 1)).unwrap();
    let (code, said, _) = world.run(&["verify", &file, "--vkey", key, "--json"]);
    assert_eq!(
        (code, said.contains(r#""finding":"path""#)),
        (1, true),
        "{said}"
    );
    let bundle = std::fs::read_dir(format!("{folder}/tile/entries")).unwrap();
    let mut bundle = bundle.map(|entry| entry.unwrap().path()).next().unwrap();
    if bundle.is_dir() {
        bundle = std::fs::read_dir(&bundle)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
    }
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let (code, said, _) = world.run(&["verify", &folder, "--vkey", key, "--json"]);
    assert_eq!((code, said.contains(r#""entry":0"#)), (1, true), "{said}");
    let (code, _, error) = world.run(&["verify", "http://127.0.0.1:1/log", "--vkey", key]);
    assert_eq!(code, 3, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_exported_with_its_sum() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let (media, body) = approved(3, "evidence-sum");
    assert_eq!(world.post(media, body).await, 200);
    world.settle(Duration::from_mins(1)).await;
    for format in ["csv", "ndjson"] {
        let out = world.folder.path().join(format!("history.{format}"));
        let path = out.to_str().unwrap();
        let (code, said, error) = world.run(&["export", "--format", format, "--out", path]);
        assert_eq!(code, 0, "{said}{error}");
        let text = std::fs::read_to_string(&out).unwrap();
        assert!(text.contains("evidence-sum"), "{text}");
        let sum = std::process::Command::new("sha256sum")
            .args(["--check", "--quiet", &format!("{path}.sha256")])
            .current_dir(world.folder.path())
            .status()
            .unwrap();
        assert!(sum.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pack_is_written_that_leaves_out_what_no_checkpoint_covers_yet() {
    let setting = Setting {
        variables: vec![("AUDIT__CHECKPOINT_MS", "60000".to_owned())],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let (media, body) = approved(3, "too-new");
    assert_eq!(world.post(media, body).await, 200);
    world.settle(Duration::from_mins(1)).await;
    let pack = world.folder.path().join("pack.zip");
    let path = pack.to_str().unwrap();
    let (code, said, error) = world.run(&["export", "--pack", path, "--account", "A-3"]);
    assert_eq!(code, 1, "{said}{error}");
    assert!(
        error.contains("newer than the newest checkpoint"),
        "{error}"
    );
    assert!(!pack.exists());
}
