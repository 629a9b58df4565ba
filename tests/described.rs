//! The audit API is as it describes itself: schemathesis asks a running one what `/openapi.json` allows and what it does
//! not, and holds each answer against it.

use std::{path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::world::{Kind, Parts, Setting, World, approved, wait_for};

const TOKEN: &str = "schemathesis-0123456789-0123456789";
/// The same questions in every run.
const SEED: &str = "20261130";
/// Questions for each path; some are added for what stands at the edge of a kind.
const EXAMPLES: &str = "40";
/// Seconds for a run that takes ten where nobody else works; each answer waits for the disk, because its question is kept.
const PATIENCE: &str = "300";
/// What `timeout` ends with when they are over.
const OVER: i32 = 124;

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_api_is_as_it_describes_itself() {
    let Some(program) = Parts::variable("SCHEMATHESIS") else {
        eprintln!("skipped: schemathesis: IDTRAIL_TEST_SCHEMATHESIS is not set");
        return;
    };
    let keys = tempfile::tempdir().unwrap();
    let token = keys.path().join("reader.token");
    std::fs::write(&token, TOKEN).unwrap();
    let token = token.display();
    let reader =
        format!("[{{ name = \"schemathesis\", token_file = \"{token}\", accounts = [\"*\"] }}]");
    let setting = Setting {
        variables: vec![("AUDIT__READERS", reader)],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    for number in 0..5 {
        let (media, body) = approved(number, &format!("described-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let event = signed_event(&world).await;
    let description = ask(&world, "/openapi.json").await;
    let paths = description["paths"].as_object().unwrap().len();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/described");
    let anything = std::fs::read_to_string(source.join("anything.toml")).unwrap();
    let known = std::fs::read_to_string(source.join("known.toml")).unwrap();
    let known = known.replace("EVENT_ID", &event);
    for (name, settings, modes) in [("anything", anything, "all"), ("known", known, "positive")] {
        let file = keys.path().join(format!("{name}.toml"));
        std::fs::write(&file, settings).unwrap();
        let output = Command::new("timeout")
            .args([PATIENCE, &program, "--config-file"])
            .arg(&file)
            .args(["--no-color", "run"])
            .arg(format!("http://{}/openapi.json", world.api))
            .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
            .args(["--checks", "all", "--mode", modes, "--seed", SEED])
            .args(["--max-examples", EXAMPLES, "--generation-database", "none"])
            .args(["--continue-on-failure", "--request-timeout", "20"])
            .current_dir(keys.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!(
            "schemathesis, {name}: {}",
            said.lines().last().unwrap_or_default()
        );
        assert_ne!(
            output.status.code(),
            Some(OVER),
            "{name}: over after {PATIENCE} s: {said}"
        );
        // Where it read the description it asks nothing.
        let all = said.contains(&format!("Tested: {}\n", paths - 1));
        assert!(output.status.success() && all, "{name}: {said}");
    }
}

/// An answer of the API.
async fn ask(world: &World, path: &str) -> Value {
    let url = format!("http://{}{path}", world.api);
    let request = world.client.get(url).bearer_auth(TOKEN);
    let answer = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// An event whose steps a checkpoint covers.
async fn signed_event(world: &World) -> String {
    let page = ask(world, "/v1/checks?limit=1").await;
    let steps = page["checks"][0]["steps"].as_array().unwrap();
    let event = steps.iter().find_map(|step| step["event_id"].as_str());
    let event = event.unwrap().to_owned();
    let path = format!("/v1/checks/{event}/proof");
    wait_for(
        "proofs of every step",
        Duration::from_secs(30),
        async || {
            let answer = ask(world, &path).await;
            let integrated = |one: &Value| one["state"] == "integrated";
            match answer["proofs"].as_array() {
                Some(proofs) if proofs.iter().all(integrated) => Ok(()),
                _ => Err(answer.to_string()),
            }
        },
    )
    .await;
    event
}
