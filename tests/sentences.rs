//! What is set up wrongly is said in one sentence that names what to do, with the right exit code.

use std::{net::TcpListener, process::Command, time::Duration};

use crate::world::{Kind, Parts, Setting, World, free, use_parts};

/// Runs the binary; its exit code and what it said.
pub(crate) fn idtrail(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_port_in_use_is_named_with_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = folder.path().join("data");
    for (flag, setting) in [
        ("--listen", "door.listen"),
        ("--admin", "admin.listen"),
        ("--api", "audit.listen"),
    ] {
        let mut arguments = vec!["up", "--data", data.to_str().unwrap(), flag, &address];
        let others: Vec<String> = (0..2).map(|_| free().to_string()).collect();
        let rest: Vec<&str> = ["--listen", "--admin", "--api"]
            .into_iter()
            .filter(|one| *one != flag)
            .collect();
        for (name, address) in rest.iter().zip(&others) {
            arguments.extend([*name, address.as_str()]);
        }
        let (code, said) = idtrail(&arguments, &[]);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains(setting) && said.contains(&address),
            "{flag}: {said}"
        );
    }
}

#[test]
fn unsafe_and_unknown_settings_are_refused_by_name() {
    for (variables, word) in [
        (vec![("IDTRAIL_DOOR__LISTN", "x")], "listn"),
        (vec![("IDTRAIL_NOWHERE__KEY", "x")], "nowhere"),
        (
            vec![
                ("IDTRAIL_DOOR__SOURCES__JUMIO", "[]"),
                ("IDTRAIL_DOOR__ALLOW", "[]"),
            ],
            "door.allow",
        ),
        (
            vec![("IDTRAIL_DOOR__ALLOW", "[\"0.0.0.0/0\"]")],
            "door.allow",
        ),
        (
            vec![
                ("IDTRAIL_IDTRAIL__PROFILE", "production"),
                ("IDTRAIL_DOOR__ALLOW", "[\"127.0.0.0/8\"]"),
            ],
            "loopback",
        ),
        (vec![("IDTRAIL_BROKER__KIND", "rabbit")], "broker.kind"),
        (
            vec![("IDTRAIL_DOOR__SECRETS", "[{ file = \"/nowhere/secret\" }]")],
            "/nowhere/secret",
        ),
    ] {
        let (code, said) = idtrail(&["config", "check"], &variables);
        let started = idtrail(&["ingest"], &variables);
        assert!(
            code == 2 || started.0 == 2,
            "{variables:?}: {said}{}",
            started.1
        );
        assert!(
            said.contains(word) || started.1.contains(word),
            "{variables:?}: {said}{}",
            started.1
        );
    }
}

#[test]
fn the_example_is_valid_and_says_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let (code, example) = idtrail(&["config", "example"], &[]);
    assert_eq!(code, 0);
    let file = folder.path().join("example.toml");
    std::fs::write(&file, &example).unwrap();
    let (code, with_file) = idtrail(
        &[
            "config",
            "check",
            "--json",
            "--config",
            file.to_str().unwrap(),
        ],
        &[],
    );
    assert_eq!(code, 0, "{with_file}");
    for line in with_file.lines() {
        let setting: serde_json::Value = serde_json::from_str(line).unwrap();
        let path = setting["setting"].as_str().unwrap();
        let key = path.rsplit('.').next().unwrap();
        assert!(
            example.contains(&format!("{key} ="))
                || example.contains(&format!("[{path}]"))
                || example.contains(&format!("[[{path}]]"))
                || example.contains(&format!("[broker.{key}]")),
            "the example does not name {path}"
        );
    }
}

#[test]
fn a_name_that_is_a_number_is_a_name() {
    let (code, said) = idtrail(&["config", "check"], &[("IDTRAIL_BROKER__INSTANCE", "0")]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = commands_of(&[]);
    assert!(commands.len() >= 18, "{commands:?}");
    for command in &commands {
        let inner = commands_of(&[command]);
        for words in inner.iter().map(|inner| vec![command.as_str(), inner]) {
            has_an_example(&words);
        }
        if inner.is_empty() {
            has_an_example(&[command]);
        }
    }
}

/// The commands that the help of these words lists; none where they are a command themselves.
fn commands_of(words: &[&str]) -> Vec<String> {
    let (code, help) = idtrail(&[words, &["--help"]].concat(), &[]);
    assert_eq!(code, 0, "{words:?}: {help}");
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        // What does not fit goes on in the next line, further in.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn has_an_example(words: &[&str]) {
    let (code, said) = idtrail(&[words, &["--help"]].concat(), &[]);
    assert_eq!(code, 0);
    assert!(said.contains("Example: idtrail"), "{words:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_says_which_set_up_is_missing_and_goes_on_when_it_is_there() {
    let Some(parts) = Parts::of_environment() else {
        return;
    };
    let _shared = use_parts(true, false).await;
    let prefix = format!("s{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let variables: Vec<(String, String)> = parts
        .variables(folder.path(), &prefix)
        .into_iter()
        .chain([
            ("BROKER__PREFIX".to_owned(), prefix.clone()),
            ("ADMIN__LISTEN".to_owned(), free().to_string()),
        ])
        .map(|(name, value)| (format!("IDTRAIL_{name}"), value))
        .collect();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (code, said) = idtrail(&["topics", "check"], &variables);
    assert!(
        code == 1 && said.contains("idtrail topics create"),
        "{code} {said}"
    );
    let (code, said) = idtrail(&["schemas", "check"], &variables);
    assert!(
        code == 1 && said.contains("idtrail schemas register"),
        "{code} {said}"
    );
    let (code, said) = idtrail(&["notify"], &variables);
    assert!(
        code == 3,
        "a database that is not there cannot be reached: {code} {said}"
    );
    parts.make_databases(&prefix).await;
    let (code, said) = idtrail(&["notify"], &variables);
    assert!(
        code == 2 && said.contains("idtrail database migrate"),
        "{code} {said}"
    );
    let (code, said) = idtrail(&["doctor"], &variables);
    assert!(
        code == 3 && said.contains("NOT WELL") && said.contains("idtrail topics create"),
        "{code} {said}"
    );
    let nobody = [
        variables.as_slice(),
        &[("IDTRAIL_REGISTRY__URL", "http://127.0.0.1:1")],
    ]
    .concat();
    let (code, said) = idtrail(&["schemas", "check"], &nobody);
    assert!(code == 3 && said.contains("registry"), "{code} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_up_on_one_folder_is_refused() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let data = world.data();
    let (code, said) = idtrail(&["up", "--data", data.to_str().unwrap()], &[]);
    assert!(
        code == 2 && said.contains("another `idtrail up`"),
        "{code} {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_503_and_nothing_is_lost() {
    // A limit on the size of files stands in for a full disk: writes fail in the same way for the process.
    let setting = Setting {
        survives_a_full_disk: true,
        ..Setting::default()
    };
    let Some(mut world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let pid = world.pid("up").to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=65536:65536"])
        .status();
    if !limited.is_ok_and(|status| status.success()) {
        println!("skipped: prlimit is not to be had");
        return;
    }
    let mut accepted = Vec::new();
    let mut refused = 0;
    for number in 0..60 {
        let reference = format!("disk-{number}");
        let (media, body) = crate::world::approved(number, &reference);
        match world.post(media, body).await {
            200 => accepted.push(reference),
            503 => refused += 1,
            other => panic!("{other}"),
        }
        if refused > 2 {
            break;
        }
    }
    assert!(
        refused > 0,
        "the limit was never met, so this test would prove nothing"
    );
    world.kill("up");
    world.spawn("up");
    world.ready("up").await;
    let (media, body) = crate::world::approved(1, "disk-after");
    assert_eq!(
        world.post(media, body).await,
        200,
        "the disk has room again"
    );
    let (_, whole) = world.settle(Duration::from_mins(1)).await;
    let bodies: Vec<String> = whole
        .raw
        .iter()
        .map(|record| {
            String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
        })
        .collect();
    for reference in accepted {
        let needle = format!("jumioIdScanReference={reference}&");
        assert!(
            bodies
                .iter()
                .any(|body| body.contains(&needle) || body.ends_with(&needle[..needle.len() - 1])),
            "{reference} was answered 200 and is gone"
        );
    }
}
