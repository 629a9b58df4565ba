//! `prove` over the audit API: an auditor without a database has the same proofs.

use std::time::Duration;

use super::commands::exported;
use crate::world::{Kind, Setting, World, approved};

const TOKEN: &str = "an auditor's token of more than 32 characters";

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_token_has_the_proofs_of_their_accounts_and_no_others() {
    let keys = tempfile::tempdir().unwrap();
    let token = keys.path().join("auditor.token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let token = token.to_str().unwrap();
    let reader =
        format!("[{{ name = \"auditor\", token_file = \"{token}\", accounts = [\"A-3\"] }}]");
    let Some((world, folder)) = signed(reader).await else {
        return;
    };
    let (own, foreign) = (event(&world, "A-3"), event(&world, "A-4"));
    let url = format!("http://{}", world.api);
    let asked = ["prove", &own, "--url", &url, "--token-file", token];
    let (code, proof, error) = alone(&asked);
    assert_eq!(code, 0, "{error}");
    let file = format!("{folder}/own.tlog-proof");
    std::fs::write(&file, &proof).unwrap();
    let key = format!("{folder}/log.vkey");
    let (code, said, error) = alone(&["verify", &file, "--vkey", &key]);
    assert_eq!(code, 0, "{said}{error}");
    let (code, all, error) =
        alone(&[&asked[..], &["--json", "--purpose", "yearly audit"]].concat());
    assert_eq!((code, all.lines().count() >= 4), (0, true), "{error}");
    let wrong = keys.path().join("wrong.token");
    std::fs::write(&wrong, "another token of more than 32 characters").unwrap();
    let wrong = wrong.to_str().unwrap();
    for (arguments, code, word) in [
        (
            ["prove", &foreign, "--url", &url, "--token-file", token],
            1,
            "no such event",
        ),
        (
            ["prove", "nobody", "--url", &url, "--token-file", token],
            1,
            "no such event",
        ),
        (
            ["prove", &own, "--url", &url, "--token-file", wrong],
            2,
            "--token-file",
        ),
        (
            [
                "prove",
                &own,
                "--url",
                "http://127.0.0.1:1",
                "--token-file",
                token,
            ],
            3,
            "idtrail:",
        ),
    ] {
        let (answer, said, error) = alone(&arguments);
        assert_eq!(
            (answer, said.as_str()),
            (code, ""),
            "{arguments:?}: {error}"
        );
        assert!(error.contains(word), "{arguments:?}: {error}");
        assert!(!error.contains(TOKEN));
    }
    let last = last_look(&world, "A-3");
    assert_eq!(
        (&last["asked"], &last["purpose"]),
        (&"proof".into(), &"yearly audit".into())
    );
}

/// The last look of the auditor at an account.
fn last_look(world: &World, account: &str) -> serde_json::Value {
    let (code, looks, error) = world.run(&["history", "--access", "--account", account, "--json"]);
    assert_eq!(code, 0, "{error}");
    let mut looks = looks
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|look| look["reader"] == "auditor");
    looks.next_back().unwrap()
}

/// A system with these readers and two checks, and the folder of its signed log.
async fn signed(readers: String) -> Option<(World, String)> {
    let setting = Setting {
        variables: vec![("AUDIT__READERS", readers)],
        ..Setting::default()
    };
    let world = World::start(Kind::Embedded, setting).await?;
    for number in [3, 4] {
        let (media, body) = approved(number, &format!("remote-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let folder = exported(&world).await;
    Some((world, folder))
}

/// The event of an account's check.
fn event(world: &World, account: &str) -> String {
    let (code, said, error) = world.run(&["history", "--account", account, "--json"]);
    assert_eq!(code, 0, "{error}");
    let step = said
        .lines()
        .find(|line| line.contains(r#""step":"checked""#));
    let step: serde_json::Value = serde_json::from_str(step.unwrap()).unwrap();
    step["event_id"].as_str().unwrap().to_owned()
}

/// A command that knows nothing of the system but what it is told.
fn alone(arguments: &[&str]) -> (i32, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
